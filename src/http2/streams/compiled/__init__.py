"""What every request does in a stream, compiled."""
