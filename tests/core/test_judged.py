"""What a first reading has judged is sent by its verdict only if it is the same, byte for byte."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from medtrack_cli.core.items import Item
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.publishing.job import Pass
from medtrack_cli.core.publishing.judged import Judged
from medtrack_cli.core.publishing.plan import Plan, making
from medtrack_cli.events.check import Verdict
from medtrack_cli.events.registry import built_in
from tests.builders import encode, event
from tests.core.test_replay import RUN
from tests.core.values import Read

CREATED = encode(event("student.created"))
DELETED = encode(event("student.deleted"))
BAD = CREATED.replace(b"student_id", b"student_nr")
EMITTED = encode(event("stage.completed"))


def messages_of(first: list[bytes], then: list[bytes]) -> list[Message | Receipt]:
    """Check lines, then make the messages of what is there the second time."""
    skipped = list[bytes]()
    lines = iter([first, then])

    def read(skip: Callable[[bytes, int], bool] | None) -> Iterator[Item]:
        for number, body in enumerate(next(lines), 1):
            if skip is not None and skip(body + b" \r\n", number):
                skipped.append(body)
            else:
                yield Read(body, line=number)

    make = making(read, Plan(RUN, keep_going=True))
    assert not [each for each in make(Pass.CHECK, Counter()) if isinstance(each, Message)]
    assert skipped == first
    return list(make(Pass.SEND, Counter()))


def test_the_same_lines_have_their_types() -> None:
    """Every line that was checked becomes the message of its own type."""
    bodies = [CREATED, DELETED, EMITTED, CREATED, DELETED]
    made = messages_of(bodies, bodies)
    assert [each.routing_key for each in made] == [
        *("student.created", "student.deleted", "stage.completed"),
        *("student.created", "student.deleted"),
    ]
    assert [each.body for each in made if isinstance(each, Message)] == bodies


@pytest.mark.parametrize(
    "then",
    [[CREATED, BAD, DELETED], [BAD, CREATED, DELETED, DELETED], [CREATED, CREATED, BAD]],
    ids=["changed", "inserted", "swapped"],
)
def test_a_changed_line_is_judged_again(then: list[bytes]) -> None:
    """An event that wasn't there when all were checked is judged, and an invalid one isn't sent."""
    made = messages_of([CREATED, DELETED, DELETED], then)
    invalid = [isinstance(each, Receipt) and each.outcome is Outcome.INVALID for each in made]
    assert invalid == [body is BAD for body in then]
    keys = {CREATED: "student.created", DELETED: "student.deleted"}
    sent = [each for each in made if isinstance(each, Message)]
    assert [each.routing_key for each in sent] == [keys[each.body] for each in sent]


def test_only_so_many_are_kept() -> None:
    """Beyond the bound nothing is kept, and all are judged."""
    memory = Judged(built_in(), most=2)
    first = memory.first()
    for _ in range(3):
        assert first(DELETED) == Verdict("student.deleted")
    again = memory.again()
    assert [again(DELETED) for _ in range(3)] == [Verdict("student.deleted")] * 3
    assert again(BAD) is None
