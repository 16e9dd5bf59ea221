"""JSON Schema documents that add event types."""
