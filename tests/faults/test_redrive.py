"""`medtrack replay --from-queue`: dead letters go home, and nothing is lost on the way."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest

from medtrack_cli.private_broker import PrivateBroker
from medtrack_cli.world import SystemClock
from tests.broker.witness import client
from tests.builders import encode, event
from tests.cli.pty_run import answering
from tests.cli.tool import Ran, Tool
from tests.faults.letters import Morgue, ids_in, morgue, quorum
from tests.faults.permissions import account
from tests.faults.versions import is_from_4_3
from tests.running import run_json

Redrive = Callable[..., Ran]


@pytest.fixture
def redrive(fragile_broker: PrivateBroker, tmp_path: Path) -> Redrive:
    """Give what runs `replay --from-queue` on the broker."""
    environ = {"MEDTRACK_MANAGEMENT_URL": fragile_broker.web_address}

    def run(queue: str, *options: str, url: str = fragile_broker.amqp_url) -> Ran:
        given = {**environ, "MEDTRACK_URL": url}
        return run_json(
            *("replay", "--from-queue", queue, *options), folder=tmp_path, environ=given
        )

    return run


@pytest.fixture(params=[{}, quorum(None), quorum(2)], ids=["classic", "quorum", "limit 2"])
def dead(request: pytest.FixtureRequest, fragile_broker: PrivateBroker) -> Iterator[Morgue]:
    """Give two queues, and one for what dies in them."""
    with morgue(fragile_broker.amqp_url, 2, request.param) as made:
        yield made


def counts(ran: Ran) -> dict[str, Any]:
    """Give the numbers of the summary that aren't 0."""
    names = ("kind", "profile", "broker", "exchange", "seconds", "exit_code", "run")
    return {name: each for name, each in ran.summary.items() if each and name not in names}


def test_a_look_a_choice_and_the_rest(redrive: Redrive, dead: Morgue) -> None:
    """Three runs, one after the other: each letter goes to the queue it died in, and only once."""
    ids = dead.kill(150)
    dry = redrive(dead.dead, "--dry-run")
    assert (dry.code, dry.summary["would_send"]) == (0, 300), dry.err
    (plan,) = dry.of_kind("plan")
    causes = [
        (each["queue"], each["reason"], each["event_type"], each["valid"], each["messages"])
        for each in plan["deaths"]["causes"]
    ]
    assert sorted(causes) == [
        (each, "rejected", "student.deleted", True, 150) for each in dead.origins
    ]
    assert plan["deaths"]["causes"][0]["message_ids"] == ids[:3]
    assert [each["events"] for each in plan["queues"]["names"]] == [150, 150]
    dead.await_depth(dead.dead, 300)
    one = redrive(dead.dead, "--yes", "--died-in", dead.origins[0])
    assert counts(one) == {
        "total": 150,
        "confirmed": 150,
        "left_out_died_in": 150,
        "left_out": 150,
        "seen": 300,
        "redriven": 150,
        "left": 150,
    }
    dead.await_depth(dead.dead, 150)
    rest = redrive(dead.dead, "--yes")
    assert counts(rest) == {"total": 150, "confirmed": 150, "seen": 150, "redriven": 150}
    assert (one.code, rest.code) == (0, 0)
    assert [sorted(ids_in(dead.channel, each)) for each in dead.origins] == [sorted(ids)] * 2
    dead.await_depth(dead.dead, 0)


