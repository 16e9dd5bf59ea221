"""Several consumers as one: what each has to tell, in the order in which it comes."""

from collections.abc import Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import NamedTuple

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.ports import Consumer, Interrupted, Listening, Resumed
from medtrack_cli.errors import EventsGone

TICK_SECONDS = 0.2
END_SECONDS = 3.0  # that a consumer may take to leave its broker

Happening = Listening | Interrupted | Resumed | EventsGone | list[Delivery]


class Settled(NamedTuple):
    """Which deliveries are acknowledged, and which are given back."""

    done: Sequence[int] = ()
    back: Sequence[int] = ()


class _Ended(NamedTuple):
    """A consumer has ended, by an error or because it was stopped."""

    error: BaseException | None


class Together:
    """Consumers by their names, each entered, asked and left in a thread of its own.

    Whoever reads a batch settles it: until then its consumer waits. They end when what they were
    given to stop them says so.
    """

    def __init__(self, consumers: Mapping[str, Consumer]) -> None:
        self._box: SimpleQueue[tuple[str, Happening | _Ended]] = SimpleQueue()
        self._answers: dict[str, SimpleQueue[Settled]] = {name: SimpleQueue() for name in consumers}
        self._threads = [
            Thread(target=self._run, args=pair, name="medtrack-service", daemon=True)
            for pair in consumers.items()
        ]

    def happenings(self) -> Iterator[tuple[str, Happening] | None]:
        """Yield what happens, each with whose it is; None a few times a second meanwhile.

        Ends when all consumers have; what one has failed with is raised.
        """
        for each in self._threads:
            each.start()
        left = len(self._threads)
        while left:
            try:
                name, happening = self._box.get(timeout=TICK_SECONDS)
            except Empty:
                yield None
                continue
            if not isinstance(happening, _Ended):
                yield name, happening
            elif happening.error is not None:
                raise happening.error
            else:
                left -= 1

    def settle(self, name: str, settled: Settled) -> None:
        """Answer a batch."""
        self._answers[name].put(settled)

    def leave(self) -> None:
        """Let all consumers go, which have been stopped by now; what isn't settled comes again."""
        for answers in self._answers.values():
            answers.put(Settled())
        for each in self._threads:
            if each.is_alive():
                each.join(END_SECONDS)

    def _run(self, name: str, consumer: Consumer) -> None:
        error: BaseException | None = None
        try:
            with consumer:
                for happening in consumer.deliveries():
                    if happening == []:
                        continue
                    self._box.put((name, happening))
                    if isinstance(happening, list):
                        done, back = self._answers[name].get()
                        consumer.acknowledge(done)
                        consumer.give_back(back)
        except BaseException as failure:  # noqa: BLE001 -- raised where it is read
            error = failure
        self._box.put((name, _Ended(error)))
