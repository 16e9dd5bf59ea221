"""Folders of schemas."""