def test_it_asks(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """Without a person, and without --yes, nothing is read."""
    with morgue(fragile_broker.amqp_url) as dead:
        dead.kill(1)
        ran = redrive(dead.dead)
        assert (ran.code, ran.out) == (2, "")
        assert "needs a yes" in ran.err
        method, *_ = dead.channel.basic_get(dead.dead)
        assert method is not None
        assert method.redelivered is is_from_4_3(fragile_broker)  # from where it died


def test_a_protected_source_is_asked_for_by_its_name(
    fragile_broker: PrivateBroker, tmp_path: Path
) -> None:
    """Taking messages out of it changes it, wherever they are sent."""
    with morgue(fragile_broker.amqp_url) as dead, Tool(tmp_path) as tool:
        dead.kill(1)
        broker = {
            "url": fragile_broker.amqp_url.replace(":password", ""),
            "management_url": fragile_broker.web_address,
        }
        login = {"MEDTRACK_PASSWORD": "password"}
        profiles = {"live": {**broker, "protected": True}, "lab": broker}
        file = tool.write("both.yaml", json.dumps({"profiles": profiles}))
        run = ("replay", "--config", file, "--profile", "live", "--to-profile", "lab")
        for answer, code in ((b"y\n", 2), (b"live\n", 0)):
            queue = ("--from-queue", dead.dead)
            assert answering(tool, (*run, *queue), login, b"1 waiting", answer)[0] == code
        dead.await_depth(dead.origins[0], 1)


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ([], (True, False, False)),
        (["--to", "exchange"], (True, True, False)),
        (["--to-queue", "ELSEWHERE"], (False, False, True)),
    ],
    ids=["queue", "exchange", "another queue"],
)
def test_a_letter_reaches_whom_it_is_sent_to(
    redrive: Redrive,
    fragile_broker: PrivateBroker,
    options: list[str],
    reached: tuple[bool, bool, bool],
) -> None:
    """By default the one queue; to the exchange, as first published, all that are bound there."""
    with morgue(fragile_broker.amqp_url) as dead, morgue(fragile_broker.amqp_url) as other:
        dead.kill(2)
        dead.channel.queue_purge(other.origins[0])
        options = [other.dead if each == "ELSEWHERE" else each for each in options]
        ran = redrive(dead.dead, "--yes", *options)
        assert ran.code == 0, ran.err
        depths = [dead.depth(each) for each in (dead.origins[0], other.origins[0], other.dead)]
        assert depths == [2 * each for each in reached]
        keys = {each["routing_key"] for each in ran.of_kind("receipt")}
        expected = "student.deleted" if reached[1] else (dead.origins[0], other.dead)[reached[2]]
        assert keys == {expected}


