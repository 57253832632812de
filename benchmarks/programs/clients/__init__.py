"""Clients: this library's, and those of others for Python."""
