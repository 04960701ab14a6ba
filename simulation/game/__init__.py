"""Who survives our rule for refresh tokens, by exhausting every play and not by sampling: python -m simulation game."""
