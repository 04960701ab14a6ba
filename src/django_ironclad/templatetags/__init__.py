"""What `{% load ironclad %}` finds."""
