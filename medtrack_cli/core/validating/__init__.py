"""Checking inputs, without files."""
