"""Other servers: with this library inside, and for comparison."""
