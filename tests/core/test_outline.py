"""The plan of a replay: what is counted, and what people are shown of it."""

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from medtrack_cli.core.messages import Message, Outcome
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.publishing.outline import MOST_NAMES, MOST_SHOWN, Outline
from medtrack_cli.output.shown.plans import ShownPlan
from medtrack_cli.output.shown.shown import Sheet
from medtrack_cli.output.style import Style, marks_for
from tests.builders import NOON, delivery, encode, event, message

HERE = Origin("broker.example:5672", "/", "medtrack.events")
BODY = encode(event())


def sent(position: int = 1, body: bytes = BODY, **changes: Any) -> Message:
    """Make a message of a delivery that was recorded so many seconds after noon."""
    moment = NOON + timedelta(seconds=position - 1)
    recorded = delivery(body, received_at=moment, properties=changes.get("properties") or {})
    typed = {"event_type": "student.created", "routing_key": "student.created", "body": body}
    return message(position, paced_by=recorded, **typed | changes)


def plan_of(*messages: Message, **options: Any) -> dict[str, Any]:
    """Count messages."""
    outline = Outline("monday", HERE, **options)
    for each in messages:
        outline.add(each)
    return outline.to_json()


def shown(plan: dict[str, Any], width: int = 80) -> list[str]:
    """Show a plan on a terminal of that width."""
    sheet = Sheet(width, marks_for("utf-8"), Style(on=False), is_terminal=True)
    return list(ShownPlan(plan).lines(sheet))


def test_everything_is_counted_by_its_names() -> None:
    """By key, type, service and validity; a compressed event by what it holds; receipts not."""
    packed = {"content_encoding": "gzip"}
    plan = plan_of(
        sent(1),
        sent(2, gzip.compress(BODY), properties=packed),
        sent(3, b"\xff", event_type=None, routing_key="", is_valid=False),
        sent(4, routing_key="test.student.created", is_valid=False),
    )
    assert (plan["events"], plan["invalid"], plan["mismatched"]) == (4, 2, 1)
    assert plan["routing_keys"]["names"] == [
        {"name": "student.created", "events": 2, "invalid": 0},
        {"name": "", "events": 1, "invalid": 1},
        {"name": "test.student.created", "events": 1, "invalid": 1},
    ]
    assert [each["name"] for each in plan["event_types"]["names"]] == ["student.created", None]
    services = {each["name"]: each["events"] for each in plan["services"]["names"]}
    assert services == {event()["service"]: 3, None: 1}
    assert plan["first"] == "2025-01-15T12:00:00.000000Z"
    assert plan["last"] == "2025-01-15T12:00:03.000000Z"
    nothing = plan_of()
    outline = Outline("monday", HERE)
    outline.add(sent().receipt(Outcome.INVALID))
    assert outline.to_json() == nothing
    assert (nothing["first"], nothing["seconds"], nothing["first_events"]) == (None, None, [])


def test_what_anybody_can_name_is_bounded() -> None:
    """However many keys and services there are, and how long, so many are counted apart."""
    services = ({**event(), "service": f"{'s' * 300}{n}"} for n in range(300))
    made = [sent(n, encode(each), routing_key=f"k{n}") for n, each in enumerate(services, 1)]
    plan = plan_of(*made)
    assert len(plan["routing_keys"]["names"]) == MOST_NAMES
    assert plan["routing_keys"]["others"]["events"] == 300 - MOST_NAMES
    assert [len(each["name"]) for each in plan["services"]["names"]] == [200]
    assert len(plan["first_events"]) == MOST_SHOWN
    assert len(json.dumps(plan)) < 20_000
    assert any("others 288" in line for line in shown(plan, 120))


@pytest.mark.parametrize(
    ("rate", "is_paced", "seconds"),
    [(None, False, None), (10.0, False, 0.3), (None, True, 3.0), (0.5, True, 6.0), (10, True, 3.0)],
)
def test_how_long_it_takes(rate: float | None, seconds: float, *, is_paced: bool) -> None:
    """Each goes when it is due and the rate lets it, whichever is later; else nobody knows."""
    due = (lambda each: (each.received_at - NOON).total_seconds()) if is_paced else None
    assert plan_of(*map(sent, range(1, 5)), rate=rate, due=due)["seconds"] == seconds


def test_the_queues_that_would_get_them() -> None:
    """Each counts for itself; as soon as one can't be told, nothing is said."""
    reached = {1: ["a", "b"], 2: [], 3: ["a"]}
    plan = plan_of(*map(sent, (1, 2, 3)), reach=lambda each: reached.get(each.position))
    queues = {each["name"]: each["events"] for each in plan["queues"]["names"]}
    assert (queues, plan["unreached"]) == ({"a": 2, "b": 1}, 1)
    assert any("a 2, b 1; 1 reach no queue" in line for line in shown(plan))
    plan = plan_of(*map(sent, (1, 4)), reach=lambda each: reached.get(each.position))
    assert (plan["queues"], plan["unreached"]) == (None, None)


@pytest.mark.parametrize("width", [56, 80, 120])
def test_the_plan_fits_and_shows_no_person(width: int) -> None:
    """Long names are broken or masked, controls escaped; the first events have key and id."""
    person = "Zo\u00eb Example\x1b[2J"
    odd = encode({**event(), "service": person})
    plan = plan_of(
        *map(sent, range(1, 25)),
        sent(25, odd, routing_key="k" * 255, message_id=person, is_valid=False),
        left_out={"left_out_key": 3, "left_out": 3, "corrupt": 1, "left_out_time": 0},
        reach=lambda _message: ["queue.of.a.service.with.a.long.name", "another\x07queue"],
    )
    lines = shown(plan, width)
    text = "\n".join(lines)
    # A word that has no room stands alone, so that it can be copied.
    assert [line for line in lines if len(line) > width and " " in line.strip()] == []
    assert "Zo" not in text
    assert not set(text) & {"\x1b", "\x07"}
    assert "3 left out by --key, 1 corrupt" in " ".join(text.split())
    assert text.count("student.created") >= MOST_SHOWN
    assert "12:00:19.000" in text
    person_plan = shown(plan_of(sent(1, message_id=person, routing_key=person)))
    assert "Zo" not in "\n".join(person_plan)
