"""Everything outside the process that a command may touch: streams, clock, broker."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from medtrack_cli.core.ports import (
    Clock,
    Consumer,
    Depths,
    Note,
    Publisher,
    PublishPolicy,
    QueueReader,
    Retry,
    Stop,
)
from medtrack_cli.errors import BrokerUnreachable

if TYPE_CHECKING:
    from medtrack_cli.core.connection_settings import ConnectionSettings
    from medtrack_cli.core.doctor.ports import OpenBroker, OpenManagement
    from medtrack_cli.core.listening.sources import Source

OpenPublisher = Callable[["ConnectionSettings", PublishPolicy, Note, Stop], Publisher]
OpenConsumer = Callable[["ConnectionSettings", "Source", Note, Stop, Retry], Consumer]
OpenQueueReader = Callable[["ConnectionSettings", str, Note, Stop], QueueReader]
OpenDepths = Callable[["ConnectionSettings", PublishPolicy, Stop], Depths]
CountWaiting = Callable[["ConnectionSettings", str, Note, Stop], int | None]


ONE_SIGNAL_SECONDS = 0.2  # what comes again so soon is the same


def _signals() -> list[int]:
    import signal

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def ignore_signals() -> None:
    """Keep signals from changing the exit code: at its end Python would die of one."""
    import signal

    for number in _signals():
        signal.signal(number, signal.SIG_IGN)


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def _open_publisher(
    settings: "ConnectionSettings", policy: PublishPolicy, note: Note, stop: Stop
) -> Publisher:
    if settings.via_http:
        from medtrack_cli.broker.management.publisher import HttpPublisher

        return HttpPublisher(settings, policy, note, stop)
    from medtrack_cli.broker.amqp.publisher import AmqpPublisher

    return AmqpPublisher(settings, policy, note, stop)


def _lazily(module: str, name: str) -> Any:  # noqa: ANN401 -- tests/contracts holds it to its type
    """Give an adapter of the broker that is imported when it is called: that takes long."""

    def call(*given: object) -> object:
        return getattr(import_module(f"medtrack_cli.broker.{module}"), name)(*given)

    return call


def _open_stdin() -> BinaryIO:
    """Open standard input separately from Python's own, whose lock a blocked read keeps.

    At exit Python would wait for that lock and abort. If it is closed, it is empty.
    """
    try:
        return open(0, "rb", closefd=False)
    except OSError:
        return BytesIO()


def _cwd() -> Path:
    """Find the working directory; an empty path if it no longer exists: commands refuse that."""
    try:
        return Path.cwd()
    except OSError:
        return Path()


@dataclass(frozen=True)
class World:
    """Everything outside the process that a command may touch."""

    stdin: BinaryIO = field(default_factory=_open_stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    cwd: Path = field(default_factory=_cwd)
    clock: Clock = field(default_factory=SystemClock)
    open_publisher: OpenPublisher = _open_publisher
    open_consumer: OpenConsumer = _lazily("amqp.consumer", "AmqpConsumer")
    open_queue_reader: OpenQueueReader = _lazily("amqp.queue_reader", "AmqpQueueReader")
    open_depths: OpenDepths = _lazily("amqp.redialer", "AmqpDepths")
    count_waiting: CountWaiting = _lazily("amqp.taps", "waiting")
    open_broker: "OpenBroker" = _lazily("amqp.probes", "Probes")
    open_management: "OpenManagement" = _lazily("management.health", "Health")

    @contextmanager
    def interrupt_on_signals(self) -> Iterator[None]:
        """Treat SIGTERM and SIGHUP like SIGINT, so that there is time for the last output."""
        import signal

        def interrupt(number: int, _frame: object) -> None:
            raise KeyboardInterrupt(128 + number)

        others = [each for each in _signals() if signal.getsignal(each) == signal.SIG_DFL]
        for number in others:
            signal.signal(number, interrupt)
        try:
            yield
        finally:
            for number in others:
                if signal.getsignal(number) is interrupt:
                    signal.signal(number, signal.SIG_DFL)

    @contextmanager
    def stop_before_more(self) -> Iterator[Stop]:
        """Like `stop_on_signals`, but raise KeyboardInterrupt after a stop: more would follow."""
        with self.stop_on_signals() as stop:
            try:
                yield stop
            except BrokerUnreachable:  # the signal has cut it short
                if stop.exit_code is None:
                    raise
            if stop.exit_code is not None:
                raise KeyboardInterrupt(stop.exit_code)

    @contextmanager
    def stop_on_signals(self) -> Iterator[Stop]:
        """Let the first SIGINT, SIGTERM or SIGHUP request the end, and a second one force it.

        `timeout` sends its signal to the process and to the group: that counts as one. An ignored
        signal, as under nohup, stays ignored.
        """
        import signal

        stop = Stop()
        asked_at = 0.0

        def ask(number: int, _frame: object) -> None:
            nonlocal asked_at
            if stop.exit_code is None:
                asked_at = time.monotonic()
                stop.request(128 + number)
            elif time.monotonic() - asked_at > ONE_SIGNAL_SECONDS:
                raise KeyboardInterrupt(stop.exit_code)

        heeded = [each for each in _signals() if signal.getsignal(each) is not signal.SIG_IGN]
        before = {number: signal.signal(number, ask) for number in heeded}
        try:
            yield stop
        finally:
            for number, handler in before.items():
                if stop.exit_code is None:  # else the last words can still be cut short
                    signal.signal(number, handler)
