"""Delivery: every event of the input gets exactly one receipt, whatever happens."""

from collections.abc import Iterable, Iterator

import pytest

from medtrack_cli.core.connection_settings import ConnectionSettings, Host
from medtrack_cli.core.listening.sources import Tap
from medtrack_cli.core.messages import Message, Outcome, Receipt
from medtrack_cli.core.ports import Publisher, PublishPolicy, Retry, Stop
from medtrack_cli.core.publishing.job import Outgoing, Tally, deliver
from medtrack_cli.errors import (
    BrokerUnreachable,
    ExitCode,
    InputMissing,
    MedtrackError,
    TopologyError,
)
from tests.builders import message
from tests.contracts.fakes import Answer, MemoryBroker

LOST = BrokerUnreachable("connection lost", "memory")
INVALID = Receipt(4, "f", 4, None, None, Outcome.INVALID, "1 finding")


def events(count: int = 6) -> Iterator[Message | Receipt]:
    """Make an input whose fourth event is invalid."""
    for position in range(1, count + 1):
        yield INVALID if position == 4 else message(position)


def publisher(
    answer: Answer | None = None, refuse: MedtrackError | None = None, stop: Stop | None = None
) -> Publisher:
    """Make a publisher whose messages somebody listens to, out of the ordinary as said."""
    broker = MemoryBroker(answer, refuse)
    settings = ConnectionSettings((Host("memory", 0),))
    next(broker.open_consumer(settings, Tap(), print, Stop(), Retry()).deliveries())
    return broker.open_publisher(settings, PublishPolicy(), print, stop or Stop())


def run(
    to: Publisher, outgoing: Iterable[Outgoing], *, again: bool = True
) -> tuple[dict[int, Outcome], MedtrackError | None]:
    """Deliver, and give each position's outcome and the error that ended the run."""
    outcomes: dict[int, Outcome] = {}
    try:
        for receipt in deliver(to, outgoing, events if again else None, Stop()):
            assert receipt.position not in outcomes, "a second receipt"
            outcomes[receipt.position] = receipt.outcome
    except MedtrackError as error:
        return outcomes, error
    return outcomes, None


def test_a_good_run_confirms_all() -> None:
    """Without trouble every valid event is confirmed, the invalid one has its receipt."""
    outcomes, error = run(publisher(), events())
    assert error is None
    assert outcomes == dict.fromkeys([1, 2, 3, 5, 6], Outcome.CONFIRMED) | {4: Outcome.INVALID}


def test_no_connection_leaves_all_unsent() -> None:
    """When the first connection fails, every event of the input is unsent, and the error comes."""
    refused = TopologyError("vhost missing", "memory")
    outcomes, error = run(publisher(refuse=refused), events())
    assert error is refused
    assert outcomes == dict.fromkeys([1, 2, 3, 5, 6], Outcome.UNSENT) | {4: Outcome.INVALID}


@pytest.mark.parametrize("fatal", [1, 2, 3, 5, 6])
def test_a_loss_on_the_way_adds_up(fatal: int) -> None:
    """Lost at any event, the run has one receipt an event: confirmed, unknown, then unsent."""
    to = publisher(lambda each: LOST if each.position == fatal else None)
    outcomes, error = run(to, events())
    assert error is LOST
    expected = {
        position: Outcome.CONFIRMED if position < fatal else Outcome.UNSENT
        for position in range(1, 7)
    }
    assert outcomes == expected | {fatal: Outcome.UNKNOWN, 4: Outcome.INVALID}


def test_an_input_read_once_accounts_for_what_was_read() -> None:
    """What comes from a pipe can't be read again: the receipts are those of the events read."""
    to = publisher(lambda each: LOST if each.position == 3 else None)
    outcomes, error = run(to, events(), again=False)
    assert error is LOST
    assert outcomes == {1: Outcome.CONFIRMED, 2: Outcome.CONFIRMED, 3: Outcome.UNKNOWN}


def test_the_first_cause_is_told() -> None:
    """An input that can't be read a second time, either, doesn't hide why the run ended."""

    def changed() -> Iterator[Message | Receipt]:
        yield message(1)
        raise InputMissing("file changed while it was being read", "f")

    to = publisher(lambda each: LOST if each.position == 1 else None)
    with pytest.raises(BrokerUnreachable):
        list(deliver(to, events(), changed, Stop()))
    with pytest.raises(InputMissing):
        list(deliver(publisher(), changed(), changed, Stop()))


def test_a_signal_after_a_failure_hides_nothing() -> None:
    """Asked to stop while the rest is listed, the run still says why it ended."""
    stop = Stop()
    to = publisher(lambda each: LOST if each.position == 2 else None, stop=stop)
    receipts = deliver(to, events(), events, stop)
    assert next(each for each in receipts if each.outcome is Outcome.UNSENT).position == 3
    stop.request(130)
    with pytest.raises(BrokerUnreachable):
        list(receipts)


def test_a_run_that_was_stopped_accounts_for_the_rest() -> None:
    """Stopped by a signal, the events not come to are unsent, and no error is raised."""
    stop = Stop()

    def answer(each: Message) -> None:
        if each.position == 2:
            stop.request(130)

    outcomes, error = run(publisher(answer, stop=stop), events())
    assert error is None
    assert outcomes[2] is Outcome.CONFIRMED
    assert [outcomes[position] for position in (3, 4, 5, 6)] == [
        *(Outcome.UNSENT, Outcome.INVALID, Outcome.UNSENT, Outcome.UNSENT)
    ]


def test_an_unsent_event_says_why() -> None:
    """The reason of an unsent event is what ended the run."""
    receipts = list(until_error(deliver(publisher(refuse=LOST), events(), events, Stop())))
    assert {each.reason for each in receipts if each.outcome is Outcome.UNSENT} == {
        "connection lost"
    }


def until_error(receipts: Iterator[Receipt]) -> Iterator[Receipt]:
    """Give the receipts that come before the error."""
    try:
        yield from receipts
    except MedtrackError:
        return


@pytest.mark.parametrize(
    ("outcomes", "lenient", "expected"),
    [
        ([], False, ExitCode.DONE),
        ([Outcome.CONFIRMED], False, ExitCode.DONE),
        ([Outcome.CONFIRMED, Outcome.UNROUTABLE], False, ExitCode.VERDICT_NO),
        ([Outcome.CONFIRMED, Outcome.UNROUTABLE], True, ExitCode.DONE),
        ([Outcome.CONFIRMED, Outcome.UNKNOWN], True, ExitCode.VERDICT_NO),
        ([Outcome.INVALID], True, ExitCode.VERDICT_NO),
        ([Outcome.UNSENT], True, ExitCode.VERDICT_NO),
        ([Outcome.REFUSED], True, ExitCode.VERDICT_NO),
    ],
)
def test_the_exit_code_is_0_only_when_all_is_done(
    outcomes: list[Outcome], expected: ExitCode, *, lenient: bool
) -> None:
    """A tally comes to 0 exactly when every event is confirmed, or unroutable where allowed."""
    tally = Tally(unroutable_is_done=lenient)
    for position, outcome in enumerate(outcomes, 1):
        tally.add(message(position).receipt(outcome))
    assert tally.total == len(outcomes)
    assert tally.exit_code is expected
