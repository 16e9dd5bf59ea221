"""The sample events: one valid event a type, and the guide's registration scenario."""

from pathlib import Path

from medtrack_cli.errors import UsageError

SCENARIO = "registration.yaml"


def sample_folder() -> Path:
    """Where the samples are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "sample_events"
    return installed if installed.is_dir() else package.parent / "sample-events"


def sample(event_type: str) -> bytes:
    """Read the sample of a type: one complete event as JSON."""
    path = sample_folder() / f"{event_type}.json"
    try:
        return path.read_bytes()
    except OSError:
        raise UsageError("no sample", event_type) from None
