"""What a stream has: each of one concern, and created only when it is needed."""
