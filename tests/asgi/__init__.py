"""ASGI: applications on our own server and on uvicorn's, over HTTP/2 and HTTP/1.1."""
