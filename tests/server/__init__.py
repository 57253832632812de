"""Servers: listening, accepting, handlers, closing, logs."""
