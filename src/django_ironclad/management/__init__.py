"""What an operator runs: `manage.py ironclad_prune` and `manage.py ironclad_sessions`."""
