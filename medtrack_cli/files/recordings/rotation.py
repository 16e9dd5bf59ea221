"""Recordings in parts: when a part ends, how it is named, which are missing."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from medtrack_cli.errors import CannotCreate, UsageError
from medtrack_cli.files.reading.sources import Source
from medtrack_cli.files.reading.streams import is_zipped, open_source
from medtrack_cli.files.recordings.checksums import KIND

_LIMIT = re.compile(r"([1-9][0-9]{0,8})(KB|MB|GB|KiB|MiB|GiB|s|m|h|d)")
_BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_DIGITS = 6  # names of parts sort by number for a century of hourly parts
_PART_NAME = re.compile(r"(.*\.)([0-9]{6})((?:\.[^./]+)??(?:\.gz)?)", re.DOTALL)
_LONGEST_HEADER = 4096


class Rotation(NamedTuple):
    """The size or the age at which a part ends."""

    size: float = float("inf")  # bytes
    seconds: float = float("inf")


def parse_rotation(text: str) -> Rotation:
    """Read --rotate: a size such as 100MB or 64MiB, or a time such as 30m, 1h, 1d."""
    match = _LIMIT.fullmatch(text)
    if match is None:
        bare = re.fullmatch("([1-9][0-9]{0,8})[A-Za-z]*", text)
        meant = bare[1] if bare else "100"
        hint = f"--rotate {meant}MB is a size, --rotate {meant}m a time"
        raise UsageError("--rotate is a size or a time", text, hint=hint)
    number, unit = int(match[1]), match[2]
    if unit in _BYTES:
        return Rotation(size=number * _BYTES[unit])
    return Rotation(seconds=number * _SECONDS[unit])


def part_path(path: Path, number: int) -> Path:
    """Name a part: the third of morning.ndjson.gz is morning.000003.ndjson.gz."""
    zipped = path.suffix if is_zipped(path) else ""
    plain = Path(path.name.removesuffix(zipped))
    return path.with_name(f"{plain.stem}.{number:0{_DIGITS}}{plain.suffix}{zipped}")


def last_part(path: Path) -> int:
    """Find the number of a recording's last part; 0 when there is none."""
    try:
        names = [each.name for each in path.parent.iterdir()]
    except FileNotFoundError:
        return 0
    except OSError as error:
        what = f"the recording's folder can't be listed ({error.strerror})"
        raise CannotCreate(what, str(path.parent), hint="name another folder") from None
    numbers = [0]
    for name in names:
        match = _PART_NAME.fullmatch(name)
        if match and part_path(path, int(match[2])).name == name:
            numbers.append(int(match[2]))
    return max(numbers)


def missing_parts(sources: Iterable[Source]) -> Iterator[str]:
    """Name the parts that are missing between or before those of the same recording.

    Only where several are given: one alone is meant alone.
    """
    parts: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for source in sources:
        match = _PART_NAME.fullmatch(source.name)
        if match and source.is_regular and (header := _header(source)):
            parts[str(header.get("run")), match[1]][int(match[2])] = source.name
    for (_, beginning), names in parts.items():
        if len(names) > 1:
            ending = _PART_NAME.fullmatch(names[max(names)])
            for number in sorted(set(range(1, max(names))) - set(names)):
                yield f"{beginning}{number:0{_DIGITS}}{ending[3] if ending else ''}"


def _header(source: Source) -> dict[str, object] | None:
    try:
        with open_source(source, open_stdin=BytesIO) as stream:
            line = stream.readline(_LONGEST_HEADER)
        header = json.loads(line) if line.startswith(KIND) else {}
    except (OSError, EOFError, ValueError):
        return None  # reading the part will report it
    return header if header.get("kind") == "recording" else None
