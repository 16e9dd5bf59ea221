"""Sending events: what publish and replay share, and what is each one's own."""
