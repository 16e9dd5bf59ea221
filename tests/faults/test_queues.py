"""`medtrack queue`: what waits where, on a real broker, with and without the management API."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from pika.adapters.blocking_connection import BlockingChannel

from medtrack_cli.private_broker import EXCHANGE, PrivateBroker
from tests.broker.witness import client
from tests.cli.tool import Ran
from tests.faults.permissions import account
from tests.running import run, run_json


class Queues:
    """Queues of a test's own, by a prefix of theirs."""

    def __init__(self, broker: PrivateBroker, channel: BlockingChannel, folder: Path) -> None:
        self.broker, self.channel, self.folder = broker, channel, folder
        self.prefix = f"q-{secrets.token_hex(3)}"
        self.url, self.made = broker.amqp_url, list[str]()

    def declare(self, name: str, *keys: str, held: int = 0, **arguments: object) -> str:
        """Declare one, bound by keys, with messages in it."""
        name = f"{self.prefix}-{name}"
        self.channel.queue_declare(name, durable=True, arguments=arguments or None)
        self.made.append(name)
        for key in keys:
            self.channel.queue_bind(name, EXCHANGE, key)
        for _ in range(held):
            self.channel.basic_publish("", name, b"{}")
        return name

    def say(self, *arguments: str, api: bool = True, human: bool = False) -> Ran:
        """Run `medtrack queue …`."""
        environ = {"MEDTRACK_URL": self.url}
        if api:
            environ["MEDTRACK_MANAGEMENT_URL"] = self.broker.web_address
        runs = run if human else run_json
        return runs("queue", *arguments, folder=self.folder, environ=environ)


@pytest.fixture
def queues(fragile_broker: PrivateBroker, tmp_path: Path) -> Iterator[Queues]:
    """Give a way to make queues, gone at the end."""
    with client(fragile_broker.amqp_url) as channel:
        channel.confirm_delivery()
        made = Queues(fragile_broker, channel, tmp_path)
        yield made
        for name in made.made:
            channel.queue_delete(name)


def test_queues_are_told_chosen_and_sorted(queues: Queues) -> None:
    """All that the API tells is listed, the rest null; by pattern, by what waits, by a binding."""
    names = [
        queues.declare("x", held=1),
        queues.declare("y", "a.*", "b", held=3, **{"x-dead-letter-exchange": "dead"}),
        queues.declare("z", held=2),
    ]
    pattern = f"{queues.prefix}-*"
    ran = queues.say("watch", pattern, "--until", "ready>=1", "--timeout", "20")
    assert ran.code == 0, ran.err

    def listed(*options: str) -> list[str]:
        return [each["name"] for each in queues.say("list", pattern, *options).records]

    one = queues.say("list", names[1]).records[0]
    assert (one["type"], one["ready"], one["unacked"]) == ("classic", 3, 0)
    assert one["consumers"] in {0, None}  # where no statistics are collected
    assert (one["dead_letter"], sorted(one["bindings"])) == ("dead", ["a.*", "b"])
    assert one["deliver_rate"] is None
    assert listed() == names
    assert listed("--sort", "ready") == [names[1], names[2], names[0]]
    assert listed("--min-ready", "2") == names[1:]
    assert listed("--bound") == names[1:2]
    assert queues.say("list", f"{queues.prefix}-?y").records == []


def test_one_that_is_named_is_asked_for_by_amqp(queues: Queues) -> None:
    """Without the management API its count is known, the rest is null; a pattern is 78."""
    name = queues.declare("a", "k", held=2)
    ran = queues.say("list", name, api=False)
    (one,) = ran.records
    assert (one["ready"], one["consumers"], one["unacked"], one["bindings"]) == (2, 0, None, None)
    assert "only messages and consumers are known" in ran.err
    ran = queues.say("list", f"{queues.prefix}-*", api=False)
    assert (ran.code, "MEDTRACK_MANAGEMENT_URL" in ran.err) == (78, True)


@pytest.mark.parametrize("api", [True, False])
def test_one_that_is_missing_is_an_error_of_topology(queues: Queues, *, api: bool) -> None:
    """A name that no queue has is 76, whoever is asked; a pattern without one lists nothing."""
    ran = queues.say("list", f"{queues.prefix}-none", api=api)
    assert (ran.code, "missing" in ran.err) == (76, True)
    assert api is False or queues.say("list", f"{queues.prefix}-none*").code == 0


