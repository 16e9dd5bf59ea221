"""Conditions of `--where`: what is asked, and what is wrong with an expression."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from medtrack_cli.cel import NAMES, compiled
from medtrack_cli.core.checked import examine
from medtrack_cli.core.conditions import Answer, judge, names
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.errors import UsageError, WrongExpression
from medtrack_cli.wiring.conditions import how_to_add
from tests.builders import delivery, encode, event, numbered
from tests.cli.tool import Ran, Tool

YES, NO, UNEVALUABLE = Answer


def evaluation(score: object = 85.5, **changes: Any) -> Delivery:
    """Make a delivery of an evaluation.created."""
    body = event("evaluation.created")
    body["payload"]["score"] = score
    return delivery(encode(body), **{"routing_key": "evaluation.created"} | changes)


HEADERS: Mapping[str, Any] = {
    "x-tenant": "a",
    "price": Decimal("9.5"),
    "ratio": 0.25,
    "sent": datetime(2025, 1, 15, 10, tzinfo=UTC),
    "raw": b"\xff",
    "x-death": [{"queue": "q", "count": 2}],
}


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("event.payload.score > 80", YES),
        ("event.payload.score > 90", NO),
        ("event.payload.score > 80.5 && routing_key.startsWith('evaluation.')", YES),
        ("event.service == 'evaluation-service' || valid", YES),
        ("exchange == 'medtrack.events' && !redelivered", YES),
        ("timestamp(event.timestamp) < timestamp('2030-01-01T00:00:00Z')", YES),
        ("has(event.payload.score)", YES),
        ("has(event.payload.email)", NO),
        ("event.payload.email == 'a@example.org'", UNEVALUABLE),
        ("event.payload.score.startsWith('8')", UNEVALUABLE),
        ("event.payload.score", UNEVALUABLE),
        ("properties.message_id == 'm-1'", YES),
        ("properties.reply_to == 'q'", UNEVALUABLE),
        ("headers['x-tenant'] in ['a', 'b']", YES),
        ("headers['x-death'].exists(death, death.count > 1)", YES),
        ("headers.price > 9.0 && headers.ratio == 0.25", YES),
        ("timestamp(headers.sent) == timestamp('2025-01-15T10:00:00Z')", YES),
        ("headers.raw == b'\\xff'", YES),
        ("event.payload.student_id.matches('(a+)+$')", NO),
        ("event.payload.student_id.matches('(')", UNEVALUABLE),
    ],
)
def test_answers(expression: str, answer: Answer) -> None:
    """A condition says yes or no; about what an event hasn't, neither."""
    message = evaluation(headers=HEADERS, properties={"message_id": "m-1"})
    assert judge(examine(message), compiled(expression)) is answer


@pytest.mark.parametrize(
    ("body", "expression", "answer"),
    [
        (b"no JSON", "event == null", YES),
        (b"no JSON", "event.payload.score > 80", UNEVALUABLE),
        (b"\xff", "event == null && !valid", YES),
        (b"[1, 2]", "event[1] == 2", YES),
        (b'"text"', "event == 'text'", YES),
        (b'{"a": 1, "a": 1}', "event == null", YES),  # duplicate keys: no strict JSON
        (b'{"a": "\\ud800"}', "event.a == 'x'", UNEVALUABLE),
        (b'{"a": 100000000000000000000000}', "event.a > 1", YES),
        (b'{"a": 1, "b": -1' + b"0" * 400 + b"}", "event.a == 1 && event.b < 0", YES),
        (b'{"a": "a\\u0000b"}', "event.a == 'a'", NO),
        (b'{"a": "a\\u0000b"}', "event.a.endsWith('b') && size(event.a) == 3", YES),
        (b'{"a\\u0000b": 1}', "has(event.a)", NO),
        (b'{"l": [1, 2]}', "event['l'].exists(each, each == 2)", YES),
        (b'{"l": {"m": [1]}}', "event['l']['m'].all(each, each == 1)", YES),
        (b'{"l": [[1], [2]]}', "event.l[1].exists(a, a == 2) && event['l'][0].all(a, a == 1)", YES),
        (b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}", "size(event.a) == 1", YES),
        (b"\xef\xbb\xbf{}", "size(event) == 0", YES),
    ],
)
def test_bodies_that_are_no_event(body: bytes, expression: str, answer: Answer) -> None:
    """`event` is any JSON value, and null for a body that is none; nothing ends the run."""
    assert judge(examine(delivery(body)), compiled(expression)) is answer


