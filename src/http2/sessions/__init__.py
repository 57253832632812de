"""Sessions: one connection, its streams, its settings, pings, deadlines and its end."""
