"""Warnings of patterns that are surely meant otherwise: they would wait for ever."""

import os
from collections.abc import Sequence

from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime


def warn_of_patterns(runtime: Runtime, patterns: Sequence[str]) -> None:
    """Warn of a pattern that a shell has expanded, and of one that no known event type matches."""
    from medtrack_cli.core.topics import doubt

    warn, cwd = runtime.printer.warning, runtime.world.cwd
    files = [each for each in patterns if each and os.path.lexists(cwd / each)]
    if files:
        named = f"{files[0]!r} is a file here"
        if len(files) > 1:
            named = f"{files[0]!r} and {len(files) - 1:,} more are files here"
        warn(f"{named}: did the shell make them of a pattern? quote that: 'student.*'")
    known = runtime.registry.names
    for pattern in patterns:
        if pattern not in files and (text := doubt(pattern, known)):
            warn(text)


def warn_of_types(runtime: Runtime, types: Sequence[str]) -> None:
    """Warn of unknown event types: a recording may contain them all the same."""
    for name in types:
        try:
            runtime.registry.find(name)
        except UsageError as error:
            runtime.printer.warning(f"{error.message}; {error.hint}")


def warn_of_damage(runtime: Runtime, name: str, lines: int) -> None:
    """Warn of lines in a journal or checkpoint that aren't as they were written."""
    if lines:
        damaged = "a line is damaged" if lines == 1 else f"{lines:,} lines are damaged"
        runtime.printer.warning(f"{name}: {damaged}: what only it recorded as done is sent again")
