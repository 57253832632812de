"""Node's clients and servers."""
