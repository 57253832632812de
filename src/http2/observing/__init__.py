"""Optional measurements of sessions, streams and exchanges."""
