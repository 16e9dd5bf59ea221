"""Read an iterator ahead, in a thread, so that slow input never delays the broker's answers."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
JOIN_SECONDS = 0.2


@dataclass
class Feed(Generic[T]):
    """The items of `source`, read ahead up to `limit`, handed over without waiting.

    Reading also pauses while their total weight by `weigh` is at least `most`. `wake` is called
    from the reading thread when an item or the end has come after `take` found nothing. What
    `source` raises waits in `error` until all before it is taken.
    """

    source: Iterable[T]
    _: KW_ONLY
    limit: int
    weigh: Callable[[T], int]
    most: int
    wake: Callable[[], None]
    error: BaseException | None = None
    _put: int = 0  # weights, each counted by one thread
    _taken: int = 0
    _items: deque[T] = field(default_factory=deque)
    _room: threading.Event = field(default_factory=threading.Event)
    _hungry: bool = True
    _stopped: bool = False
    _ended: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read, name="medtrack-feed", daemon=True)
        self._thread.start()

    def take(self) -> T | None:
        """Hand over the next item, or None when none is ready or none is left."""
        try:
            item = self._items.popleft()
        except IndexError:
            self._hungry = True  # before the second check: an item in between would be missed
            try:
                item = self._items.popleft()
            except IndexError:
                return None
        self._taken += self.weigh(item)
        if not (self._room.is_set() or self._is_full(2)):
            self._room.set()
        return item

    @property
    def exhausted(self) -> bool:
        """Whether all has been taken and nothing more will come."""
        return (self._ended or self._stopped) and not self._items

    def stop(self) -> None:
        """Read no further; what was read can still be taken.

        Waits a moment for an item on its way, once; a read that blocks has none in hand.
        """
        if self._stopped:
            return
        self._stopped = True
        self._room.set()
        self._thread.join(JOIN_SECONDS)

    def _read(self) -> None:
        try:
            for item in self.source:
                self._put += self.weigh(item)
                self._items.append(item)
                self._tell()
                if self._is_full():
                    self._wait_for_room()
                if self._stopped:
                    break
        except BaseException as error:  # noqa: BLE001 -- handed to the thread that takes
            self.error = error
        self._ended = True
        self._hungry = True
        self._tell()

    def _tell(self) -> None:
        if self._hungry:
            self._hungry = False
            self.wake()

    def _is_full(self, times: int = 1) -> bool:
        held = self._put - self._taken
        return len(self._items) * times >= self.limit or held * times >= self.most

    def _wait_for_room(self) -> None:
        self._room.clear()
        while self._is_full() and not self._stopped:
            self._room.wait(0.05)  # the deadline covers a take between the check and the wait
