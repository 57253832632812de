"""Rolling restarts under load: behind HAProxy, behind nginx, and directly with SO_REUSEPORT."""
