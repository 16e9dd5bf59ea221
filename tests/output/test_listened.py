"""The connection's story in sentences."""

from datetime import UTC, datetime

import pytest

from medtrack_cli.core.ports import Interrupted, Resumed
from medtrack_cli.output.shown.listening import ShownHappening, told

SINCE, UNTIL = datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 1, 1, 10, 0, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("happened", "words"),
    [
        (Interrupted(SINCE, "full"), "events published since 10:00:00Z are missed"),
        (Interrupted(None, "full"), "whether events are missed"),
        (Resumed(SINCE, UNTIL, may_have_missed=True), "2.0 s since 10:00:00Z may be missing"),
        (Resumed(None, UNTIL, may_have_missed=True), "before we listened, may be missing"),
    ],
)
def test_a_start_that_isnt_known_is_not_made_up(
    happened: Interrupted | Resumed, words: str
) -> None:
    """Of what was dropped before we listened no time is told: null in JSON."""
    assert words in told(happened)
    (record,) = ShownHappening(happened).records()
    assert (record["since"] is None) is (happened.since is None)