def test_watching_ends_when_it_is_so(queues: Queues) -> None:
    """With --until it ends as soon as the queue is empty, having shown each change."""
    name = queues.declare("a", held=5)

    def empty() -> None:
        with client(queues.broker.amqp_url) as channel:
            while channel.basic_get(name, auto_ack=True)[0]:
                pass

    emptying = Thread(target=empty)
    emptying.start()
    ran = queues.say("watch", name, "--until", "ready==0", "--timeout", "20", api=False)
    emptying.join()
    assert ran.code == 0, ran.err
    assert ran.records[-1]["ready"] == 0
    assert all(each["at"] for each in ran.records)


def test_watching_ends_with_1_when_time_is_up_first(queues: Queues) -> None:
    """Where the condition is not met in time: 1, and it is said of which queue."""
    name = queues.declare("a", held=1)
    ran = queues.say("watch", name, "--until", "ready==0", "--timeout", "0.2", api=False)
    assert (ran.code, f"ready==0 was not reached in 0.2 s: '{name}'" in ran.err) == (1, True)
    assert queues.say("watch", name, "--timeout", "0.2", api=False).code == 0
    for wrong in ("ready=0", "redy==0", "ready==x", "", "ready==0 or 1"):
        ran = queues.say("watch", name, "--until", wrong)
        assert (ran.code, "FIELD OP NUMBER" in ran.err) == (2, True), wrong


def test_hostile_names_paint_nothing(queues: Queues) -> None:
    """A name with escape sequences and patterns is shown escaped, and can be asked for."""
    name = queues.declare("\x1b[31mred\u202e[a]*")
    ran = queues.say("list", name, human=True)
    assert (ran.code, "\x1b" in ran.out, len(ran.out.splitlines())) == (0, False, 2)
    assert queues.say("list", name).records[0]["name"] == name


def test_a_queue_is_declared_as_the_guide_does(queues: Queues) -> None:
    """Durable, bound, with the arguments typed; again changes nothing; otherwise is 76, and how."""
    name = f"{queues.prefix}-service"
    line = ("declare", name, "--bind", "student.*", "--bind", "user.#", "--type", "classic")
    queues.made.append(name)
    first = queues.say(*line, "--ttl", "5m", "--max-length", "10")
    assert first.code == 0, first.err
    again = queues.say(*line, "--ttl", "5m", "--max-length", "10")
    assert (again.code, again.records) == (0, first.records)
    bound = queues.say("list", name).records[0]["bindings"]
    assert sorted(bound) == ["student.*", "user.#"]
    ran = queues.say(*line, "--ttl", "60")
    assert ran.code == 76
    assert "x-max-length is 10, not unset" in ran.err
    assert "x-message-ttl is 300000, not 60000" in ran.err
    ran = queues.say("declare", f"{name}2", "--bind", "a", "--dead-letter", "nowhere")
    assert (ran.code, "exchange 'nowhere' is missing" in ran.err) == (76, True)
    assert queues.say("list", f"{name}2").code == 76


def test_declaring_asks_on_a_protected_profile(queues: Queues) -> None:
    """Without a terminal and without --yes nothing is declared on a protected broker."""
    config = queues.folder / "medtrack.yaml"
    profile = {"url": queues.url, "protected": True}
    config.write_text(json.dumps({"profiles": {"p": profile}}))
    config.chmod(0o600)
    line = ("declare", f"{queues.prefix}-p", "--bind", "a", "--config", str(config))
    ran = queues.say(*line, "--profile", "p")
    assert (ran.code, "--yes" in ran.err) == (2, True)
    assert queues.say("list", f"{queues.prefix}-p").code == 76


def test_rights_are_named(queues: Queues) -> None:
    """Who has no tag for the API is told so: 77; who may not configure a queue as well."""
    with account(queues.broker) as user:
        queues.url = user.url
        user.may(configure="^$")
        ran = queues.say("list")
        assert (ran.code, "no tag for it" in ran.err) == (77, True)
        ran = queues.say("declare", queues.prefix, "--bind", "a")
        assert (ran.code, "may not configure queue" in ran.err) == (77, True)
