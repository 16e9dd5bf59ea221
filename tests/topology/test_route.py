"""medtrack route, asked of exported definitions."""

import json
import re
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.events.registry import built_in
from tests.builders import encode, event
from tests.cli.tool import Ran
from tests.running import run
from tests.topology.definitions import (
    EVENTS,
    HASH,
    Row,
    bind,
    exchange,
    exported,
    operator_policy,
    policy,
    queue,
    write,
)

HOSTILE = '"]; x -> \\"y\\N\x1b]0;owned\x07\x1b[31m\n|--> {%%} end #59; &lt; \u202e'


def ask(folder: Path, rows: list[Row], *arguments: str, form: str = "json", **more: Any) -> Ran:
    """Ask where keys lead in a topology."""
    path = write(folder, *rows, **more)
    return run("route", *arguments, "--definitions", path, "-o", form, folder=folder)


def queues(ran: Ran) -> list[list[str]]:
    """Name the queues of each key."""
    return [[each["name"] for each in record["queues"]] for record in ran.records]


@pytest.mark.parametrize(
    ("key", "rows", "why"),
    [
        ("student", [bind("q", "student.*")], "needs one word more"),
        ("a.b.c", [bind("q", "a")], "needs two words less"),
        ("Student.created", [bind("q", "student.created")], "differs in upper and lower case"),
        (
            "student.craeted",
            [bind("q", "student.created")],
            "has created where the key has craeted",
        ),
        (
            *("student.created", [bind("q", "student/#")]),
            "would match as student.#: * is one whole word, # any number of them",
        ),
        (
            "k",
            [
                exchange("h", "headers"),
                bind("h", kind="exchange"),
                bind("q", "", "h", format="pdf"),
            ],
            "needs the header format=pdf",
        ),
        ("room.booked", [bind("q", "student.*")], None),
    ],
)
def test_what_is_just_missed(tmp_path: Path, key: str, rows: list[Row], why: str | None) -> None:
    """Where no queue gets it, the nearest bindings say what they need: 1."""
    ran = ask(tmp_path, [queue("q"), *rows], key)
    assert (ran.code, queues(ran)) == (1, [[]])
    assert [each["why"] for each in ran.records[0]["near"]] == ([why] if why else [])
    told = ask(tmp_path, [queue("q"), *rows], key, form="human")
    assert "no queue would get it" in told.out
    assert (why or "near:") in told.out or not why


def test_headers_and_copies_lead_on(tmp_path: Path) -> None:
    """-H gives a header to match; CC and BCC are more keys, of the default exchange's too."""
    rows = [exchange("h", "headers"), queue("q"), queue("r"), bind("r", "b")]
    rows += [bind("h", "#.x", kind="exchange"), bind("q", "", "h", format="pdf")]
    assert queues(ask(tmp_path, rows, "a.x", "-H", "format=pdf", "-H", "CC=c,b")) == [["q", "r"]]
    assert queues(ask(tmp_path, rows, "a.x", "-H", "format=txt", "-H", "BCC=b")) == [["r"]]


def test_dead_letters_by_argument_and_policies(tmp_path: Path) -> None:
    """The argument counts before a policy, the higher priority before the lower, and on it goes."""
    rows = [
        *(queue("a", dead_letter_exchange="one"), queue("b"), queue("dead.1"), queue("dead.2")),
        *(exchange("one", "direct"), exchange("two", "fanout")),
        *(bind("a"), bind("b"), bind("dead.1", "k", "one"), bind("dead.2", "", "two")),
        policy("low", ".", "queues", 1, dead_letter_exchange="gone"),
        policy("high", "^[ab]|1$", "classic_queues", 2, dead_letter_exchange="two"),
        policy("elsewhere", "^b$", "quorum_queues", 9, dead_letter_exchange="gone"),
        operator_policy("key", "^a$", dead_letter_routing_key="k"),
    ]
    (record,) = ask(tmp_path, rows, "x").records
    told = {
        each["queue"]: (each["exchange"], each["set_by"], [q["name"] for q in each["queues"]])
        for each in record["dead_letters"]
    }
    assert told == {
        "a": ("one", "argument", ["dead.1"]),
        "b": ("two", "policy high", ["dead.2"]),
        "dead.1": ("two", "policy high", ["dead.2"]),
        "dead.2": ("gone", "policy low", []),
    }
    tree = ask(tmp_path, rows, "x", form="human").out
    assert "dead letters as k -> one (direct exchange) (argument)" in tree
    assert "gone (not there) (policy low)" in tree
    assert "nowhere: they are dropped" in tree


