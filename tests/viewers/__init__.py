"""Who sees what, on every surface."""
