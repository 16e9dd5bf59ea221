"""What is read from and written to disk: events in every syntax, recordings, journals."""
