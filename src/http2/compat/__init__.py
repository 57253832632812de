"""The Compatibility API: requests and responses over HTTP/2 and HTTP/1.1."""
