"""RFC 9113 and RFC 7541, section by section: what a peer may not do, and what must happen then."""
