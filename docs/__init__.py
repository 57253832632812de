"""The documentation; `rows` and `asgi_rules` read its lists of tested names and rules."""
