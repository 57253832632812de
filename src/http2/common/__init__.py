"""Protocol-independent code that every room uses: events, tasks, timers, argument checks."""