def test_what_a_plugin_does_is_unknown(tmp_path: Path) -> None:
    """An exchange of another type is unknown: 1, and 0 where some queue gets it anyway."""
    rows = [exchange("hash", "x-consistent-hash"), queue("q"), queue("r"), bind("q", "10", "hash")]
    rows += [bind("hash", "a", kind="exchange"), bind("hash", "b", kind="exchange"), bind("r", "b")]
    ran = ask(tmp_path, rows, "a", "b")
    assert (ran.code, queues(ran)) == (1, [[], ["r"]])
    why = "a plugin decides what x-consistent-hash does"
    assert [each["unknown"] for each in ran.records] == [[{"exchange": "hash", "why": why}]] * 2
    assert ask(tmp_path, rows, "b").code == 0
    told = ask(tmp_path, rows, "a", form="human").out
    assert f"unknown: {why}" in told
    assert "no queue gets it for certain" in told


def test_a_pattern_that_python_does_not_read_is_unknown(tmp_path: Path) -> None:
    """Where such a policy may name an alternate exchange, what isn't bound is unknown."""
    rows = [queue("q"), bind("q", "a"), policy("p", r"\Qmed\E", alternate_exchange="amq.fanout")]
    received, unreceived = ask(tmp_path, rows, "a", "b").records
    assert received["unknown"] == []
    assert "alternate exchange can't be read" in unreceived["unknown"][0]["why"]


@pytest.mark.parametrize("form", ["human", "json", "dot", "mermaid"])
def test_hostile_names_stay_text(tmp_path: Path, form: str) -> None:
    """No name steers a terminal, ends a quoted text or begins a line, in any form."""
    rows = [
        queue(HOSTILE, dead_letter_exchange=HOSTILE, dead_letter_routing_key=HOSTILE),
        *(exchange(HOSTILE, "headers"), bind(HOSTILE), bind(HOSTILE, HOSTILE, kind="exchange")),
        *(bind(HOSTILE, "", HOSTILE, **{HOSTILE: HOSTILE}), policy(HOSTILE, ".", max_length=1)),
    ]
    ran = ask(tmp_path, rows, "student.created", HOSTILE, "-H", f"{HOSTILE}={HOSTILE}", form=form)
    assert ran.code == 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", ran.out)
    if form == "json":  # which escapes all but ASCII only where a terminal would read it
        names = {each["name"] for record in ran.records for each in record["queues"]}
        assert names == {HOSTILE}
    else:
        assert "\u202e" not in ran.out
    quoted = {"dot": r'"(?:[^"\\]|\\.)*"', "mermaid": '"[^"]*"'}.get(form)
    if quoted:
        bare = re.sub(quoted, "T", ran.out)
        plain = {"dot": r"[\w\s{}=;,>\[\]-]*", "mermaid": r"[\w\s|.>()\[\]{}-]*"}[form]
        assert re.fullmatch(plain, bare), bare
        assert "owned" not in bare
        assert bare.count("\n  }" if form == "dot" else "\n  end") == 2