def test_no_condition_wants_everything() -> None:
    """Without --where each delivery passes."""
    assert judge(examine(delivery(b"\xff")), None) is YES


def test_names_are_those_that_expressions_may_use() -> None:
    """What a delivery is asked by and what the language knows are the same."""
    assert names(examine(evaluation())).keys() == NAMES.keys()


@pytest.mark.parametrize(
    ("expression", "column", "hint"),
    [
        ("evnt.payload.score > 1", 1, "did you mean event?"),
        ("valid && evnt.payload.score > 1", 10, "did you mean event?"),
        ("event.payload.cin.startWith('A')", 19, "did you mean startsWith?"),
        ("lower(routing_key) == 'a'", 1, "it may ask for event, "),
        ("routing_key > 1", 13, ""),
        ("event.a == ", 12, ""),
        ("'é' == routing_ky", 8, "did you mean routing_key?"),
        ("", 1, ""),
    ],
)
def test_a_wrong_expression_has_its_place(expression: str, column: int, hint: str) -> None:
    """Syntax, names and types are checked before any event, each with its column and a hint."""
    with pytest.raises(WrongExpression) as raised:
        compiled(expression)
    assert (raised.value.line, raised.value.column) == (1, column)
    assert hint in raised.value.hint
    assert "\n" not in raised.value.message + raised.value.hint


@pytest.mark.parametrize(
    "expression",
    [
        "routing_key",
        "1 + 1",
        "'a' * 20000",
        "a" * 20_000,
        "\udc80",
        "event.a == 'a\\u0000b'",
        "'\0' == ''",
    ],
)
def test_what_asks_nothing_is_refused(expression: str) -> None:
    """A value that is no yes or no, and a text beyond reason, are errors of usage."""
    with pytest.raises(UsageError):
        compiled(expression)


@pytest.mark.parametrize("nested", ["(" * 3000 + "true" + ")" * 3000, "true" + " && true" * 1200])
def test_no_expression_ends_the_process(tool: Tool, nested: str) -> None:
    """Depth and length end in an error of usage, or in a condition; never in a crash."""
    tool.write("nothing.ndjson", next(numbered(1)))
    ran = tool.run("replay", "nothing.ndjson", "--where", nested, "--dry-run")
    assert ran.code in {0, 2}


@pytest.mark.parametrize("command", [["listen"], ["replay", "none.ndjson"]], ids=lambda it: it[0])
def test_a_wrong_expression_is_shown_before_anything_is_connected(
    tool: Tool, command: list[str]
) -> None:
    """Exit code 2 with a caret below the place, and no connection."""
    wrong = "event.payload.score >\n  80 && routing_ky == 'a'"
    ran = tool.run(*command, "--where", wrong, "-o", "human")
    assert ran.code == 2
    assert ran.err.splitlines() == [
        "error: --where, column 9: there is no routing_ky",
        "    80 && routing_ky == 'a'",
        "          ^",
        "hint: did you mean routing_key?",
    ]


WITHOUT = (
    "import sys; sys.modules['cel_expr_python'] = None; import medtrack_cli.__main__ as m; m.main()"
)


def test_without_the_library_all_else_works(tool: Tool) -> None:
    """--where is an extra: without it 2, and the one command that adds it; the rest needs none."""

    def run(*arguments: str) -> Ran:
        line = [sys.executable, "-c", WITHOUT, *arguments]
        done = subprocess.run(
            line, capture_output=True, text=True, cwd=tool.folder, env=tool.environ, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    tool.write("student.json", json.dumps(event()))
    assert run("validate", "student.json").code == 0
    ran = run("listen", "--where", "valid")
    assert ran.code == 2
    assert "--where needs a library that isn't installed here" in ran.err
    assert "-m pip install 'medtrack[where]'" in ran.err


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/a/.local/share/pipx/venvs/medtrack", "pipx install --force"),
        ("/home/a/.local/share/uv/tools/medtrack", "uv tool install"),
        ("/srv/venv", "/srv/venv/bin/python -m pip install"),
    ],
)
def test_the_command_fits_what_installed_the_tool(prefix: str, command: str) -> None:
    """pipx, uv and pip each keep the tool in a place of their own."""
    hint = how_to_add("where", prefix, f"{prefix}/bin/python")
    assert hint == f"{command} 'medtrack[where]' adds it"
