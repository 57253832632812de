"""Servers that others have written, with this library below them or beside it."""
