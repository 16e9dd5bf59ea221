"""The samples: a valid event of each type, the guide's registration, a recording, own schemas."""

import json
import os
from pathlib import Path
from typing import Any

from medtrack_cli.errors import CannotCreate


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


def write_samples(folder: Path) -> list[Path]:
    """Write all samples into a folder, or none if one of the files exists."""
    from medtrack_cli import whole_file  # most runs write no sample

    events, more = sample_folder(), Path(__file__).parents[1] / "samples"
    found = {folder / "sample-events" / path.name: path for path in sorted(events.iterdir())}
    found |= {folder / path.relative_to(more): path for path in sorted(more.rglob("*.*json"))}
    for place in found:
        if os.path.lexists(place):
            raise _taken(place)
    for place, path in found.items():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            whole_file.create(place, path.read_text("utf-8"))
        except FileExistsError as error:
            raise _taken(Path(error.filename or place)) from None
        except OSError as error:
            what = f"the samples can't be written ({error.strerror})"
            raise CannotCreate(what, str(place), hint="name another folder") from None
    return list(found)


def _taken(place: Path) -> CannotCreate:
    hint = "medtrack samples FOLDER writes them into another folder"
    return CannotCreate("a sample is never written over another file", str(place), hint=hint)