def test_a_typed_exchange_wins(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """It is where letters go, instead of the one they were first published to, as the plan says."""
    with morgue(fragile_broker.amqp_url) as dead:
        dead.kill(2)
        other = f"{dead.dead}.other"
        dead.channel.exchange_declare(other, "topic", auto_delete=True)
        dead.channel.queue_declare(other)
        dead.channel.queue_bind(other, other, "student.deleted")
        options = ("--to", "exchange", "--exchange", other)
        (plan,) = redrive(dead.dead, "--dry-run", *options).of_kind("plan")
        assert (plan["exchange"], [each["name"] for each in plan["queues"]["names"]]) == (
            other,
            [other],
        )
        assert redrive(dead.dead, "--yes", *options).code == 0
        assert (dead.depth(other), dead.depth(dead.origins[0])) == (2, 0)
        dead.channel.queue_delete(other)


def test_a_limit_ends_the_reading(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """Nothing is delivered that can't be sent any more, save what came together."""
    has_count = is_from_4_3(fragile_broker)  # of its death
    with morgue(fragile_broker.amqp_url, 1, quorum(1 + has_count)) as dead:
        dead.kill(100)
        ran = redrive(dead.dead, "--yes", "--limit", "3")
        assert counts(ran) == {"total": 3, "confirmed": 3, "seen": 5, "redriven": 3, "left": 2}
        dead.await_depth(dead.dead, 97)


class Hasty(SystemClock):
    """Time in which a minute passes each time somebody looks."""

    minutes = 0

    def monotonic(self) -> float:
        self.minutes += 1
        return self.minutes * 60.0


def test_a_run_that_time_ends_says_so(fragile_broker: PrivateBroker, tmp_path: Path) -> None:
    """A dry run, too, ends with 1: its plan is of a part."""
    environ = {
        "MEDTRACK_URL": fragile_broker.amqp_url,
        "MEDTRACK_MANAGEMENT_URL": fragile_broker.web_address,
    }
    with morgue(fragile_broker.amqp_url) as dead:
        dead.kill(100)
        run = ("replay", "--from-queue", dead.dead)
        dry = run_json(*run, "--dry-run", folder=tmp_path, environ=environ, clock=Hasty())
        assert (dry.code, dry.summary["exit_code"]) == (1, 1)
        assert 0 < dry.summary["would_send"] < 100
        assert "20 minutes have passed: the plan is of the first" in dry.err
        dead.await_depth(dead.dead, 100)
        ran = run_json(*run, "--yes", folder=tmp_path, environ=environ, clock=Hasty())
        assert (ran.code, ran.summary["exit_code"]) == (1, 1)
        assert "the same command goes on" in ran.err
        dead.await_depth(dead.dead, 100 - ran.summary["redriven"])


def test_what_is_refused_stays(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """A queue that is full and refuses: the letter isn't let go, and counts as left."""
    with morgue(fragile_broker.amqp_url) as dead:
        dead.kill(3)
        full = f"{dead.dead}.full"
        arguments = {"x-max-length": 1, "x-overflow": "reject-publish"}
        dead.channel.queue_declare(full, durable=True, arguments=arguments)
        ran = redrive(dead.dead, "--yes", "--to-queue", full, "--retry-for", "0.5")
        assert ran.code == 1
        assert (ran.summary["confirmed"], ran.summary["refused"]) == (1, 2)
        assert (ran.summary["redriven"], ran.summary["left"]) == (1, 2)
        dead.await_depth(dead.dead, 2)
        dead.channel.queue_delete(full)


def test_an_unroutable_letter_stays(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """The queue it died in is gone: nothing is lost."""
    with morgue(fragile_broker.amqp_url) as dead:
        dead.kill(2)
        dead.channel.queue_delete(dead.origins[0])
        ran = redrive(dead.dead, "--yes")
        assert (ran.code, ran.summary["unroutable"], ran.summary["left"]) == (1, 2, 2)
        reasons = {each["reason"] for each in ran.of_kind("receipt")}
        assert reasons == {"there is no queue of this name"}
        assert "medtrack listen" not in ran.err
        dead.await_depth(dead.dead, 2)


def test_what_comes_back_too_often_stays(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """Each run counts in a header; at the most it is left, and counted as quarantined."""
    with morgue(fragile_broker.amqp_url) as dead:
        dead.kill(1)
        for number in (1, 2):
            assert redrive(dead.dead, "--yes", "--max-redrives", "2").summary["redriven"] == 1
            assert dead.reject(dead.origins[0]).headers["x-medtrack-redrives"] == number  # type: ignore[index]
            dead.await_depth(dead.dead, 1)
        ran = redrive(dead.dead, "--yes", "--max-redrives", "2")
        assert counts(ran) == {"quarantined": 1, "seen": 1, "left": 1}
        dead.await_depth(dead.dead, 1)


def test_a_right_that_lacks_is_named(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """A queue is reached by the default exchange, which the hint names; nothing is lost."""
    with morgue(fragile_broker.amqp_url) as dead, account(fragile_broker, "management") as user:
        dead.kill(2)
        user.may(read="^$")
        assert redrive(dead.dead, "--yes", url=user.url).code == 77
        user.may(write="^$")
        ran = redrive(dead.dead, "--yes", url=user.url)
        assert (ran.code, ran.summary["seen"], ran.summary["left"]) == (77, 2, 2)
        assert f"{user.name} '^$' '^amq\\\\.default$' '^$'" in ran.err
        user.may(write="^amq\\.default$")
        assert redrive(dead.dead, "--yes", url=user.url).summary["redriven"] == 2


def test_without_the_management_api_nothing_is_read(
    redrive: Redrive, fragile_broker: PrivateBroker
) -> None:
    """What a delivery costs isn't known then; the hint says what goes on all the same."""
    with morgue(fragile_broker.amqp_url) as dead, account(fragile_broker) as user:
        dead.kill(1)
        user.may()
        ran = redrive(dead.dead, "--yes", url=user.url)
        assert (ran.code, ran.out) == (77, "")
        assert "--spend-deliveries" in ran.err
        assert redrive(dead.dead, "--yes", "--spend-deliveries", url=user.url).code == 0


BAD_DEATHS: list[Any] = [
    None,
    "rejected",
    [],
    ["rejected"],
    [{"queue": 7, "reason": "rejected"}],
    [{"queue": "", "reason": "rejected"}],
    [{"reason": "rejected"}],
]


def test_what_tells_no_death_stays(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """Without x-death, or with one that can't be read, a message is left and counted."""
    with morgue(fragile_broker.amqp_url) as dead:
        for death in BAD_DEATHS:
            headers = {} if death is None else {"x-death": death}
            properties = pika.BasicProperties(headers=headers)
            dead.channel.basic_publish("", dead.dead, b"{}", properties)
        ran = redrive(dead.dead, "--yes")
        assert counts(ran) == {"no_death": 7, "seen": 7, "left": 7}
        dead.await_depth(dead.dead, 7)


def test_invalid_letters_stay_and_originals_are_kept(
    redrive: Redrive, fragile_broker: PrivateBroker, tmp_path: Path
) -> None:
    """An invalid event would die again; --record keeps what is sent as it was."""
    with morgue(fragile_broker.amqp_url) as dead:
        dead.kill(1)
        dead.channel.basic_publish("medtrack.events", "student.deleted", b"{}")
        dead.reject(dead.origins[0])
        dead.await_depth(dead.dead, 2)
        ran = redrive(dead.dead, "--yes", "--record", str(tmp_path / "kept.ndjson"))
        assert counts(ran) == {
            "total": 1,
            "confirmed": 1,
            "invalid_skipped": 1,
            "seen": 2,
            "redriven": 1,
            "left": 1,
        }
        (kept,) = map(json.loads, (tmp_path / "kept.ndjson").read_text().splitlines()[1:])
        assert kept["routing_key"] == dead.dead
        assert kept["headers"]["x-first-death-queue"] == dead.origins[0]


def test_set_mends_invalid_letters(
    redrive: Redrive, fragile_broker: PrivateBroker, tmp_path: Path
) -> None:
    """What is set is judged: one that it makes valid goes home, one that it doesn't stays."""
    with morgue(fragile_broker.amqp_url) as dead:
        good, bad = event("student.created"), event("student.created")
        del good["payload"]["email"]
        bad["payload"]["cin"] = ""
        for body in (encode(good), encode(bad), b"[1]", b"no JSON"):
            dead.channel.basic_publish("medtrack.events", "student.created", body)
            dead.reject(dead.origins[0])
        dead.await_depth(dead.dead, 4)
        kept = tmp_path / "kept.ndjson"
        options = ("--set", "payload.email=a@example.org", "--record", str(kept))
        ran = redrive(dead.dead, "--yes", *options)
        assert counts(ran) == {
            "total": 4,
            "confirmed": 1,
            "invalid": 3,
            "seen": 4,
            "redriven": 1,
            "left": 3,
        }
        reasons = [each["reason"] for each in ran.of_kind("receipt") if each["reason"]]
        assert reasons[0].endswith("once it is changed")
        *_, mended = dead.channel.basic_get(dead.origins[0])
        assert json.loads(mended or b"")["payload"]["email"] == "a@example.org"
        (original,) = map(json.loads, kept.read_text().splitlines()[1:])
        assert original["body"] == good


def test_no_delivery_left(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """A run that would put messages back refuses; a yes to that copies what stays, and loses none.

    A run that sends all goes on.
    """
    if is_from_4_3(fragile_broker):
        pytest.skip("RabbitMQ 4.3 counts no message that is put back")
    with morgue(fragile_broker.amqp_url, 1, quorum(1)) as dead:
        dead.kill(3)
        assert redrive(dead.dead, "--dry-run").code == 0
        dead.await_depth(dead.dead, 3)
        ran = redrive(dead.dead, "--dry-run")
        assert ran.code == 2
        assert "no delivery left of the 1" in ran.err
        dead.await_depth(dead.dead, 3)
        ran = redrive(dead.dead, "--yes", "--spend-deliveries", "--id", "m-2")
        assert (ran.code, ran.summary["redriven"], ran.summary["left"]) == (0, 1, 2)
        dead.await_depth(dead.dead, 2)
        assert redrive(dead.dead, "--yes").summary["redriven"] == 2
        assert sorted(ids_in(dead.channel, dead.origins[0])) == ["m-1", "m-2", "m-3"]


def test_only_what_was_there_is_handled(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """What dies while the run is on waits for the next, though it would be delivered."""
    with morgue(fragile_broker.amqp_url) as dead, client(fragile_broker.amqp_url) as channel:
        dead.kill(5)
        # Sent to itself, each letter is one that arrives while the run is on.
        alias = f"{dead.dead}.alias"
        channel.exchange_declare(alias, "fanout", auto_delete=True)
        channel.queue_bind(dead.dead, alias)
        channel.queue_declare(
            f"{alias}.q",
            durable=True,
            arguments={"x-dead-letter-exchange": alias, "x-message-ttl": 0},
        )
        ran = redrive(dead.dead, "--yes", "--to-queue", f"{alias}.q")
        channel.queue_delete(f"{alias}.q")
        assert (ran.summary["seen"], ran.summary["redriven"]) == (5, 5)
        assert ran.summary["arrived_since"] == 5
        dead.await_depth(dead.dead, 5)


def test_what_comes_back_first_waits(redrive: Redrive, fragile_broker: PrivateBroker) -> None:
    """A queue of priorities gives what died again before what is older: no run handles it twice."""
    with morgue(fragile_broker.amqp_url, 1, {"x-max-priority": 5}) as dead:
        again = f"{dead.dead}.again"
        dies = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead.dead}
        dead.channel.queue_declare(again, arguments={**dies, "x-message-ttl": 0})
        dead.channel.queue_bind(again, "medtrack.events", "student.created")
        for number in range(50):
            properties = pika.BasicProperties(message_id=f"m-{number}", priority=number % 5)
            body = encode(event("student.created"))
            dead.channel.basic_publish("medtrack.events", "student.created", body, properties)
        dead.channel.queue_purge(dead.origins[0])
        dead.await_depth(dead.dead, 50)
        ran = redrive(dead.dead, "--yes")
        dead.channel.queue_delete(again)
        assert (ran.summary["seen"], ran.summary["redriven"]) == (50, 50)
        assert ran.summary["arrived_since"] == 50
        assert len({each["message_id"] for each in ran.of_kind("receipt")}) == 50


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--from-queue", "nobody", "--dry-run"], "is missing"),
        (["--from-queue", "q", "morning.ndjson"], "--from-queue goes without a SOURCE"),
        (["--from-queue", "q", "--to", "queue", "--to-queue", "p"], "goes without --to"),
        (["--from-queue", "q", "--to-queue", "q"], "names the queue itself"),
        (["--from-queue", "q", "--key-prefix", "x."], "keys that an exchange sees"),
        (["--from-queue", "q", "--exchange", "x"], "of what goes to one"),
        (["morning.ndjson", "--died-in", "q"], "--died-in goes with --from-queue"),
        ([], "nothing to replay"),
    ],
)
def test_what_makes_no_sense_is_refused(
    fragile_broker: PrivateBroker, tmp_path: Path, options: list[str], says: str
) -> None:
    """Nothing is asked and nothing is read."""
    ran = run_json(
        "replay", *options, folder=tmp_path, environ={"MEDTRACK_URL": fragile_broker.amqp_url}
    )
    assert ran.code == (76 if "nobody" in options else 2)
    assert says in ran.err
