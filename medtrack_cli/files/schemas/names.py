"""What the names of files in a folder of schemas mean, without reading a file."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from medtrack_cli.events.versions import VERSION
from medtrack_cli.walk import walk

_SUFFIXES = frozenset({".json", ".yaml", ".yml"})
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")


class SchemaName(NamedTuple):
    """The event type and version of a schema."""

    event_type: str
    version: str


def schema_files(folder: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    """Find the schemas in a folder; unreadable paths are included, to be reported as faults.

    Hidden files and folders, and links to folders, are passed over.
    """
    for parent, names in walk(str(folder), on_error):
        for path in (Path(parent, name) for name in names):
            is_something_else = os.path.exists(path) and not os.path.isfile(path)
            if path.suffix in _SUFFIXES and not is_something_else:
                yield path


def named(path: Path) -> SchemaName | None:
    """Read `EVENT_TYPE/VERSION.json`; None for a path of another form."""
    name = SchemaName(path.parent.name, path.stem)
    if _EVENT_TYPE.fullmatch(name.event_type) and re.fullmatch(VERSION, name.version):
        return name
    return None
