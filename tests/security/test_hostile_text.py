"""No text of a stranger's steers a terminal, whatever command prints it, and however."""

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pika
import pytest
from pika.exceptions import UnroutableError

from tests.broker.witness import client
from tests.builders import event
from tests.cli.pty_run import answering, on_terminal
from tests.cli.tool import Tool
from tests.conftest import Broker
from tests.security.hostile import FRIENDLY, HOSTILE, steered

NAME = "".join(HOSTILE[:8]).replace("/", "")[:100]  # of a file: no slash, not too long
SHORT = "".join(HOSTILE[20:30])[:80]  # of an exchange, a vhost, a profile
ALL = "".join(HOSTILE)
QUOTED = json.dumps(SHORT)
LOOKS = {"colour": ["-vv"], "plain": ["--no-color", "-vv"], "quiet": ["-q"]}


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> list[str]:
    """Give the options of each look that output has."""
    return LOOKS[request.param]


def shows(
    tool: Tool, *arguments: str, code: int | None = None, live: bool = False, **more: Any
) -> str:
    """Run on a terminal; nothing steers it, and what was printed is given as text."""
    ended, seen = on_terminal(tool, *arguments, **more)
    assert steered(seen, live=live) == [], shlex.join(arguments)
    assert ended == code or code is None, seen.decode()
    assert b"Traceback" not in seen
    return seen.decode()


SEVERAL = [sys.executable, str(Path(__file__).with_name("several.py"))]


def show_all(tool: Tool, commands: list[list[str]], **more: Any) -> tuple[list[int], str]:
    """Run several command lines on one terminal, in one process; give their exit codes."""
    tool.write("commands", json.dumps(commands))
    text = shows(tool, "commands", command=SEVERAL, code=0, **more)
    codes = json.loads((tool.folder / "commands").read_text())
    assert len(codes) == len(commands)
    return codes, text


def hostile_events() -> Iterator[dict[str, Any]]:
    """Put each text into every place of an event."""
    for text in HOSTILE:
        whole = event()
        yield {**whole, "payload": {**whole["payload"], "first_name": text, text: text}}
        yield {**whole, "event_type": text, "service": text, text: 1}
        yield {**whole, "version": text, "timestamp": text, "payload": [text]}
        yield {text: {text: text}}


def as_lines(events: Iterator[dict[str, Any]]) -> str:
    """Write NDJSON in which the texts stand as they are where JSON allows it."""
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in events)


@pytest.mark.parametrize("more", [[], ["--reveal"]], ids=["masked", "revealed"])
def test_validate(tool: Tool, look: list[str], more: list[str]) -> None:
    """Bodies, keys, types and names of files reach a terminal as text, in every report."""
    tool.write(f"{NAME}.ndjson", as_lines(hostile_events()))
    tool.write("torn.json", ALL)
    tool.write("torn.yaml", f"payload: {{first_name: {ALL}")
    tool.write("quoted.yaml", f"{QUOTED}: [!{FRIENDLY[0]} x, &y *z, &{FRIENDLY[1]}]\n")
    line = ["validate", ".", "--max-findings", "9999", *look, *more, "-o"]
    reports = ("human", "json", "github", "junit", "sarif")
    codes, text = show_all(tool, [[*line, each] for each in reports])
    assert codes == [1] * 5
    assert text.count("owned") > 5 * len(HOSTILE)
    assert text.count("unknown_field") > 5 * len(HOSTILE)


def test_validate_shows_friendly_text_as_it_is(tool: Tool) -> None:
    """Markup and emoji codes are no markup; Arabic, Persian, Indic scripts and emoji stay whole."""
    for number, text in enumerate(FRIENDLY):
        tool.write(f"{number}.json", json.dumps({"event_type": text}, ensure_ascii=False))
    text = shows(tool, "validate", ".", "--reveal", "--no-color", code=1)
    for friendly in FRIENDLY:
        assert f'"{friendly}"' in text


