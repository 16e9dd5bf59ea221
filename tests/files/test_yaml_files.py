"""YAML files: texts stay texts, places are exact, what JSON can't say is refused."""

import json
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from medtrack_cli.events.findings import At, Finding, Rule, Span
from medtrack_cli.files.reading.yaml_reader import read_yaml
from tests.files.reads import bodies, places, read_file

YAML = Rule.YAML_SYNTAX


def write(tmp_path: Path, content: str | bytes) -> Path:
    """Make a YAML file."""
    path = tmp_path / "a.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def only_body(path: Path, as_type: str | None = None) -> Any:
    """The one event of a file, read as JSON."""
    (item,) = read_file(path, as_type)
    assert item.findings == ()
    assert not item.exact
    return json.loads(item.body or b"")


def test_personal_fields_keep_their_text(tmp_path: Path) -> None:
    """Where the event type wants a text, a plain scalar is one, wherever event_type stands."""
    path = write(
        tmp_path,
        """\
payload:
  {cin: 01234567, phone: +212600000000, first_name: no, last_name: 1e3, user_id: ~, email: }
timestamp: 2024-01-01
version: 1.0
event_type: student.created
""",
    )
    assert read_file(path)[0].body == (
        b'{"event_type":"student.created","payload":{"cin":"01234567","phone":"+212600000000",'
        b'"first_name":"no","last_name":"1e3","user_id":null,"email":null},'
        b'"timestamp":"2024-01-01","version":"1.0"}'
    )


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    """A score is a number when plain and a string when quoted."""
    event = "{event_type: evaluation.created, payload: {score: %s}}"
    for text, score in [("85", 85), ("85.5", 85.5), ('"85"', "85"), ("'85'", "85")]:
        body = only_body(write(tmp_path, event % text))
        assert body == {"event_type": "evaluation.created", "payload": {"score": score}}


def test_bare_payloads_follow_their_type(tmp_path: Path) -> None:
    """A mapping without event_type and payload is read as the payload of the type named."""
    path = write(tmp_path, "cin: 01\nlast_name: 2\n")
    assert only_body(path, "student.created") == {"cin": "01", "last_name": "2"}
    assert only_body(path) == {"cin": "01", "last_name": 2}
    path = write(tmp_path, "payload: {last_name: 2}\n")
    assert only_body(path, "student.created") == {"payload": {"last_name": "2"}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, None) for text in ("~", "null", "Null", "NULL", "")],
        *[("true", True), ("False", False), ("0", 0), ("-7", -7), ("+1", 1)],
        *[("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("-1E+2", -100.0)],
        *[(text, text) for text in ("no", "yes", "on", "012", "0x1F", "0o17", "12:30", "1_000")],
        *[(text, text) for text in ("2024-01-01", "nUll", "-", "1e", "+", "<<", "=", "1,5")],
    ],
)
def test_plain_scalars_follow_the_core_schema(tmp_path: Path, text: str, value: object) -> None:
    """YAML 1.2's null, booleans and decimal numbers are such; all else is text."""
    body = only_body(write(tmp_path, f"a: {text}\n" if text != "-" else "a: '-'\n"))
    assert body == {"a": value}
    assert type(body["a"]) is type(value)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a: 1\nb: &x 2\n", [(YAML, 2, 4)]),
        ("a: !!str 2\n", [(YAML, 1, 4)]),
        ("- !!python/object/apply:os.system [ls]\n", [(YAML, 1, 3)]),
        ("a: &x [1]\nb: [*x, *x]\n", [(YAML, 1, 4), (YAML, 2, 5), (YAML, 2, 9)]),
        ("a: 1\n1: 2\nnull: 3\n", [(YAML, 2, 1), (YAML, 3, 1)]),
        ("? [a]\n: 2\n", [(YAML, 1, 3)]),
        (
            "a: .inf\nb: [1, -.INF, .nan, 1e999]\n",
            [(YAML, 1, 4), (YAML, 2, 8), (YAML, 2, 15), (YAML, 2, 21)],
        ),
        ("é😀: {a: 1, 'a': 2, a: 3}\n", [(Rule.DUPLICATE_KEY, 1, 12)]),
        ("a: 1\n---\na: [1,\nb: 2\n", [(YAML, 3, 4)]),
        ("a: b: c\n", [(YAML, 1, 5)]),
        ("a:\n\t- b\n", [(YAML, 2, 1)]),
        ("a: 'open\n", [(YAML, 1, 4)]),
        ("a: 'open", [(YAML, 1, 4)]),
        ('a: "\\ud800"\n', [(YAML, 1, 7)]),
        (b"a: 1\nb: '\xc3\xa9\xff'\n", [(Rule.BAD_ENCODING, 2, 6)]),
        (b"\xff\xfea\x00", [(Rule.BAD_ENCODING, 1, 1)]),
        ("a: 1\nb: 'x\u2028y'\n", [(YAML, 2, 6)]),
        ("a: '\x00'\n", [(YAML, 1, 5)]),
        ("a: 1\rb: 2\n", [(YAML, 1, 5)]),
        ("- a\n- " + "[" * 65 + "]" * 65, [(Rule.TOO_DEEP, 2, 67)]),
        ("- " * 100_000, [(Rule.TOO_DEEP, 1, 131)]),
        ("a: " + "1" * 5000, [(YAML, 1, 4)]),
    ],
)
def test_what_json_cannot_say_is_placed(
    tmp_path: Path, content: str | bytes, found: list[tuple[Rule, int, int]]
) -> None:
    """Each fault is told at its first character, all of an event's at once."""
    start = time.perf_counter()
    items = read_file(write(tmp_path, content))
    assert places(items) == found
    assert time.perf_counter() - start < 2


