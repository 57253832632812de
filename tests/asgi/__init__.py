"""ASGI applications on this library's server and on uvicorn, over HTTP/2 and HTTP/1.1."""
