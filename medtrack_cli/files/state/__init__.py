"""What outlives a run: journals, and where they are kept."""
