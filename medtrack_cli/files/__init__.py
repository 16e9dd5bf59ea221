"""Files read and written: events in every syntax, recordings, journals."""
