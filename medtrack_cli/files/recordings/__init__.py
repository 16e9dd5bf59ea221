"""Recordings: written, read, searched by time."""
