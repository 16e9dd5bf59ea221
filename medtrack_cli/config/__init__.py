"""The configuration: its model and its loader; every value knows its source."""
