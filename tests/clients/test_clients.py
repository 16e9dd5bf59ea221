"""The clients that `medtrack client` prints: what they send, what they say, what they handle."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pika
import pytest

from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import Witness, client, drain
from tests.builders import encode, event
from tests.cli.added import ROOM
from tests.clients.programs import CONSUMERS, CONSUMING, PUBLISHERS, PUBLISHING, Program, program
from tests.conftest import Broker
from tests.running import run

MANAGEMENT = "http://127.0.0.1:15672"  # RabbitMQ's own, of a broker that isn't the suite's
BREAKING_OUT = "\"'`$(id) ${HOME} %s \\ \\u0022 \\\\u0022 */ // # <!--\nEND\n'''\"\"\"\t\u202e é 😀"
HOSTILE: dict[str, Any] = {
    "text": BREAKING_OUT,
    BREAKING_OUT: [True, None, 1.5, -7, BREAKING_OUT, {}, [], {"a": [{"b": "END"}]}],
    "__proto__": {"polluted": "__proto__"},
    "constructor": "",
}


@pytest.fixture
def api(broker: Broker) -> str:
    """Give the management API of the shared broker."""
    return str(getattr(broker, "web_address", MANAGEMENT))


def hostile_project(folder: Path) -> None:
    """Write a project whose type, and whose service, try to break out of every text."""
    (folder / "schemas/room.freed").mkdir(parents=True)
    schema = {"type": "object", "description": BREAKING_OUT, "examples": [HOSTILE]}
    (folder / "schemas/room.freed/1.0.json").write_text(json.dumps(schema))
    settings = {"schemas": ["./schemas"], "service": 'it\'s "${a}" \\ */ é'}
    (folder / "medtrack.yaml").write_text(json.dumps(settings))


@pytest.mark.parametrize("language", PUBLISHING)
def test_what_a_publisher_sends_is_valid(
    tmp_path: Path, language: str, broker: Broker, api: str, witness: Witness
) -> None:
    """The example arrives as it is, however hostile; persistent JSON with the id that is said."""
    hostile_project(tmp_path)
    for kind, payload in (("student.created", event()["payload"]), ("room.freed", HOSTILE)):
        made = program(tmp_path, language, kind, url=broker.amqp_url, api=api)
        done = made.run()
        assert done.returncode == 0, done.stderr
        (held,) = witness.take()
        assert done.stdout == f"confirmed: {held.message_id}\n"
        assert json.loads(held.body)["payload"] == payload
        assert json.loads(held.body)["service"] == 'it\'s "${a}" \\ */ é'
        assert held.routing_key == kind
        properties = (held.properties.content_type, held.properties.delivery_mode)
        assert properties == ("application/json", 2)
        checked = run("validate", "-", "--strict", stdin=held.body, folder=tmp_path)
        assert checked.code == 0, checked.out


@pytest.mark.parametrize("language", PUBLISHING)
def test_a_publisher_says_what_was_not_taken(
    tmp_path: Path, language: str, broker: Broker, api: str
) -> None:
    """No queue, no exchange, a wrong password: exit code 1, and its own word for each."""
    exchange = f"tests.{secrets.token_hex(4)}"
    made = program(tmp_path, language, "--exchange", exchange, url=broker.amqp_url, api=api)
    missing = made.run()
    with client(broker.amqp_url) as channel:
        channel.exchange_declare(exchange, "topic")
        unroutable = made.run()
        channel.exchange_delete(exchange)
    with_canary = broker.amqp_url.replace(":password@", ":canary%40@")
    refused, unset, wrong = (
        made.run(MEDTRACK_URL=url) for url in (with_canary, "", "amqp://a:canary/@b:c@:x")
    )
    for done, said in (
        (missing, "refused: "),
        (unroutable, "unroutable: no queue is bound to student.created"),
        (refused, "refused: "),
        (unset, "set MEDTRACK_URL or MEDTRACK_PASSWORD"),
        (wrong, ""),
    ):
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
        assert "canary" not in done.stderr
    assert "404" in missing.stderr


@contextmanager
def service(broker: Broker) -> Iterator[str]:
    """Give a service's name, and delete its queues."""
    name = f"tests-{secrets.token_hex(4)}"
    try:
        yield name
    finally:
        with client(broker.amqp_url) as channel:
            for queue in (f"{name}.stage.completed", f"{name}.stage.completed.dead"):
                channel.queue_delete(queue)


def consumer(folder: Path, language: str, name: str, broker: Broker) -> Program:
    """Write a consumer of stage.completed for a service."""
    (folder / "medtrack.yaml").write_text(f"service: {name}\n")
    return program(folder, language, url=broker.amqp_url, api="", consumes=True)


