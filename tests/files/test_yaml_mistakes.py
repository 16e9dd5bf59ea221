"""What is wrong in YAML stands where it has to be changed; JSON in a YAML file is JSON."""

import json
import time
from pathlib import Path

import pytest

from tests.builders import STUDENT, changed
from tests.running import run_json
from tests.validate.checking import findings, validate

NO_SPACE = "no space after this colon"
NO_COLON = "no colon after a key in this line"
OPEN_QUOTE = "the quote that opens here is never closed"
CLOSED_LATE = "the quote that opens here is not closed on its line"
OPEN_BRACKET = "the bracket that opens here is not closed"
NO_COMMA = "expected a comma or the closing bracket"
DEEPER = "this line is indented deeper than the one before, which has its value"
BESIDE = "no line above is indented like this one"
BEHIND = "text after a closing quote"
LONG = f"# {'c' * 1000}\n"
PAYLOAD = "event_type: student.created\npayload:\n"


@pytest.mark.parametrize(
    ("content", "line", "column", "message"),
    [
        ("event_type: a\nservice:registration\nversion: 1.0\n", 2, 8, NO_SPACE),
        ("event_type: a\nservice:registration\n", 2, 8, NO_SPACE),
        ("event_type: a\r\nservice:b\r\n\r\n# c\r\nversion: 1.0\r\n", 2, 8, NO_SPACE),
        ("event_type:a\nservice: b\n", 1, 11, NO_SPACE),
        ("event_type:a\nservice:b\nversion: 1.0\n", 1, 11, NO_SPACE),
        (f"{PAYLOAD}  cin:AB12\n  email: b\nservice: c\n", 3, 6, NO_SPACE),
        (f"{PAYLOAD}  cin: AB12\n  email:b\nservice: c\n", 4, 8, NO_SPACE),
        ("- event_type: a\n  service:b\n  version: 1\n- event_type: c\n", 2, 10, NO_SPACE),
        ("a: 1\nnote: |\n text\n  more\nservice:b\nversion: 1\n", 5, 8, NO_SPACE),
        (f"{LONG * 300}service:b\nversion: 1.0\n", 301, 8, NO_SPACE),
        ("event_type: a\nservice\nversion: 1.0\n", 2, 1, NO_COLON),
        ("event_type a\nservice: b\n", 1, 1, NO_COLON),
        (f"{PAYLOAD}  cin AB12\n  email: b\n", 3, 3, NO_COLON),
        ('event_type: "a\nservice: b\nversion: 1.0\n', 1, 13, OPEN_QUOTE),
        ("event_type: 'a\nservice: b", 1, 13, OPEN_QUOTE),
        ('event_type: "a\n---\nservice: b\n', 1, 13, OPEN_QUOTE),
        (f'event_type: a\nservice: "b\n{LONG * 300}', 2, 10, OPEN_QUOTE),
        ('event_type: a\nservice: "b\nversion: "1.0"\npayload: {}\n', 2, 10, CLOSED_LATE),
        (f"{PAYLOAD}  first_name: 'it's'\n", 3, 19, BEHIND),
        ('event_type: "a" b\n', 1, 17, BEHIND),
        (f"{PAYLOAD[:-1]} {{cin: a, email: b\nservice: c\n", 2, 10, OPEN_BRACKET),
        (f"{PAYLOAD}  updated_fields: [a, b\nservice: c\n", 3, 19, OPEN_BRACKET),
        ("event_type: a\npayload: {cin: a\n", 2, 10, OPEN_BRACKET),
        ('{"event_type": "a",\n "service": "b"\n\n "version": 1.0, # c\n}', 2, 16, NO_COMMA),
        ("payload: {cin: a,\n  email: b\n  phone: c}\n", 2, 11, NO_COMMA),
        ("payload: {cin: a]\n", 1, 17, NO_COMMA),
        ("payload: {cin: a}}\nservice: b\n", 1, 18, "a closing bracket that nothing opens"),
        ("event_type: a\n service: b\n", 2, 2, DEEPER),
        ("note: a long\n  text goes on\n  service: b\n", 3, 3, DEEPER),
        (f"{PAYLOAD}   cin: a\n  email: b\n", 4, 3, BESIDE),
        ("event_type: a\nnote: b: c\n", 2, 8, "a colon in a value"),
        ('{"a": 1}\n{"a": 2}\n', 2, 1, "a second document without --- before it"),
    ],
)
def test_a_mistake_is_told_on_its_own_line(
    content: str, line: int, column: int, message: str
) -> None:
    """The place is where something has to be changed, not where the parser gave up."""
    found = [each for each in findings("a.yaml", content) if each["rule"] == "yaml_syntax"]
    assert [(each["line"], each["column"], each["message"]) for each in found] == [
        (line, column, message)
    ]
    assert all(each.get("suggestion") or message == NO_COMMA for each in found)


