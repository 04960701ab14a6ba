"""What grows: rows, what is left of them, and the set of ended sessions."""
