"""Which recorded deliveries are chosen, and what each of the others is counted under."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from medtrack_cli.core.choices import Invalid
from medtrack_cli.core.conditions import Answer
from medtrack_cli.core.publishing.recorded import Recorded
from medtrack_cli.core.publishing.replay import Replay, messages
from medtrack_cli.core.publishing.selection import Selection
from medtrack_cli.core.times import TimeRange
from tests.builders import NOON, delivery, encode, event

STUDENT = event()["payload"]["student_id"]
EVENTS = ("student.created", "stage.created", "evaluation.created", "user.created")


def chosen(selection: Selection, **changes: Any) -> tuple[list[int], dict[str, int]]:
    """Give the lines that are sent of four events, and one that is no event; count the others."""
    deliveries = [
        delivery(
            encode(event(name)),
            routing_key=name,
            received_at=NOON + timedelta(minutes=number),
            properties={"message_id": f"m-{number}"},
        )
        for number, name in enumerate(EVENTS, 1)
    ]
    deliveries.append(delivery(b"[1]", received_at=NOON + timedelta(minutes=5)))
    recorded = [Recorded("r", line, each) for line, each in enumerate(deliveries, 1)]
    replay = Replay("run", UUID(int=1), selection, **changes)
    omitted: Counter[str] = Counter()
    return [each.line for each in messages(recorded, replay, omitted)], dict(omitted)


def score(names: Mapping[str, Any]) -> Answer:
    """Ask for a score, which one event of all has."""
    value = (names["event"] or {}).get("payload", {}).get("score") if names["valid"] else None
    return Answer.UNEVALUABLE if value is None else Answer.YES


@pytest.mark.parametrize(
    ("selection", "lines", "left_out"),
    [
        (Selection(), [1, 2, 3, 4, 5], {}),
        (Selection(TimeRange(NOON + timedelta(minutes=4))), [4, 5], {"left_out_time": 3}),
        (Selection(keys=("stage.#", "user.*")), [2, 4], {"left_out_key": 3}),
        (Selection(excluded_keys=("*.created",)), [], {"left_out_exclude_key": 5}),
        (Selection(types=("user.created",)), [4], {"left_out_type": 4}),
        (Selection(services=("nobody",)), [], {"left_out_service": 5}),
        (Selection(services=(event()["service"],)), [1, 4], {"left_out_service": 3}),
        (Selection(ids=("m-3",)), [3], {"left_out_id": 4}),
        (Selection(ids=(STUDENT,)), [1, 2, 3], {"left_out_id": 2}),
        (Selection(condition=score), [3], {"unevaluable": 4}),
        (Selection(condition=lambda _names: Answer.NO), [], {"left_out_where": 5}),
        (Selection(limit=2), [1, 2], {"left_out_limit": 3}),
    ],
)
def test_each_condition_leaves_out_and_counts(
    selection: Selection, lines: list[int], left_out: dict[str, int]
) -> None:
    """What a condition leaves out is counted under its name, and in the sum of all."""
    total = {"left_out": sum(left_out.values())} if left_out else {}
    assert chosen(selection) == (lines, left_out | total)


def test_conditions_are_asked_one_after_the_other() -> None:
    """A delivery is counted once, under the first condition that it fails; the limit is last."""
    selection = Selection(
        keys=("*.created",), excluded_keys=("user.*",), types=EVENTS, limit=1, invalid=Invalid.SKIP
    )
    assert chosen(selection) == (
        [1],
        {"left_out_exclude_key": 1, "left_out_type": 1, "left_out_limit": 2, "left_out": 4},
    )


def test_a_limit_ends_what_can_be_read_once() -> None:
    """After the last one that is wanted nothing is waited for, nor counted."""
    assert chosen(Selection(limit=2), ends_at_limit=True) == ([1, 2], {})


def test_invalid_ones_that_are_skipped_are_no_choice() -> None:
    """What `--invalid skip` leaves out is counted by its name alone."""
    assert chosen(Selection(invalid=Invalid.SKIP)) == ([1, 2, 3, 4], {"invalid_skipped": 1})