@pytest.mark.parametrize("language", CONSUMING)
def test_a_consumer_handles_each_event_once(tmp_path: Path, language: str, broker: Broker) -> None:
    """A second copy changes nothing, killed or not; what can't be handled is kept in `.dead`."""
    bodies = [encode(event("stage.completed") | {"service": str(number)}) for number in range(3)]
    sent: list[tuple[bytes, Any]] = [
        (bodies[0], "one"),
        (bodies[0], "one"),
        (b"\xff no JSON", "bad"),
        (bodies[1], None),
        (bodies[1], None),
    ]
    with service(broker) as name, client(broker.amqp_url) as channel:
        made = consumer(tmp_path, language, name, broker)
        for again in (False, True):
            with made.running() as consuming:
                consuming.await_count(f"consuming {name}.stage.completed")
                for body, message_id in [*sent, (bodies[2], f"last-{again}"), (b"", "end")]:
                    properties = pika.BasicProperties(message_id=message_id, delivery_mode=2)
                    channel.basic_publish(EXCHANGE, "stage.completed", body, properties)
                consuming.await_count(f"to {name}.stage.completed.dead: end: ")
                assert consuming.said.count("handled:") == (1 if again else 3)
        dead = [
            (each.body, (each.properties.headers or {}).get("x-first-death-reason"))
            for each in drain(channel, f"{name}.stage.completed.dead")
            if each.message_id == "bad"
        ]
    assert dead == [(b"\xff no JSON", "rejected")] * 2


def test_no_password_is_printed(tmp_path: Path) -> None:
    """None of a profile, a URL or a variable, whatever it is fetched by, is in a client."""
    (tmp_path / "config.yaml").write_text(
        "profiles: {here: {host: localhost, username: me, password_command: [echo, canary]}}\n"
    )
    for language in ("python", "node", "java", "curl"):
        for arguments, environ in (
            (("--url", "amqp://me:canary@localhost/%2F"), {}),
            ((), {"MEDTRACK_URL": "amqps://me:canary@localhost/%2F"}),
            ((), {"MEDTRACK_PASSWORD": "canary", "MEDTRACK_USERNAME": "me"}),
            (("--config", tmp_path / "config.yaml", "--profile", "here"), {}),
        ):
            ran = run("client", language, *arguments, folder=tmp_path, environ=environ)
            assert ran.code == 0
            assert "canary" not in ran.out + ran.err
            assert "me:PASSWORD@localhost" in ran.out or "USERNAME=me" in ran.out


def test_a_template_is_what_is_printed_without_settings(tmp_path: Path) -> None:
    """A template can be read and run as it is: it is the client of the guide's broker."""
    folder = Path(__file__).parents[2] / "medtrack_cli/clients"
    printed = {
        f"{file}.tmpl": run("client", language, *more, folder=tmp_path).out
        for files, more in ((PUBLISHERS, ()), (CONSUMERS, ("--consumer",)))
        for language, file in files.items()
    }
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == printed


def test_what_no_client_does(tmp_path: Path) -> None:
    """Curl consumes nothing, none trusts everybody, and a type needs an example: 2, and why."""
    (tmp_path / "schemas/room.freed").mkdir(parents=True)
    (tmp_path / "schemas/room.freed/1.0.json").write_text('{"type": "object"}')
    (tmp_path / "medtrack.yaml").write_text("schemas: [./schemas]\n")
    for arguments, said in (
        (("curl", "--consumer"), "no consumer"),
        (("python", "--insecure"), "any certificate"),
        (("python", "room.freed"), "no example"),
        (("python", "student.craeted"), "student.created"),
        (("ruby",), "ruby"),
    ):
        ran = run("client", *arguments, folder=tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err


def test_no_password_is_in_an_argument(tmp_path: Path, broker: Broker, api: str) -> None:
    """What curl is started with, for everyone to read, holds no password and no payload."""
    made = program(tmp_path, "curl", url=broker.amqp_url, api=api)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/curl").write_text(
        '#!/bin/sh\nfor word; do echo "$word" >> arguments; done\nexec /usr/bin/curl "$@"\n'
    )
    (tmp_path / "bin/curl").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{made.environ['PATH']}"
    assert made.run(PATH=path).returncode == 1  # nobody listens
    said = (tmp_path / "arguments").read_text()
    assert f"{api}/api/exchanges/%2F/medtrack.events/publish" in said
    assert "password" not in said
    assert ROOM not in said
