"""Recordings made in this process, by the recorder that `listen` uses."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.items import Item
from medtrack_cli.events.registry import built_in
from medtrack_cli.files.reading.input import gather
from medtrack_cli.files.recordings.rotation import parse_rotation
from medtrack_cli.files.recordings.writer import Recorder
from tests.core.values import FakeClock


def record(
    path: Path,
    deliveries: Iterable[Delivery],
    *,
    rotate: str | None = None,
    clock: FakeClock | None = None,
    **options: Any,
) -> list[str]:
    """Record deliveries, each flushed by itself; what the recorder said is returned."""
    said: list[str] = []
    rotation = None if rotate is None else parse_rotation(rotate)
    recorder = Recorder(path, clock or FakeClock(), said.append, rotation=rotation, **options)
    try:
        for each in deliveries:
            recorder.write(examine(each))
            recorder.flush()
    finally:
        recorder.close()
    return said


def items(*paths: Path | str) -> list[Item]:
    """Read files as every command does."""
    return list(gather([str(path) for path in paths], open, registry=built_in()).items())  # type: ignore[arg-type] # no stdin


def ids(*paths: Path | str) -> list[str | None]:
    """Name the deliveries in files; None for what is none."""
    found = [each.recorded for each in items(*paths)]
    return [each.message_id if isinstance(each, Delivery) else None for each in found]
