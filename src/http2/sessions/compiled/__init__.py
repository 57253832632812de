"""What every request does in a session, compiled."""
