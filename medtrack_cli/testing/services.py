"""The services of MedTrack, standing in for a test: what they would do about its events."""

import os
from contextlib import ExitStack, closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Self
from uuid import uuid4

from medtrack_cli.core.delivery import ORIGINAL_KEY_HEADER
from medtrack_cli.core.messages import Message
from medtrack_cli.core.ports import Interrupted, Stop
from medtrack_cli.core.simulating.patterns import Seen
from medtrack_cli.core.simulating.reactions import REACTIONS, Handled, Result
from medtrack_cli.core.simulating.services import DEAD_LETTERS, ServiceQueue, named
from medtrack_cli.core.simulating.trouble import Trouble
from medtrack_cli.core.validating.examine import compact
from medtrack_cli.errors import BrokerUnreachable
from medtrack_cli.files.samples import sample
from medtrack_cli.runtime import Runtime
from medtrack_cli.testing.broker import Broker
from medtrack_cli.testing.event import Event, event_of
from medtrack_cli.testing.inbox import SECONDS, Inbox, Where
from medtrack_cli.testing.telling import understood
from medtrack_cli.wiring import simulating
from medtrack_cli.world import World

__tracebackhide__ = True  # pytest shows the test's line
_TICK_SECONDS = 0.2
_NO_REACTION = "student.updated"  # no service does anything about it


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a service did about an event."""

    id: str
    event: Event


class Services(Inbox):
    """Services at work in a thread; what they do is kept for this test alone."""

    _is_of_reactions = True

    def __init__(
        self, broker: Broker, names: tuple[str, ...], trouble: Trouble, state: Path, *, reveal: bool
    ) -> None:
        super().__init__(broker, [each.id for each in REACTIONS], reveal=reveal)
        self._names = names
        environ = {**os.environ, **broker.environ, "XDG_STATE_HOME": str(state)}
        self._runtime = Runtime(World(stdin=BytesIO(), environ=environ), quiet=True)
        self._box: SimpleQueue[simulating.Happened | Exception] = SimpleQueue()
        self._stop = Stop()
        self._is_ready = False
        self._marked: set[tuple[str, str]] = set()  # services that have seen a message of ours
        self._thread = Thread(target=self._work, args=(trouble,), name="medtrack", daemon=True)

    def start(self) -> None:
        """Return when all of them listen."""
        self._thread.start()
        self._pull_until(lambda: self._is_ready, "the services don't listen")

    def end(self) -> None:
        """End them, and remove their queues."""
        self._stop.request(0)
        self._thread.join(SECONDS)
        for queue in (*(ServiceQueue(each).name for each in self._names), DEAD_LETTERS):
            self._broker.remove(queue)

    def expect(
        self, reaction: str, *, about: str = "", where: Where | None = None, timeout: float = 5.0
    ) -> Reaction:
        """Wait for a reaction such as COMM.welcome, and take it: no other call gets it.

        `about` is one of the ids in the event that led to it, `where` narrows that event.
        AssertionError tells what the services did instead.
        """
        return _reaction(self._expect(self._pattern(reaction, where, about), timeout))

    def none(
        self, reaction: str = "#", *, about: str = "", where: Where | None = None, within: float = 0
    ) -> None:
        """See that no service did that about what was published before the call.

        Nor within so many more seconds; what failed on purpose may still wait for its turn.
        """
        self._none(self._pattern(reaction, where, about), within)

    @property
    def all(self) -> list[Reaction]:
        """What the services did about all that was published so far, in their order."""
        self._catch_up()
        return [_reaction(each) for each in self._seen]

    def _work(self, trouble: Trouble) -> None:
        try:
            happenings = simulating.simulate(self._runtime, self._names, trouble, self._stop)
            with closing(happenings):
                for each in happenings:
                    self._box.put(each)
        except Exception as error:  # noqa: BLE001 -- raised where a test waits
            self._box.put(error)

    def _pull(self) -> None:
        try:
            happened = self._box.get(timeout=_TICK_SECONDS)
        except Empty:
            return
        match happened:
            case simulating.Ready():
                self._is_ready = True
            case Handled(result=Result.DONE, reaction=reaction, event=event) if reaction:
                self._add(event, reaction.id)
            case Handled(result=Result.REPEATED, service=service, cause=cause):
                self._marked.add((service, cause))
            case Interrupted(reason=reason):
                hint = "their queues keep what is published"
                raise BrokerUnreachable(f"the services lost their connection ({reason})", hint=hint)
            case Exception():
                raise happened

    def _catch_up(self) -> None:
        """Let each service have an event of ours after all others; it reports a second copy."""
        mark = str(uuid4())
        for service in self._names:
            for _ in range(2):
                self._broker.send(self._mark(ServiceQueue(service).name, mark))
        wanted = {(service, mark) for service in self._names}
        self._pull_until(lambda: wanted <= self._marked, "the services don't get on")

    def _mark(self, queue: str, mark: str) -> Message:
        body = compact(sample(_NO_REACTION))
        place = ("<test>", 1, _NO_REACTION, queue, mark)
        return Message(1, *place, body, headers={ORIGINAL_KEY_HEADER: _NO_REACTION}, exchange="")


def _reaction(seen: Seen) -> Reaction:
    return Reaction(seen.reaction, event_of(seen.event))


class StandIns:
    """Lets services stand in for a test, all of them or some."""

    def __init__(self, broker: Broker, folder: Path, *, reveal: bool) -> None:
        self._broker, self._folder, self._reveal = broker, folder, reveal
        self._running = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def __call__(
        self, *names: str, fail_rate: float = 0.0, delay: float = 0.0, seed: int | None = None
    ) -> Services:
        """Start services, such as "COMM", and give them when they listen; without a name all.

        They let `fail_rate` of their tries fail, 0 to 1, and take `delay` seconds for an event.
        """
        meant = understood(lambda: named(names))
        trouble = Trouble(fail_rate, delay, seed=seed)
        made = Services(self._broker, meant, trouble, self._folder, reveal=self._reveal)
        self._running.callback(made.end)
        made.start()
        return made
