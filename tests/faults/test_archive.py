"""`medtrack archive`: a stream that keeps every event, on RabbitMQ 3.10 and 4."""

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli.core.archive import LEFT_OVER_SECONDS, PROBE_PREFIX
from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client
from tests.cli.tool import Ran
from tests.running import run, run_json

STREAM = {"x-queue-type": "stream"}
ARCHIVE = "tests.archive"


class Archives:
    """The tool and a channel on a broker, with one archive that is gone at the end."""

    def __init__(self, broker: PrivateBroker, channel: BlockingChannel, folder: Path) -> None:
        self.broker, self.channel, self.folder = broker, channel, folder

    def say(self, *arguments: str, api: bool = True, human: bool = False) -> Ran:
        """Run `medtrack …`."""
        environ = {"MEDTRACK_URL": self.broker.amqp_url}
        if api:
            environ["MEDTRACK_MANAGEMENT_URL"] = self.broker.web_address
        runs = run if human else run_json
        return runs(*arguments, folder=self.folder, environ=environ)

    def create(self, *options: str) -> Ran:
        """Make the archive, bound by all keys."""
        return self.say("archive", "create", ARCHIVE, "--bind", "#", *options)

    def publish(self, *timestamps: str) -> None:
        """Publish an event of each time."""
        for each in timestamps:
            body = json.dumps({"timestamp": each}).encode()
            self.channel.basic_publish(EXCHANGE, "a.key", body)

    def is_there(self, name: str) -> bool:
        """Return whether there is a queue."""
        return self.say("queue", "list", name).code == 0


@pytest.fixture
def archives(fragile_broker: PrivateBroker, tmp_path: Path) -> Iterator[Archives]:
    """Give the tool on a broker without archives."""
    with client(fragile_broker.amqp_url) as channel:
        channel.confirm_delivery()
        yield Archives(fragile_broker, channel, tmp_path)
        channel.queue_delete(ARCHIVE)


def test_a_publisher_of_decimals_goes_on_when_create_has_refused(archives: Archives) -> None:
    """Its connection would be closed by a bound stream: nothing is declared, 1, and which types.

    Of the probe nothing is left, and neither of one that was killed; a young one is another's.
    """
    now = int(time.time())
    old, young = (f"{PROBE_PREFIX}{when}.{'0' * 16}" for when in (now - LEFT_OVER_SECONDS - 5, now))
    for name in (old, young, f"{PROBE_PREFIX}mine"):
        archives.channel.queue_declare(name, durable=True, arguments=STREAM)
    ran = archives.create()
    assert (ran.code, "decimal would lose the connection" in ran.err) == (1, True), ran.err
    (told,) = ran.records
    assert (told["bound"], told["headers"]["closes"]) == (False, ["decimal"])
    assert told["headers"]["dropped"] == ["table", "array"]
    assert not archives.is_there(ARCHIVE)
    left = {each["name"] for each in archives.say("queue", "list", f"{PROBE_PREFIX}*").records}
    assert left == {young, f"{PROBE_PREFIX}mine"}
    headers = pika.BasicProperties(headers={"price": Decimal("1.5")})
    archives.channel.basic_publish(EXCHANGE, "a.key", b"{}", headers)
    archives.channel.basic_publish(EXCHANGE, "a.key", b"{}")
    for name in left:
        archives.channel.queue_delete(name)


def test_an_archive_is_made_and_told_of(archives: Archives) -> None:
    """--accept-loss binds it; again it adds bindings; otherwise it is 76, and what differs.

    Its ends are read, by the events' own times. Without the management API the rest is null.
    """
    assert archives.create("--accept-loss", "--max-size", "50MB").code == 0
    archives.publish("2025-01-15T10:00:00Z", "2025-01-15T11:00:00Z", "2025-01-15T12:00:00Z")
    again = archives.say(
        *("archive", "create", ARCHIVE, "--bind", "a.*", "--max-size", "50MB", "--accept-loss")
    )
    assert (again.code, again.records[0]["bound"]) == (0, True), again.err
    other = archives.create("--accept-loss", "--max-size", "50MB", "--max-age", "36h")
    assert (other.code, "x-max-age is 30D, not 36h" in other.err) == (76, True), other.err
    (shown,) = archives.say("archive", "show", ARCHIVE).records
    (listed,) = (
        each for each in archives.say("archive", "list").records if each["name"] == ARCHIVE
    )
    told = ("max_age", "max_bytes", "bindings", "leader", "first", "last")  # the rest comes late
    assert [listed[each] for each in told] == [shown[each] for each in told]
    assert (shown["max_age"], shown["max_bytes"]) == ("30D", 50_000_000)
    assert (sorted(shown["bindings"]), bool(shown["leader"])) == (["#", "a.*"], True)
    edges = [
        {"offset": 0, "timestamp": "2025-01-15T10:00:00Z"},
        {"offset": 2, "timestamp": "2025-01-15T12:00:00Z"},
    ]
    assert [shown["first"], shown["last"]] == edges
    ran = archives.say("archive", "show", ARCHIVE, api=False)
    (alone,) = ran.records
    assert ([alone["first"], alone["last"]], alone["bindings"]) == (edges, None)
    assert "bindings, bounds and replicas aren't known" in ran.err
    said = archives.say("archive", "show", ARCHIVE, human=True).out
    assert "keeps 30d and 50 MB" in said


def test_what_is_no_archive_is_an_error(archives: Archives) -> None:
    """No queue of that name is 76, another type 2, no exchange 76 with nothing declared."""
    assert archives.say("archive", "show", ARCHIVE).code == 76
    archives.channel.queue_declare(ARCHIVE, durable=True)
    ran = archives.say("archive", "show", ARCHIVE)
    assert (ran.code, "is no stream" in ran.err) == (2, True), ran.err
    archives.channel.queue_delete(ARCHIVE)
    ran = archives.create("--accept-loss", "--exchange", "tests.nowhere")
    assert (ran.code, archives.is_there(ARCHIVE)) == (76, False)
    assert archives.create("--max-size", "5").code == 2


def test_creating_asks_on_a_protected_profile(archives: Archives) -> None:
    """Without a terminal and without --yes nothing is tried on a protected broker: 2."""
    config = archives.folder / "medtrack.yaml"
    profile = {"url": archives.broker.amqp_url, "protected": True}
    config.write_text(json.dumps({"profiles": {"p": profile}}))
    config.chmod(0o600)
    line = ("archive", "create", ARCHIVE, "--bind", "#", "--config", str(config))
    ran = run_json(*line, "--profile", "p", "--accept-loss", folder=archives.folder)
    assert (ran.code, "archive create needs a yes" in ran.err) == (2, True), ran.err
    ran = run_json(*line, "--profile", "p", "--accept-loss", "--yes", folder=archives.folder)
    assert ran.code == 0, ran.err