@pytest.mark.parametrize("vhost", ["/", None])
def test_exports_of_all_and_of_one_vhost(tmp_path: Path, vhost: str | None) -> None:
    """Both exports are read, by RabbitMQ 3 and 4; of users nothing is shown."""
    newer = {"rabbitmq_definition_format": "single_virtual_host", "original_vhost_name": "x"}
    ran = ask(
        tmp_path, [queue("q"), bind("q")], "a", vhost=vhost, others=newer if not vhost else {}
    )
    assert (ran.code, queues(ran)) == (0, [["q"]])
    assert HASH not in ran.out + ran.err


def test_the_vhost_is_looked_for(tmp_path: Path) -> None:
    """Another vhost's rows don't count; the only one is taken, unless another was typed."""
    rows = [queue("q"), bind("q")]
    ran = ask(tmp_path, rows, "a", vhost="med")
    assert (ran.code, "its only vhost is looked at: med" in ran.err) == (0, True)
    typed = ask(tmp_path, rows, "a", "--vhost", "mod", vhost="med")
    assert (typed.code, "did you mean med?" in typed.err) == (76, True)
    two = {"vhosts": [{"name": "med"}, {"name": "/"}], "exchanges": [exchange(EVENTS)]}
    assert ask(tmp_path, rows, "a", vhost="med", others=two).code == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no JSON"),
        (f'{{"users": [{{"password_hash": "{HASH}"}}]', "no JSON"),
        (f'{{"users": [{{"password_hash": "{HASH}"}}]}}', "no definitions of RabbitMQ"),
        ('{"queues": 1}', "no definitions of RabbitMQ"),
        ('{"queues": [1]}', "no definitions of RabbitMQ"),
        ('{"exchanges": [{}]}', "definitions that RabbitMQ doesn't write"),
        (
            '{"bindings": [{"source": "a", "arguments": 1}]}',
            "definitions that RabbitMQ doesn't write",
        ),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_what_are_no_definitions(tmp_path: Path, text: str, said: str) -> None:
    """65, with the reason, and nothing of what the file holds."""
    path = tmp_path / "x.json"
    path.write_text(text)
    ran = run("route", "a", "--definitions", path, folder=tmp_path)
    assert (ran.code, ran.out) == (65, "")
    assert said in ran.err
    assert HASH not in ran.err


def test_keys_of_types_files_and_stdin(tmp_path: Path) -> None:
    """Every type, or the keys of a file's events, each once, of definitions from stdin."""
    (tmp_path / "events.ndjson").write_bytes(
        b"\n".join([encode(event("user.created"))] * 2 + [b"{}"])
    )
    given = partial(
        run, stdin=json.dumps(exported(queue("q"), bind("q"))).encode(), folder=tmp_path
    )
    line = ("--definitions", "-", "-o", "json")
    named = given("route", "a", "-f", tmp_path / "events.ndjson", *line)
    assert [each["key"] for each in named.records] == ["a", "user.created"]
    assert "1 of the events name no event type" in named.err
    every = given("route", "--all-types", *line).records
    assert [each["key"] for each in every] == built_in().names
    assert given("route", *line).code == 2


def test_a_missing_exchange_is_named(tmp_path: Path) -> None:
    """76, with the nearest name."""
    ran = ask(tmp_path, [], "a", "--exchange", "medtrack.event")
    assert (ran.code, "did you mean medtrack.events?" in ran.err) == (76, True)


def test_a_long_chain_of_exchanges_is_followed(tmp_path: Path) -> None:
    """Deeper than Python's own stack, and back to its start."""
    names = [EVENTS, *(f"e{number}" for number in range(2000)), EVENTS]
    rows = [exchange(name, "fanout") for name in names[1:-1]]
    rows += [bind(end, "#", start, "exchange") for start, end in pairwise(names)]
    rows += [queue("q"), bind("q", "", names[-2])]
    (record,) = ask(tmp_path, rows, "a").records
    assert len(record["queues"][0]["via"]) == 2001
    assert "q  classic" in ask(tmp_path, rows, "a", form="human").out
