"""The domain vocabulary: envelope, event types, registry, findings."""

import os

# pydantic looks through every installed package for plugins, for which it has no use here.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
