"""Honest clients and thieves against our rotation of refresh tokens, and against the rules of others, as documented."""
