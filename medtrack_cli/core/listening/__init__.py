"""What arrives, counted and ended in time."""
