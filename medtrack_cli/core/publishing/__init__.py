"""Sending events: what publish and replay share, and what is special to each."""
