"""The sample events: one valid event a type, and the guide's registration scenario."""

import json
from pathlib import Path
from typing import Any


def sample_folder() -> Path:
    """Where the samples are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "sample_events"
    return installed if installed.is_dir() else package.parent / "sample-events"


def sample(event_type: str) -> dict[str, Any]:
    """Read the sample of a built-in type: one complete event."""
    path = sample_folder() / f"{event_type}.json"
    event: dict[str, Any] = json.loads(path.read_bytes())
    return event
