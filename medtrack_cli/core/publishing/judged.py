"""Verdicts kept from a first reading, so that a second one need not judge the same bytes again."""

from array import array

from medtrack_cli.events.check import Judge, Verdict, check, quick_check
from medtrack_cli.events.registry import Registry

MOST = 2_000_000  # events of which the verdict is kept, in 10 bytes; all others are judged twice

_SPACE = b" \t\r\n"
_RECORD = b'{"kind":'  # what we have written: no event, though one may be in it


class Judged:
    """The valid events of an input, in order: a hash of each, and its type.

    Python's hash of bytes is keyed with a secret of the process: nobody can make an event that has
    another's, and by chance it takes 2^64 of them.
    """

    def __init__(self, registry: Registry, most: int = MOST) -> None:
        self._registry, self._most = registry, most
        self._verdicts: list[Verdict] = []  # each once
        self._hashes, self._which = array("q"), array("H")

    def first(self) -> Judge:
        """Make what says of lines that they are valid, and keeps the verdicts without a problem."""
        registry, quick = self._registry, quick_check(self._registry, True)  # noqa: FBT003
        self._verdicts, self._hashes, self._which = [], array("q"), array("H")
        known: dict[str | None, int] = {}

        def judge(line: bytes) -> Verdict | None:
            verdict = quick(line)
            if verdict is None:
                if line.startswith(_RECORD):
                    return None
                verdict = check(line.rstrip(_SPACE), registry, publishing=True)
                if verdict.problems:
                    return verdict if verdict.is_valid else None
            if len(self._hashes) < self._most:
                which = known.setdefault(verdict.event_type, len(known))
                if which == len(self._verdicts):
                    self._verdicts.append(verdict)
                self._hashes.append(hash(line.rstrip(_SPACE)))
                self._which.append(which)
            return verdict

        return judge

    def again(self) -> Judge:
        """Make what gives the kept verdicts to the same events in the same order.

        What isn't the next of them is judged.
        """
        quick, verdicts = quick_check(self._registry, True), self._verdicts  # noqa: FBT003
        hashes, which, at = self._hashes, self._which, 0

        def judge(body: bytes) -> Verdict | None:
            nonlocal at
            if at < len(hashes) and hash(body) == hashes[at]:
                at += 1
                return verdicts[which[at - 1]]
            return quick(body)

        return judge
