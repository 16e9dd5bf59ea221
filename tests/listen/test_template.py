"""The template language of `listen --format`."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.errors import UsageError
from medtrack_cli.output.template import RECORD_FIELDS, renderer, template
from tests.builders import delivery, encode, event
from tests.project.pages import ROOT, blocks


def line(text: str, message: Delivery, *, on_terminal: bool = False, reveal: bool = False) -> str:
    """Fill a template in."""
    return renderer(template(text), for_terminal=on_terminal, reveal=reveal)(examine(message))


def created(**payload: object) -> Delivery:
    """Make a delivery of a student.created, some of its payload changed."""
    body = event("student.created")
    body["payload"] |= payload
    return delivery(
        encode(body),
        headers={"x-tenant": "a", "dotted.name": 7, "times": [{"at": 1}, {"at": 2}]},
        properties={"message_id": "m-1", "timestamp": datetime(2025, 1, 15, 10, tzinfo=UTC)},
    )


def test_local_time_counts_in_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """With local_time the time of arrival is this machine's, in a form of its own too."""
    monkeypatch.setenv("TZ", "<+05>-5")
    time.tzset()
    try:
        parts = template("{received_at:%H:%M} {received_at} {properties.timestamp:%H}")
        write = renderer(parts, for_terminal=False, reveal=False, local_time=True)
        assert write(examine(created())) == "17:00 2025-01-15T17:00:00.000000+05:00 10"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{routing_key}|{exchange}|{redelivered}", "student.created|medtrack.events|false"),
        ("{received_at}", "2025-01-15T12:00:00.000000Z"),
        ("{received_at:%H:%M:%S}", "12:00:00"),
        ("{timestamp:%d.%m.%Y}", "15.01.2025"),
        ("{properties.timestamp:%Y}", "2025"),
        ("{payload.first_name:%Y}", "Amina"),
        ("{event_type} {service} {version}", "student.created external-registration-service 1.0"),
        ("{payload.student_id}", "550e8400-e29b-41d4-a716-446655440000"),
        ("{payload.student_id:json}", '"550e8400-e29b-41d4-a716-446655440000"'),
        ("{body.payload.email}", "amina.example@example.org"),
        ("{headers.x-tenant} {headers.dotted.name} {headers.times.1.at}", "a 7 2"),
        ("{headers.times}", '[{"at":1},{"at":2}]'),
        ("{properties.message_id}", "m-1"),
        ("{valid} {findings}", "true []"),
        ("{{{routing_key}}} {{}} }}{{", "{student.created} {} }{"),
        ("no placeholder", "no placeholder"),
        ("", ""),
        ("[{payload.nothing}{headers.no.way}{headers.times.9.at}{payload.email.deeper}]", "[]"),
        ("{payload.nothing:json}", "null"),
    ],
)
def test_placeholders(text: str, expected: str) -> None:
    """A placeholder is the record's value; text as it is, all else as JSON, nothing as nothing."""
    assert line(text, created()) == expected


def test_the_body_is_exact() -> None:
    """`{body_text}` gives the bytes of the body back, and `{body:json}` its value."""
    message = created()
    assert line("{body_text}", message).encode() == message.body
    assert json.loads(line("{body:json}", message)) == json.loads(message.body)
    assert line("{body_base64}|{body}", delivery(b"\xff\x00")) == "/wA=|"


def test_values_are_exact_away_from_a_terminal() -> None:
    """Into a pipe neither personal values nor control characters are changed."""
    message = created(first_name="Zo\u00eb\x1b[31m", last_name="بن علي")
    assert line("{payload.first_name}/{payload.last_name}", message) == "Zo\u00eb\x1b[31m/بن علي"


def test_a_terminal_sees_masked_and_escaped_values() -> None:
    """On a terminal personal values keep their shape alone; --reveal shows them, escaped."""
    message = created(first_name="Evil\x1b]0;x\x07")
    text = "{routing_key} {payload.email} {payload.first_name} {payload.student_id} {body_text}"
    seen = line(text, message, on_terminal=True)
    assert seen.startswith("student.created xxxxx.xxxxxxx@xxxxxxx.xxx ")
    assert "550e8400-e29b-41d4-a716-446655440000" in seen
    for personal in ("Evil", "amina", "example.org", "Amina", "ZZ123456"):
        assert personal not in seen
    revealed = line(text, message, on_terminal=True, reveal=True)
    assert "amina.example@example.org Evil\\x1b]0;x\\x07 " in revealed
    assert (seen + revealed).isprintable()


@pytest.mark.parametrize("text", ["{findings}", "{findings.0}", "{findings.0.pointer}"])
def test_a_terminal_sees_masked_pointers(text: str) -> None:
    """On a terminal a finding's pointer shows no key that may be a person's, unless revealed."""
    body = {**event(), "payload": {"Amina Alaoui": 1}}
    message = delivery(encode(body))
    assert "Amina Alaoui" in line(text, message)
    seen = line(text, message, on_terminal=True)
    assert "/payload/xxxxx xxxxxx" in seen
    assert "Amina" not in seen
    assert "/payload/Amina Alaoui" in line(text, message, on_terminal=True, reveal=True)


def test_text_of_the_template_itself_is_the_users_own() -> None:
    """What stands between placeholders is written as typed, a tab on a terminal too."""
    assert line("{routing_key}\t{version}", created(), on_terminal=True) == "student.created\t1.0"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{rooting_key}", "did you mean routing_key?"),
        ("{payload_student_id}", "known: event_type, payload"),
        ("{}", "known: "),
        ("{payload.}", "known: "),
        ("{service.name}", "service has nothing inside; known: "),
        ("{routing_key:upper}", "{body:json}"),
        ("{routing_key", "written twice"),
        ("routing_key}", "written twice"),
        ("a {b {routing_key}", "written twice"),
        ("{body!r}", "did you mean body?"),
        ("\udcff", ""),
    ],
)
def test_wrong_templates(text: str, said: str) -> None:
    """What is no template is an error of usage with the way out."""
    with pytest.raises(UsageError) as raised:
        template(text)
    assert said in raised.value.hint


def test_every_member_of_an_event_record_has_a_placeholder() -> None:
    """The placeholders are the members that docs/json-output.md gives an `event`."""
    page = (ROOT / "docs/json-output.md").read_text()
    section = page.split("### event\n")[1].split("\n### ")[0]
    ((_, schema),) = [each for each in blocks(section, "json") if each[0] == "schema"]
    documented: dict[str, Any] = json.loads(schema)["properties"]
    recorded_only = {"elapsed", "at", "line", "latest", "crc32"}
    assert set(RECORD_FIELDS) == documented.keys() - recorded_only
    for name in documented.keys() - recorded_only:
        template(f"{{{name}}}")


def test_a_time_of_any_offset_is_written_in_it() -> None:
    """A time keeps its own offset; one without any counts as UTC."""
    body = event() | {"timestamp": "2025-01-15T10:00:00.123456789+02:00"}
    assert line("{timestamp:%H:%M%z}", delivery(encode(body))) == "10:00+0200"
    body["timestamp"] = "2025-01-15T10:00:00"
    assert line("{timestamp:%H:%M%z}", delivery(encode(body))) == "10:00+0000"
    moment = datetime(2025, 1, 15, 12, tzinfo=UTC) + timedelta(microseconds=5)
    assert line("{received_at:%f}", delivery(received_at=moment)) == "000005"
