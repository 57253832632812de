"""What every room uses, and what knows no protocol: events, tasks, timers, checks of arguments."""