def test_the_line_of_the_mistake_is_shown() -> None:
    """The line shown is the one without its space, with a caret below the colon, and the hint."""
    content = b"event_type: student.created\nservice:registration\nversion: 1.0\n"
    shown = validate("-", stdin=content).out.splitlines()
    assert shown[0] == f"<stdin>:2:8: error[yaml_syntax]: {NO_SPACE}"
    assert shown[1].startswith("2 | ")
    assert shown[2].index("^") - len("2 | ") == len("service")
    assert shown[3] == "  hint: write key: value, with a space"


def test_many_lines_of_one_mistake_take_no_time() -> None:
    """Of a hundred thousand lines without a space the search for the first one is quick."""
    started = time.monotonic()
    (found,) = findings("a.yaml", "a:b\n" * 100_000 + "c: d\n")
    assert found["message"] == NO_SPACE
    assert time.monotonic() - started < 4


def named(name: str) -> str:
    """Write an event with a first name as JSON, all but ASCII as it is."""
    return json.dumps(changed({"first_name": name}), ensure_ascii=False)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(changed({"first_name": "A😀"})),
        json.dumps([changed({"first_name": "A😀"}), STUDENT, 5], indent=2),
        *map(named, ("A\u2028B", "A\u2029B", "A\x7fB", "A\x85\x9fB", "A\ufffeB")),
        named("A/B").replace("A/B", "A\\/B"),
        json.dumps(STUDENT, indent="\t"),
        json.dumps({**STUDENT, "k" * 2000: 1}),
        json.dumps(changed({"first_name": "\ud800"})),
        json.dumps(changed({"cin": 12})),
        '{"a": 1, "a": 2}',
        "\ufeff" + json.dumps(changed({"email": "😀"}), indent=2).replace("\n", "\r\n"),
    ],
)
def test_json_in_yaml_is_judged_as_json(content: str) -> None:
    """JSON saved as *.yaml has the findings of the *.json file, at the same places."""
    as_json, as_yaml = findings("a.json", content), findings("a.yaml", content)
    for each in (*as_json, *as_yaml):
        del each["file"]
    assert as_yaml == as_json


def test_json_behind_a_mark_or_a_comment() -> None:
    """Comments and --- before JSON don't make it anything else; its places are the file's."""
    event = json.dumps(changed({"email": "nobody", "first_name": "😀"}))
    column = event.index('"nobody"') + 1
    for before in ("---\n", "# c\n\n---\n", "\ufeff# {c\r\n", "--- ", "%YAML 1.2\n---\n"):
        (found,) = findings("a.yaml", before + event)
        indent = len(before) if before == "--- " else 0
        place = (before.count("\n") + 1, column + indent)
        assert (found["rule"], found["line"], found["column"]) == ("bad_format", *place)


def test_a_scenario_in_json_is_a_scenario() -> None:
    """JSON with vars and events is a scenario in a YAML file, as it is in YAML."""
    event = changed({"first_name": "${name}"})
    content = json.dumps({"vars": {"name": "Amina"}, "events": [event]})
    assert findings("a.yaml", content) == []
    assert findings("a.yaml", content.replace('"name"', '"nmae"', 1)) != []


def test_json_in_yaml_is_sent_as_yaml_is(tmp_path: Path) -> None:
    """What is JSON in a YAML file is sent compact and in the envelope's order, as all of YAML."""
    event = changed({"first_name": "😀"})
    turned = json.dumps(dict(reversed(event.items())), indent=2)
    (tmp_path / "a.yaml").write_text(f"# c\n{turned}\n")
    ran = run_json("publish", "--dry-run", "-f", tmp_path / "a.yaml")
    (message,) = ran.of_kind("message")
    assert message["body_text"] == json.dumps(event, ensure_ascii=False, separators=(",", ":"))
