"""Numbers of the command line: all are bounded, so that no timer or counter overflows."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import typer

MOST = 1_000_000_000
"""The greatest: of seconds 31 years, of events more than a day's work."""

LEAST = 0.001
"""The least rate and speed: anything slower never ends."""

BYTES = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(.*?) *(ms|s|m|h|d)?", re.DOTALL)


def seconds(text: object) -> float:
    """Read a time: a number of seconds, or one with its unit."""
    match = _TIME.fullmatch(str(text))
    unit = match and match[2]
    value = as_float(match[1] if match else "") * _UNITS[unit or "s"]
    if not 0 <= value <= MOST:
        raise typer.BadParameter(f"{text} is no time up to {MOST:,} s, such as 10, 500ms or 5m")
    return value


def size(least: int) -> Callable[[object], int]:
    """Make the reader for a number of bytes with its unit, from `least` bytes on."""

    def read(text: object) -> int:
        match = re.fullmatch(rf"([0-9]{{1,9}}) *({'|'.join(BYTES)})", str(text))
        value = int(match[1]) * BYTES[match[2]] if match else 0
        if value < least:
            raise typer.BadParameter(f"{text} is no size from {least // 10**6} MB on, such as 5GB")
        return value

    return read


def number(least: float, most: float) -> Callable[[object], float]:
    """Make the reader for a number in a range."""

    def read(text: object) -> float:
        value = as_float(str(text))
        if not least <= value <= most:
            raise typer.BadParameter(f"{text} is no number from {least} to {most:,}")
        return value

    return read


def whole(least: int) -> Callable[[object], int]:
    """Make the reader for a whole number from `least` on."""

    def read(text: object) -> int:
        written = str(text).strip()
        value = int(written) if re.fullmatch("[0-9]{1,18}", written) else -1
        if not least <= value <= MOST:
            raise typer.BadParameter(f"{text} is no whole number from {least} to {MOST:,}")
        return value

    return read


def offset_word(text: object) -> str:
    """Read an offset of a stream: a number, or a word for one."""
    if not re.fullmatch("first|last|next|[0-9]{1,18}", str(text)):
        raise typer.BadParameter(f"{text} is neither first, last, next nor a number")
    return str(text)


def as_float(text: str) -> float:
    """Read a number; anything else, such as nan, is in no range."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


READ_BY: Mapping[str, Callable[[object], Any]] = {"SECONDS": seconds}
"""A metavar of the help -> what reads its value, unless something else is given."""
