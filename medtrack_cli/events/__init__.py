"""The domain vocabulary: envelope, event types, registry, findings."""
