"""Verdicts kept from a first reading, so that a second one need not judge the same bytes again."""

from array import array

from medtrack_cli.events.check import Judge, Verdict, check, quick_check
from medtrack_cli.events.registry import Registry

MOST = 1_000_000  # events of which the verdict is kept, in 16 bytes; all others are judged twice

_SPACE = b" \t\r\n"
_NONE: tuple[int | None, Verdict | None] = None, None
_RECORD = b'{"kind":'  # what we have written: no event, though one may be in it


class Judged:
    """The valid events of an input, in order: a hash of each, and its verdict.

    Python's hash of bytes is keyed with a secret of the process, unless PYTHONHASHSEED tells it:
    nobody can make an event that has another's, and by chance it takes 2^64 of them.
    """

    def __init__(self, registry: Registry, most: int = MOST) -> None:
        self._registry, self._most = registry, most
        self._quick = quick_check(registry, True)  # noqa: FBT003
        self._hashes, self._verdicts = array("q"), list[Verdict]()

    def first(self) -> Judge:
        """Make what says of lines that they are valid, and keeps the verdicts without a problem."""
        hashes, verdicts = self._hashes, self._verdicts = array("q"), list[Verdict]()
        same: dict[str | None, Verdict] = {}

        def judge(line: bytes) -> Verdict | None:
            verdict = self._quick(line)
            if verdict is None:
                if line.startswith(_RECORD):
                    return None
                verdict = check(line.rstrip(_SPACE), self._registry, publishing=True)
                if verdict.problems:
                    return verdict if verdict.is_valid else None
            if len(hashes) < self._most:
                hashes.append(hash(line.rstrip(_SPACE)))
                verdicts.append(same.setdefault(verdict.event_type, verdict))
            return verdict

        return judge

    def again(self) -> Judge:
        """Make what gives the kept verdicts to the same events in the same order.

        What isn't the next of them is judged.
        """
        kept = zip(self._hashes, self._verdicts, strict=True)
        expected, verdict = next(kept, _NONE)

        def judge(body: bytes) -> Verdict | None:
            nonlocal expected, verdict
            if hash(body) != expected:
                return self._quick(body)
            found = verdict
            expected, verdict = next(kept, _NONE)
            return found

        return judge
