"""Recordings made for the tests, and `medtrack stats` run on them in this process."""

import json
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from medtrack_cli.core.checked import examine
from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.record import to_record
from tests.builders import NOON, delivery, encode, event
from tests.cli.tool import Ran
from tests.running import run

TYPES = ("student.created", "user.created", "stage.created", "evaluation.created")


stats = partial(run, "stats")


def record_of(found: Ran) -> dict[str, Any]:
    """Give the one object that a run printed, without its exit code."""
    (record,) = found.records
    assert record.pop("exit_code") == found.code
    assert record.pop("kind") == "stats"
    return record


def recording(deliveries: Iterable[Delivery], **form: Any) -> bytes:
    """Write deliveries as `listen -o json` does; `form` is that of json.dumps."""
    lines = []
    for each in deliveries:
        record = to_record(examine(each))
        lines.append(json.dumps(record, **{"separators": (",", ":"), **form}) + "\n")
    return "".join(lines).encode("utf-8", "surrogatepass")


def mixed(source: Random, count: int) -> list[Delivery]:
    """Make deliveries of several types: some invalid, some twice, some no events at all."""
    made: list[Delivery] = []
    moment = NOON
    for number in range(count):
        moment += timedelta(seconds=source.expovariate(2))
        event_type = source.choice(TYPES)
        value = event(event_type) | {"service": f"service-{source.randrange(3)}"}
        if source.random() < 0.2:
            value["payload"].popitem()
        if source.random() < 0.1:
            value["payload"]["né"] = "ü"
        body = source.choice([encode(value)] * 8 + [b"\xff\x00", b"[1]", b"", encode({"a": 1})])
        properties = {"message_id": f"id-{source.randrange(count)}"} if number % 7 else {}
        made.append(
            delivery(
                body,
                received_at=moment,
                routing_key=event_type,
                redelivered=source.random() < 0.1,
                properties=properties,
            )
        )
    return made
