"""Where the measurements take place: files of events, a private broker, a clean environment."""

import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pika

from benchmarks.measuring import MEDTRACK, Failed, note, run
from medtrack_cli import private_broker as private
from tests.faults import rabbitmq4

QUEUE = "benchmark"
DISTINCT = 50_000


class Workplace(NamedTuple):
    """A folder that goes away, a broker in it, and the environment for the processes measured."""

    folder: Path
    url: str
    environ: Mapping[str, str]
    name: str  # of the broker

    def events(self, count: int) -> str:
        """Give a file of so many events, one a line, of which DISTINCT differ; always the same."""
        path = self.folder / f"{count}.ndjson"
        if path.exists():
            return str(path)
        source = random.Random(count)  # noqa: S311 -- repeatable on purpose
        with path.open("w", encoding="ascii") as stream:
            for _ in range(min(count, DISTINCT)):
                stream.write(json.dumps(_student_created(source), separators=(",", ":")) + "\n")
        for begin in range(DISTINCT, count, DISTINCT):  # none held: it would count as a run's
            with open(self.events(DISTINCT)) as lines, path.open("a") as stream:  # noqa: PTH123
                stream.writelines(islice(lines, count - begin))
        return str(path)

    def files(self, count: int) -> Path:
        """Give a folder of so many files, each with one event, indented as people write it."""
        folder = self.folder / f"{count}-files"
        if not folder.exists():
            folder.mkdir()
            source = random.Random(count)  # noqa: S311
            for number in range(count):
                text = json.dumps(_student_created(source), indent=2)
                (folder / f"{number}.json").write_text(text + "\n")
        return folder

    def schema(self) -> str:
        """Give a file of the events' JSON Schema, for those that know no event types."""
        path = self.folder / "student.created.schema.json"
        command = [*MEDTRACK, "schema", "export", "student.created"]
        if not path.exists():
            path.write_text(run(command, self.environ).output)
        return str(path)

    @contextmanager
    def queue(self) -> Iterator[None]:
        """Have a durable queue bound to the exchange that takes every event."""
        with self._channel() as channel:
            channel.queue_declare(QUEUE, durable=True)
            channel.queue_bind(QUEUE, private.EXCHANGE, "#")
        try:
            yield
        finally:
            with self._channel() as channel:
                channel.queue_delete(QUEUE)

    def held(self) -> int:
        """Tell how many events the queue holds."""
        with self._channel() as channel:
            return int(channel.queue_declare(QUEUE, passive=True).method.message_count)

    def wait_for(self, count: int) -> None:
        """Wait until the queue holds so many events, which were confirmed to nobody."""
        for _ in range(6_000):
            if self.held() >= count:
                return
            time.sleep(0.01)
        raise Failed(f"the queue never held {count:,} events")

    def take(self) -> int:
        """Empty the queue and tell how many events it held."""
        with self._channel() as channel:
            return int(channel.queue_purge(QUEUE).method.message_count)

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            yield connection.channel()


def _student_created(source: random.Random) -> dict[str, Any]:
    """Make a student.created event of about 357 bytes."""
    return {
        "event_type": "student.created",
        "payload": {
            "student_id": str(UUID(int=source.getrandbits(128), version=4)),
            "user_id": str(UUID(int=source.getrandbits(128), version=4)),
            "cin": f"AB{source.randrange(10**6):06}",
            "email": f"student{source.randrange(10**6):06}@example.edu",
            "phone": f"+2126{source.randrange(10**8):08}",
            "first_name": "Amina",
            "last_name": "Benali",
        },
        "service": "external-registration-service",
        "timestamp": "2025-01-15T10:00:00Z",
        "version": "1.0",
    }


@contextmanager
def workplace() -> Iterator[Workplace]:
    """Set everything up, warm, and clear it away again."""
    with tempfile.TemporaryDirectory(prefix="medtrack-bench-") as name:
        state = Path(name, "broker")
        private.start(state, environ=os.environ, announce=note)
        try:
            yield _warm(Path(name), state)
        finally:
            private.stop(state, erase=True)


@contextmanager
def workplace_4(root: Path) -> Iterator[Workplace]:
    """Set everything up on the RabbitMQ 4 in the root folder of a Debian 13."""
    with (
        tempfile.TemporaryDirectory(prefix="medtrack-bench-") as name,
        rabbitmq4.running(root) as state,
    ):
        yield _warm(Path(name), state)


def _warm(folder: Path, state: Path) -> Workplace:
    broker = private.status(state)
    if broker is None:
        raise Failed("RabbitMQ has ended")
    url = broker.amqp_url
    place = Workplace(folder, url, _environment(folder, url), f"RabbitMQ {broker.version}")
    one = place.events(1)
    with place.queue():
        for arguments in (("validate", one), ("publish", "-f", one)):
            run([*MEDTRACK, *arguments], place.environ)
    return place


def _environment(folder: Path, url: str) -> dict[str, str]:
    """Keep the caller's settings of Python and of medtrack out; keep compiled code in the folder.

    An environment that forbids compiled code would measure the compiler.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        "MEDTRACK_URL": url,
    }