WRONG: list[list[str]] = [
    [ALL],
    ["validate", f"--{ALL}"],
    ["validate", "-" + ALL],
    ["validate", ALL],
    ["validate", f"{ALL}*"],
    ["validate", "x", "-o", ALL],
    ["validate", "x", "-o", f"json={NAME}/{NAME}"],
    ["validate", "x", "--as", ALL],
    ["validate", "x", "--jobs", ALL],
    ["validate", "--explain", ALL],
    ["config", ALL],
    ["config", "show", ALL],
    ["config", "show", "--profile", ALL],
    ["config", "show", "--config", ALL],
    ["config", "show", "--url", f"amqp://{ALL}"],
    ["config", "show", "--host", ALL],
    ["config", "show", "--port", ALL],
    ["schema", "show", ALL],
    ["schema", "show", "student.created", "--version", ALL],
    ["schema", "diff", ALL, ALL, "--mode", "full"],
    ["schema", "check", ALL],
    ["schema", "check", "x", "--mode", ALL],
    ["schema", "check", "x", "--against", ALL],
    ["publish", ALL, "-d", "{}"],
    ["publish", "student.created", "--set", f"{ALL}=1"],
    ["publish", "student.created", "--set", ALL.replace("=", "")],
    ["publish", "-d", "{}", "--header", ALL.replace("=", "")],
    ["publish", "-d", ALL, "--dry-run"],
    ["publish", "-f", ALL],
    ["publish", "--window", ALL],
    ["replay", ALL],
    ["replay", "x", "--speed", ALL],
    ["listen", "--count", ALL],
    ["-o", "json", ALL],
]


@pytest.mark.parametrize("more", [[], ["-vv", "--no-color"]], ids=["colour", "plain"])
def test_errors_quote_harmlessly(tool: Tool, more: list[str]) -> None:
    """An error about an argument shows it as text, whoever found it wrong."""
    codes, text = show_all(tool, [[*more, *arguments] for arguments in WRONG])
    assert [line for line, code in zip(WRONG, codes, strict=True) if code in {0, 70}] == []
    assert text.count("error") >= len(WRONG)
    assert text.count("owned") > len(WRONG) / 2


def test_a_name_that_is_no_text(tool: Tool) -> None:
    """Bytes of a file's name that are no UTF-8 are shown as escapes."""
    Path(os.fsdecode(os.fsencode(tool.folder) + b"/\xff\x9b\xe2.json")).write_text("{}")
    assert "\\udcff" in shows(tool, "validate", ".", code=1)


def test_dry_runs(tool: Tool, look: list[str]) -> None:
    """What would be sent names its types, ids and files as text."""
    tool.write(f"{NAME}.ndjson", as_lines(hostile_events()))
    publish = ("publish", "--dry-run", "-f", f"{NAME}.ndjson", "--keep-going", "--no-validate")
    text = shows(tool, *publish, "--message-id", SHORT, "--service", SHORT, *look)
    assert text.count("would send") > len(HOSTILE)
    record = {
        "kind": "event",
        "received_at": "2025-01-15T10:00:00Z",
        "exchange": ALL,
        "body_text": json.dumps(event()),
    }
    tool.write(
        f"{NAME}.jsonl",
        as_lines(
            {
                **record,
                "routing_key": text,
                "properties": {"message_id": text, "content_type": text, "app_id": text},
                "headers": {text: text},
            }
            for text in HOSTILE
        ),
    )
    text = shows(tool, "replay", "--dry-run", f"{NAME}.jsonl", *look, code=0)
    assert text.count("no valid event") >= min(20, len(HOSTILE))
    shows(tool, "replay", "--dry-run", f"{NAME}.jsonl", "--invalid", "fail", *look, code=1)
    assert f"{len(HOSTILE)} in 1 file" in shows(tool, "stats", f"{NAME}.jsonl", *look, code=0)