def test_what_is_whole_before_a_fault_is_given(tmp_path: Path) -> None:
    """Events before a fault are read; the one that the fault cuts is not."""
    for rest in (b"c: '\xff'\n", b"c: 'x\x01'\n", b"c: [\n", b"c: "):
        path = write(tmp_path, b"- a: 1\n- b: 2\n- " + rest)
        expected = [b'{"a":1}', b'{"b":2}', b'{"c":null}' if rest == b"c: " else None]
        assert bodies(read_file(path)) == expected


def test_documents_and_lists_are_events_each(tmp_path: Path) -> None:
    """Every document and every item of a list is an event on its line; empty ones are none."""
    path = write(
        tmp_path, "\ufeff# c\n---\na: 1\n--- # none\n---\n- b: 2\n-\n  c: 3\n...\n---\nd\n"
    )
    items = read_file(path)
    assert bodies(items) == [b'{"a":1}', b'{"b":2}', b'{"c":3}', b'"d"']
    assert [item.line for item in items] == [3, 6, 8, 11]


def test_places_of_an_event(tmp_path: Path) -> None:
    """Columns count code points after a BOM, in block and flow style."""
    path = write(
        tmp_path,
        "\ufeffevent_type: 'é😀' # c\r\npayload: {x: 😀, y: {z: [1, 22]}}\r\n"
        "text: |\r\n  a\r\nlast:\r\n  in: 5\r\n",
    )
    (item,) = read_file(path)
    assert item.span(("event_type",)) == Span(1, 13, 17)
    assert item.span(("event_type",), At.KEY) == Span(1, 1, 11)
    assert item.span(("payload", "x")) == Span(2, 14, 15)
    assert item.span(("payload", "y", "z", 1)) == Span(2, 28, 30)
    assert item.span(("payload", "lost"), At.OPENING) == Span(2, 10, 11)
    assert item.span(("payload", "lost", 1)) == Span(2, 10, 33)
    assert item.span(("text",)) == Span(3, 7, 8)
    assert item.span(("last",)) == Span(6, 3, 4)
    assert item.span(("lost",), At.OPENING) == Span(1, 1, 2)
    assert item.span(7) == Span(1, 1, 2)


SCENARIO = """\
events:
  - event_type: user.created
    payload: {user_id: "${user}", last_name: x}
  - event_type: student.created
    payload:
      user_id: ${user}
      cin: ${cin}
      last_name: Mr ${nam}${name}
      first_name: ${none}
  - {event_type: evaluation.created, payload: {"score": "${score}"}}
  - event_type: evaluation.created
    payload:
      score: ${score}
      score: ${score}
vars:
  user: 7b7d2b3c
  cin: 0012
  score: 85
  name: "O'Hara"
  none: null
"""


