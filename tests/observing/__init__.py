"""What a program can see of a server: access log, metrics, performance entries."""
