"""Streams: a request and its response, read and written."""
