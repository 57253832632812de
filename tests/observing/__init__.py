"""Observing a server: access log, metrics, performance entries."""
