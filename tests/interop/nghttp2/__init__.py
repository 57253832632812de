"""nghttp, nghttpd and h2load."""
