"""Arguments as typed: read, checked, and warned of where they are surely meant otherwise."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from medtrack_cli.errors import UsageError
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.events.registry import Registry

MOST_BYTES = 255
"""Of UTF-8, which AMQP 0-9-1 carries as a short string."""


def refuse_bytes(what: str, *texts: str, most: int | None = None) -> None:
    """Refuse what AMQP can't carry as a text: bytes that aren't UTF-8, or too many."""
    for text in texts:
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise UsageError(f"{what} is not UTF-8", hint="check the terminal's locale") from None
        if most is not None and size > most:
            raise UsageError(f"{what} is longer than {most} bytes", hint="shorten it")


def refuse_queue_name(option: str, name: str | None) -> None:
    """Refuse what can't name a queue; for an empty name the broker would choose one."""
    if name is None:
        return
    if not name:
        raise UsageError(f"{option} is empty", hint="give it the name of a queue")
    refuse_bytes(option, name, most=MOST_BYTES)
    if option == "--durable" and name.startswith("amq."):
        hint = "choose a name that doesn't begin with amq."
        raise UsageError("names that begin with amq. are RabbitMQ's own", name, hint=hint)


def refuse_without(needed: str, typed: Mapping[str, object], hint: str) -> None:
    """Refuse the first of these options that was typed: without another one it does nothing."""
    if option := next((name for name, value in typed.items() if value), None):
        raise UsageError(f"{option} goes with {needed}", hint=hint)


def expectations(
    texts: Sequence[str], patterns: Sequence[str], excluded: Sequence[str], registry: "Registry"
) -> dict[str, int]:
    """Read TYPE and TYPE:N; the numbers of a type given twice are added.

    UsageError for what can never come: an unknown type, or one that the patterns exclude.
    """
    from medtrack_cli.core.topics import key_matches

    wanted: dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition(":")
        registry.find(name)
        if any(key_matches(pattern, name) for pattern in excluded):
            hint = "leave out one of the two"
            raise UsageError("--expect waits for what --exclude-key leaves out", name, hint=hint)
        if not any(key_matches(pattern, name) for pattern in patterns):
            hint = f"listen {name} …"
            raise UsageError("--expect waits for what the patterns leave out", name, hint=hint)
        wanted[name] = wanted.get(name, 0) + _expected(text, number)
    return wanted


def _expected(text: str, number: str) -> int:
    if ":" not in text:
        return 1
    if number.isascii() and number.isdecimal() and int(number[:9]) > 0 and len(number) < 10:
        return int(number)
    raise UsageError("--expect is TYPE or TYPE:N", text, hint="--expect student.created:3")


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
