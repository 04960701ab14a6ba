"""JWT authentication and authorisation for Django back ends."""
