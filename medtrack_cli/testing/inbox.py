"""Waiting for what comes, and being sure that something didn't, without any sleep."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.conditions import Answer, Condition
from medtrack_cli.core.simulating.expectations import Expectations, Times
from medtrack_cli.core.simulating.patterns import Pattern, Seen, place_of
from medtrack_cli.core.topics import doubt
from medtrack_cli.errors import TimedOut, UsageError
from medtrack_cli.output.shown.expectations import failure
from medtrack_cli.testing.broker import Broker
from medtrack_cli.testing.telling import understood
from medtrack_cli.wiring.conditions import condition

Where = Mapping[str, Any] | str | Callable[[dict[str, Any]], bool]
"""Which events: values of fields, an expression of --where, or a function of the whole event."""

SECONDS = 30.0  # for consumers to begin and to end, and for a message of ours to come
__tracebackhide__ = True  # pytest shows the test's line


class Inbox(ABC):
    """What was seen since the test began, in its order; each is taken by one call of `expect`."""

    _is_of_reactions = False

    def __init__(self, broker: Broker, known: Sequence[str], *, reveal: bool) -> None:
        self._broker, self._known, self._reveal = broker, known, reveal
        self._seen: list[Seen] = []
        self._taken: set[int] = set()  # places among them
        self._began = time.monotonic()

    @abstractmethod
    def _pull(self) -> None:
        """Take what has arrived, or wait a moment for it."""

    @abstractmethod
    def _catch_up(self) -> None:
        """Take all that is due to what was published by now."""

    def _add(self, event: CheckedDelivery, reaction: str = "") -> None:
        self._seen.append(Seen(time.monotonic() - self._began, event, reaction))

    def _pattern(self, name: str, where: Where | None, about: str = "") -> Pattern:
        """Read what is looked for; ValueError where that can't be."""
        return understood(lambda: self._read(name, where, about))

    def _read(self, name: str, where: Where | None, about: str) -> Pattern:
        if why := doubt(name, self._known):
            raise UsageError(why)
        fields: dict[tuple[str, ...], Any] = {}
        judge: Condition | None = None
        if isinstance(where, str):
            judge = condition(where)
        elif isinstance(where, Mapping):
            registry = self._broker.registry
            fields = {place_of(field, name, registry): each for field, each in where.items()}
        elif where is not None:
            judge = _asked(where)
        return Pattern(name, self._is_of_reactions, fields, judge, about)

    def _expect(self, pattern: Pattern, timeout: float) -> Seen:
        """Wait for what wasn't taken yet, and take it."""
        expected = Expectations([Times(pattern)])
        for place in self._places(time.monotonic() + timeout):
            expected.take(self._seen[place])
            if expected.decided:
                self._taken.add(place)
                return self._seen[place]
        raise AssertionError(self._told(expected, f"not within {timeout:g} s"))

    def _none(self, pattern: Pattern, within: float) -> None:
        """See that nothing of the kind came, nor comes within so many seconds."""
        expected = Expectations([Times(pattern, 0, 0)])
        until = time.monotonic() + within
        while time.monotonic() < until:
            self._pull()
        self._catch_up()
        for each in self._seen:
            expected.take(each)
        if expected.unmet:
            raise AssertionError(self._told(expected, "it was not to come"))

    def _places(self, until: float) -> Iterator[int]:
        """Go through what was seen and isn't taken, and what comes up to a time."""
        place, is_late = 0, False
        while not is_late:
            if is_late := time.monotonic() >= until:
                self._catch_up()
            elif place == len(self._seen):
                self._pull()
            seen = len(self._seen)
            yield from (at for at in range(place, seen) if at not in self._taken)
            place = seen

    def _pull_until(self, is_so: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + SECONDS
        while not is_so():
            if time.monotonic() > until:
                raise TimedOut(what, hint="is the broker under load?")
            self._pull()

    def _told(self, expected: Expectations, why: str) -> str:
        taken = len(self._taken)
        more = [f"{taken} more: taken by what was expected before"] if taken else []
        return "\n".join([why, *failure(expected, reveal=self._reveal), *more])


def _asked(wanted: Callable[[dict[str, Any]], bool]) -> Condition:
    def judge(names: Mapping[str, Any]) -> Answer:
        event = names["event"]
        return Answer.YES if isinstance(event, dict) and wanted(event) else Answer.NO

    return judge
