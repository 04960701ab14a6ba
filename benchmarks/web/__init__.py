"""Whole web servers, and requests to them."""
