"""Listening: deliveries received, counted and ended in time."""