def schema(text: str) -> dict[str, Any]:
    """Make a schema that says a text wherever it can."""
    return {
        "type": "object",
        "title": text,
        "description": text,
        "properties": {text: {"enum": [text], "description": text}, "n": {"maximum": 1}},
        "required": [text],
        "examples": [{text: text}],
        "x-reactions": {text: text},
        "x-published-by": text,
    }


def test_schemas_of_a_project(tool: Tool, look: list[str]) -> None:
    """Descriptions, fields, reactions and examples of a project's schemas are text."""
    folder = tool.folder / "schemas" / "room.booked"
    folder.mkdir(parents=True)
    tool.write("medtrack.yaml", "schemas: [./schemas]\n")
    (folder / "1.0.json").write_text(json.dumps(schema(ALL)))
    (folder / "1.1.json").write_text(json.dumps(schema(f"{ALL}2")))
    tool.write("a.json", json.dumps({**event(), "event_type": "room.booked", "payload": {}}))
    commands = ("list", "show room.booked", "example room.booked", "export room.booked")
    lines = [["schema", *each.split()] for each in commands]
    lines += [["schema", "diff", "room.booked@1.0", "room.booked@1.1"], ["validate", "a.json"]]
    codes, text = show_all(tool, [[*look, *line] for line in lines])
    assert codes == [0, 0, 0, 0, 1, 1]
    assert text.count("owned") > len(lines)


def test_broken_schemas_of_a_project(tool: Tool, look: list[str]) -> None:
    """What is wrong with a schema is told as text, its name and place as well."""
    broken = [
        json.dumps({"type": ALL}),
        json.dumps({"$ref": ALL}),
        json.dumps({"type": "object", "pattern": f"({ALL}"}),
        json.dumps({"type": "object", ALL: {"$ref": ALL}}),
        f"{{{ALL}",
    ]
    lines = []
    for number, text in enumerate(broken):
        folder = tool.folder / str(number) / NAME
        folder.mkdir(parents=True)
        (folder / "1.0.json").write_text(text)
        (folder / f"{NAME}.json").write_text(text)
        tool.write(f"{number}.yaml", f"schemas: [./{number}]\n")
        config = [*look, "--config", f"{number}.yaml", "schema"]
        lines += [[*config, "check"], [*config, "list"]]
    codes, text = show_all(tool, lines)
    assert codes == [65] * len(lines)
    assert text.count("owned") > len(lines)


ELSEWHERE = (
    "{host: rabbit.example.org, protected: true, "
    f"username: {QUOTED}, vhost: {QUOTED}, exchange: {QUOTED}}}"
)
CONFIGS = (
    f"default_profile: {QUOTED}\nservice: {QUOTED}\n",
    f"default_profile: {QUOTED}\nprofiles: {{{QUOTED}: {ELSEWHERE}}}\n",
    f"{QUOTED}: 1\n",
    f"profiles: {{x: {{host: {QUOTED}}}}}\ndefault_profile: x\n",
    f"profiles: {{x: {{port: {QUOTED}}}}}\ndefault_profile: x\n",
    f"profiles: {{x: {{url: {QUOTED}}}}}\ndefault_profile: x\n",
    f"profiles: {{x: {{password_env: {QUOTED}}}}}\n",
    f"profiles: {{x: {{tls: {{ca_file: {QUOTED}}}}}}}\ndefault_profile: x\n",
    f"schemas: [{QUOTED}]\n",
    f"a: {ALL}\n",
    f"? {ALL}",
)


@pytest.mark.parametrize("more", LOOKS.values(), ids=list(LOOKS))
def test_a_projects_configuration(tool: Tool, more: list[str]) -> None:
    """A project's profiles, hosts, paths and mistakes are shown, and asked about, as text."""
    commands, asking = [], []
    for number, text in enumerate(CONFIGS):
        tool.write(f"{number}{NAME}.yaml", text)
        config = [*more, "--config", f"{number}{NAME}.yaml"]
        commands += [[*config, "config", "show"], [*config, "config", "path"]]
        asking.append([*config, "publish", "student.created", "--count", "1"])
    _, text = show_all(tool, commands)
    assert text.count("owned") > 2 * len(CONFIGS)
    _, text = show_all(tool, asking, typed=b"no\n" * len(CONFIGS), MEDTRACK_PASSWORD="x")
    assert text.count("owned") >= len(CONFIGS)
    assert "Type the profile's name" in text