def test_scenarios_share_values(tmp_path: Path) -> None:
    """`${name}` stands for a text, then plain scalars are read as ever."""
    items = read_file(write(tmp_path, SCENARIO))
    payloads = [json.loads(item.body or b"")["payload"] for item in items]
    assert payloads == [
        {"user_id": "7b7d2b3c", "last_name": "x"},
        {"user_id": "7b7d2b3c", "cin": "0012", "last_name": "Mr ${nam}O'Hara", "first_name": None},
        {"score": "85"},
        {"score": 85},
    ]
    assert [item.line for item in items] == [2, 4, 10, 11]
    assert items[1].findings == (
        Finding(
            *(Rule.INVALID_VALUE, str(tmp_path / "a.yaml"), Span(8, 18, 34), "/payload/last_name"),
            "the scenario's vars have no nam",
            "did you mean name?",
        ),
    )
    assert items[3].findings[0].pointer == "/payload/score"
    assert places(items[3:]) == [(Rule.DUPLICATE_KEY, 14, 7)]
    assert items[3].span(("payload", "score")) == Span(14, 14, 22)


def test_broken_scenarios_say_why(tmp_path: Path) -> None:
    """A scenario's own faults come first, and its events are still read."""
    items = read_file(write(tmp_path, "vars: {a: [1]}\nname: x\nevents: [{b: 1}]\n"))
    assert bodies(items) == [None, b'{"b":1}']
    assert places(items) == [(Rule.UNKNOWN_FIELD, 2, 1), (Rule.WRONG_TYPE, 1, 11)]
    items = read_file(write(tmp_path, "vars: 1\nevents: {}\n"))
    assert places(items) == [(Rule.WRONG_TYPE, 1, 7), (Rule.WRONG_TYPE, 2, 9)]


def test_quoted_shared_values_are_texts(tmp_path: Path) -> None:
    """A plain scalar that a quoted value is put into is a text, whatever the text looks like."""
    shared = "{last: 'Null', no: 'false', old: '85', plain: 85, none: Null}"
    fields = "a: '${last}'; b: ${last}; c: ${no}; d: ${old}5; e: ${plain}; f: ${none}"
    rows = fields.replace("; ", "\n   ")
    body = only_body(write(tmp_path, f"vars: {shared}\nevents:\n - {rows}\n"))
    assert body == {"a": "Null", "b": "Null", "c": "false", "d": "855", "e": 85, "f": None}


def test_scenario_values_cannot_explode(tmp_path: Path) -> None:
    """Values that would fill more than an event's 16 MiB are refused once, not expanded."""
    long = f"vars: {{a: {'x' * 10**6}}}\nevents: ['{'${a}' * 1000}']\n"
    assert places(read_file(write(tmp_path, long))) == [(Rule.TOO_LARGE, 2, 10)]
    members = "".join(f"    k{number}: x${{a}}\n" for number in range(100))
    many = f"vars: {{a: {'é' * 10**6}}}\nevents:\n  -\n{members}  - {{b: '${{a}}'}}\n"
    items = read_file(write(tmp_path, many))
    assert places(items) == [(Rule.TOO_LARGE, 12, 9)]
    assert bodies(items)[1:] == [f'{{"b":"{"é" * 10**6}"}}'.encode()]


def test_a_scenario_fills_no_more_than_its_events_need() -> None:
    """All events of a scenario together are filled with 256 MiB at most; the rest are refused."""
    event = f"  - ['{'${a}' * 15}']\n"
    content = f"vars: {{a: {'x' * 2**20}}}\nevents:\n{event * 20}  - [b]\n"
    items = read_yaml(BytesIO(content.encode()), "a.yaml", wants_text=lambda *_: False)
    found = [
        item.findings[0].message if item.findings else (item.body or b"")[-6:] for item in items
    ]
    too_much = "the scenario's shared values fill more than 268435456 bytes"
    assert found == [*[b'xxxx"]'] * 17, *[too_much] * 3, b'["b"]']


@pytest.mark.parametrize(
    ("content", "fewest"),
    [
        ("vars: {}\nevents:\n" + "- {a: 1, a: 2}\n" * 10_000, 10_000),
        ("vars: {}\nevents:\n- " + "${" * 100_000 + "\n", 0),
        ("vars: {}\nevents:\n- '" + "${x}" * 100_000 + "'\n", 1000),
        (
            "vars:\n"
            + "".join(f"  name{n}: x\n" for n in range(10_000))
            + "events:\n"
            + "".join(f"- {{a: '${{nam{n}}}'}}\n" for n in range(10_000)),
            10_000,
        ),
    ],
    ids=["twice", "unclosed", "unknown", "near"],
)
def test_large_scenarios_are_soon_read(tmp_path: Path, content: str, fewest: int) -> None:
    """What is wrong with a scenario's events takes time in proportion to its size."""
    started = time.process_time()
    items = read_file(write(tmp_path, content))
    assert time.process_time() - started < 8
    assert sum(len(item.findings) for item in items) == fewest
