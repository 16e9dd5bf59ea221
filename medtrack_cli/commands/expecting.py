"""What `listen --expect` asks for."""

from collections.abc import Sequence

from medtrack_cli.errors import UsageError
from medtrack_cli.events.registry import Registry


def expectations(
    texts: Sequence[str], patterns: Sequence[str], excluded: Sequence[str], registry: Registry
) -> dict[str, int]:
    """Read TYPE and TYPE:N; one type asked for twice is wanted as often as both say.

    UsageError for what can never come: an unknown type, or one that the patterns leave out.
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
        wanted[name] = wanted.get(name, 0) + _number(text, number)
    return wanted


def _number(text: str, number: str) -> int:
    if ":" not in text:
        return 1
    if number.isascii() and number.isdecimal() and int(number[:9]) > 0 and len(number) < 10:
        return int(number)
    raise UsageError("--expect is TYPE or TYPE:N", text, hint="--expect student.created:3")
