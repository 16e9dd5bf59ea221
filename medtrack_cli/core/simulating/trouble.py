"""What tries an outside service's patience: slow services, failing ones, one that is killed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from medtrack_cli.core.ports import Clock, Stop

_SLICE = 0.1  # seconds; how soon a wish to stop is noticed


@dataclass
class Trouble:
    """Trouble made on purpose; the same `seed` makes the same for each service.

    `delay` is in seconds before each event, `fail_rate` the part of the tries that fail.
    `crash` ends the process at once, when `crash_after` events have been stored.
    """

    fail_rate: float = 0.0
    delay: float = 0.0
    crash_after: int | None = None
    seed: int | None = None
    crash: Callable[[], None] = lambda: None
    _dice: dict[str, Random] = field(default_factory=dict)
    _stored: int = 0

    def wait(self, clock: Clock, stop: Stop, *, redelivered: bool) -> None:
        """Wait as a slow service does; before a failed event's next try, at least a moment.

        A broker delivers again at once what is given back, so that both would spin.
        """
        delay = max(self.delay, _SLICE if redelivered and self.fail_rate else 0)
        until = clock.monotonic() + delay
        while delay and not stop.is_requested and (left := until - clock.monotonic()) > 0:
            clock.sleep(min(left, _SLICE))

    def fails(self, service: str) -> bool:
        """Return whether this try fails."""
        if not self.fail_rate:
            return False
        text = None if self.seed is None else f"{self.seed} {service}"
        dice = self._dice.setdefault(service, Random(text))  # noqa: S311 -- nothing secret
        return dice.random() < self.fail_rate

    def stored(self) -> None:
        """Count an event whose effect is stored, and that isn't acknowledged yet."""
        self._stored += 1
        if self._stored == self.crash_after:
            self.crash()
