"""The domain vocabulary: envelope, event types, registry, findings."""

import os

# pydantic looks for plugins in every installed package, and here none is used.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
