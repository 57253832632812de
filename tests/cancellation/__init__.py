"""Every awaitable, cancelled at every point at which it waits."""
