"""The documentation; `rows` and `asgi_rules` read its lists of what is proven."""
