"""Applications for the servers that run ASGI or RSGI."""
