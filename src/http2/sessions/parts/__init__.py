"""What a session has: its pings, its settings, its origins, each without knowing the session."""
