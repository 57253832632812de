"""Servers: listening, accepting, closing."""