@pytest.fixture
def strange(broker: Broker) -> Iterator[str]:
    """Declare an exchange with a hostile name and nothing bound to it."""
    with client(broker.amqp_url) as channel:
        channel.exchange_declare(SHORT, "fanout")
        yield SHORT
        channel.exchange_delete(SHORT)


def test_what_the_broker_says(connected: Tool, strange: str) -> None:
    """The broker's own sentences, which quote names of exchanges, patterns and hosts, are text."""
    one = ("publish", "student.created", "--count", "1", "-vv")
    assert "\\x" in shows(connected, *one, "--exchange", strange + "?", code=76)
    shows(connected, *one, "--exchange", strange, code=1)
    assert "\\x" in shows(connected, *one, "--vhost", strange, code=76)
    code, seen = answering(connected, (*one, "--username", strange), {}, b"Password", b"x\n")
    assert (code, steered(seen)) == (77, [])
    assert b"Password for tab\\tbed" in seen
    listen = ("listen", "-o", "human", "--timeout", "0.1", "-vv")
    patterns = (strange, ALL.encode()[:200].decode("utf-8", "ignore"))
    assert "\\x" in shows(connected, *listen, *patterns, code=0, TERM="dumb")
    shows(connected, *listen, *patterns, code=0, live=True)
    shows(connected, *listen, "--exchange", strange + "?", code=76, live=True)
    shows(connected, *listen, ALL * 9, live=True)


@pytest.fixture
def sent(broker: Broker) -> Iterator[tuple[str, int]]:
    """Send hostile messages to an exchange of their own as soon as somebody listens to it."""
    exchange = f"tests.hostile.{os.urandom(4).hex()}"
    bodies = [*(json.dumps(each).encode() for each in hostile_events()), ALL.encode(), b"\xff\x9b"]

    def send() -> None:
        with client(broker.amqp_url) as channel:
            channel.confirm_delivery()
            for body, text in zip(bodies, cycle(HOSTILE)):
                properties = pika.BasicProperties(
                    content_type=text, message_id=text, app_id=text, headers={text: text}
                )
                while not done.is_set():
                    try:
                        channel.basic_publish(exchange, text, body, properties, mandatory=True)
                    except UnroutableError:
                        time.sleep(0.05)
                    else:
                        break

    done = Event()
    thread = Thread(target=send)
    with client(broker.amqp_url) as channel:
        channel.exchange_declare(exchange, "topic")
        thread.start()
        yield exchange, len(bodies)
        done.set()
        thread.join(10)
        channel.exchange_delete(exchange)


@pytest.mark.parametrize(
    ("term", "more"),
    [
        ("dumb", ["-vv"]),
        ("dumb", ["--reveal", "--body", "--no-color"]),
        ("xterm-256color", ["-vv"]),
        ("xterm-256color", ["--reveal", "--body"]),
        ("xterm-256color", ["-o", "json", "--record", "hostile.ndjson"]),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else each,
)
def test_listen(connected: Tool, sent: tuple[str, int], term: str, more: list[str]) -> None:
    """Keys, properties, headers and bodies that arrive are text, in the live view as in lines."""
    exchange, count = sent
    limits = ("--count", str(count), "--timeout", "20")
    code, seen = on_terminal(connected, "listen", "--exchange", exchange, *limits, *more, TERM=term)
    assert code == 0, seen[-500:]
    is_live = term != "dumb" and "json" not in more
    assert steered(seen, live=is_live) == []
    assert b"owned" in seen or "--reveal" not in more
    assert seen.count(b"unknown_field") > (0 if is_live else len(HOSTILE))
