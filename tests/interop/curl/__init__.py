"""curl, and what it shares with other tools."""
