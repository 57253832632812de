"""Sessions of both sides: settings, pings, deadlines, carriers, numbers."""
