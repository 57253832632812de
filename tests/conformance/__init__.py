"""RFC 9113 and RFC 7541, section by section: violations by a peer, and the required reactions."""
