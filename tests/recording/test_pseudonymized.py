"""Recordings without real persons, and those of protected brokers: who gets what."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from medtrack_cli.core.delivery import Delivery
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.publishing.fakes import NAMES
from medtrack_cli.core.publishing.origin import Origin
from medtrack_cli.core.publishing.pseudonyms import Pseudonymizer
from medtrack_cli.core.publishing.recorded import recorded
from medtrack_cli.core.publishing.replay import RealPersons, Replay, messages
from medtrack_cli.core.publishing.rewrite import Rewrite
from medtrack_cli.core.publishing.selection import Selection
from medtrack_cli.errors import CannotCreate
from medtrack_cli.events.registry import built_in
from medtrack_cli.private_broker import EXCHANGE
from tests.broker.witness import Witness, client
from tests.builders import NOON, encode, event
from tests.cli.tool import Tool
from tests.core.persons import events_of, person, received
from tests.core.test_pseudonyms import texts_of
from tests.recording.recorded import items, record

SOMEONE = person(3)
KEY = "a key for tests, long enough"
WARD = Origin("rabbit.ward.example:5671", "ward", "medtrack.events", is_protected=True)
HERE = Origin("localhost:5672", "/", "medtrack.events")
RUN = UUID("12345678-1234-5678-1234-567812345678")


def fakes() -> Pseudonymizer:
    """Make what replaces persons."""
    return Pseudonymizer(KEY.encode(), built_in())


def all_types(**changes: Any) -> list[Delivery]:
    """Give an event of each built-in type, and one that can't be pseudonymized."""
    valid = [received(each, **changes) for each in events_of(SOMEONE)][:-1]
    odd = {**event(), "payload": {**event()["payload"], "email": SOMEONE.first_name}}
    return [*valid, received(odd)]


def test_a_recording_without_real_persons(tmp_path: Path) -> None:
    """Nobody is in it, its header says so, what wasn't sure isn't written, and that is said."""
    path = tmp_path / "r.ndjson"
    origin = WARD._replace(is_pseudonymized=True)
    said = record(path, all_types(), origin=origin, pseudonymizer=fakes())
    assert said == [f"recorded 8 events to {path}; left out 1 not pseudonymized"]
    text = path.read_text("utf-8").casefold()
    assert [form for form in SOMEONE.forms if form in text] == []
    assert json.loads(text.splitlines()[0])["pseudonymized"] is True
    assert all(json.loads(line).get("valid", True) for line in text.splitlines())
    assert made(path) == {"sent": 8}, "a protected broker's fakes may go anywhere"


def test_real_persons_and_fakes_are_kept_apart(tmp_path: Path) -> None:
    """Neither is added to a recording of the other; not a byte of it changes."""
    real, fake = tmp_path / "real.ndjson", tmp_path / "fake.ndjson"
    with_fakes: dict[str, Any] = {
        "origin": HERE._replace(is_pseudonymized=True),
        "pseudonymizer": fakes(),
    }
    record(real, all_types(), origin=HERE)
    record(fake, all_types(), **with_fakes)
    held = real.read_bytes(), fake.read_bytes()
    with pytest.raises(CannotCreate, match="may hold real persons"):
        record(real, [], **with_fakes)
    with pytest.raises(CannotCreate, match="made-up persons"):
        record(fake, [], origin=HERE)
    assert (real.read_bytes(), fake.read_bytes()) == held
    record(fake, all_types(), **with_fakes)


def made(path: Path, target: Origin | None = HERE, **asked: Any) -> dict[str, int]:
    """Count what a replay makes of a recording, until it is refused."""
    omitted: Counter[str] = Counter()
    selection = Selection(**asked.pop("choosing", {}))
    replay = Replay("r", RUN, selection, target=target, keep_going=True, **asked)
    for each in messages(recorded(items(path), NOON), replay, omitted):
        omitted["sent" if isinstance(each, Message) else each.outcome] += 1
    return dict(omitted)


def test_persons_of_a_protected_broker_stay_there(tmp_path: Path) -> None:
    """Into another place none is sent unless that is typed; what is of nobody may go."""
    path = tmp_path / "r.ndjson"
    record(path, all_types(), origin=WARD)
    for target in (HERE, WARD._replace(vhost="test"), WARD._replace(exchange="test")):
        with pytest.raises(RealPersons) as refused:
            made(path, target)
        assert "--pseudonymize" in refused.value.hint
        assert "--real-persons" in refused.value.hint
    assert made(path, WARD) == {"sent": 9}
    assert made(path, None) == {"sent": 9}
    fake = Rewrite(pseudonymizer=fakes())
    assert made(path, None, rewrite=fake) == {"sent": 8, "not_pseudonymized": 1}
    of_nobody = {"types": ("stage.created", "student.updated")}
    assert made(path, choosing=of_nobody) == {"sent": 2, "left_out": 7, "left_out_type": 7}


def test_what_is_no_event_may_be_anybodys(tmp_path: Path) -> None:
    """Of a protected broker, a body that nobody can read isn't sent elsewhere either."""
    path = tmp_path / "r.ndjson"
    record(path, [received(b'{"event_type":"nobody.knows"}')], origin=WARD)
    with pytest.raises(RealPersons):
        made(path)


@pytest.mark.parametrize("origin", [HERE, None])
def test_other_recordings_are_sent_unasked(tmp_path: Path, origin: Origin | None) -> None:
    """One of a broker that isn't protected, and one whose header doesn't tell."""
    path = tmp_path / "r.ndjson"
    record(path, all_types(), origin=origin)
    assert made(path, WARD) == {"sent": 9}


def test_receipts_have_nobodys_ids(tmp_path: Path) -> None:
    """What a change makes invalid has the id that it would have been sent with."""
    path = tmp_path / "r.ndjson"
    student = event()["payload"]["student_id"]
    record(path, [received(event(), properties={"message_id": student})])
    maker = Pseudonymizer(KEY.encode(), built_in(), maps_ids=True)
    rewrite = Rewrite(pseudonymizer=maker, settings=((("payload", "cin"), "?"),))
    replay = Replay("r", RUN, rewrite=rewrite)
    (receipt,) = messages(recorded(items(path), NOON), replay, Counter())
    assert isinstance(receipt, Receipt)
    assert receipt.message_id not in {None, student}


def test_the_command_line(tool: Tool) -> None:
    """Both ways out of the refusal; a key that is too short is 78, a contradiction is 2."""
    record(tool.folder / "r.ndjson", all_types(), origin=WARD)
    replay = ("replay", "r.ndjson", "--dry-run", "-o", "json")
    refused = tool.run(*replay)
    assert (refused.code, "--real-persons" in refused.err) == (2, True), refused.err
    assert SOMEONE.email not in refused.out + refused.err
    assert tool.run(*replay, "--real-persons").summary["would_send"] == 9
    ran = tool.run(*replay, "--pseudonymize", "-v", MEDTRACK_PSEUDONYM_KEY=KEY)
    assert (ran.code, ran.summary["not_pseudonymized"]) == (0, 1), ran.err
    told = (ran.out + ran.err).casefold()
    assert [form for form in SOMEONE.forms if form in told] == []
    assert KEY not in told
    ran = tool.run(*replay, "--pseudonymize", MEDTRACK_PSEUDONYM_KEY="fifteen bytes .")
    assert (ran.code, "16" in ran.err) == (78, True), ran.err
    ran = tool.run(*replay, "--pseudonymize-ids")
    assert (ran.code, "goes with --pseudonymize" in ran.err) == (2, True), ran.err
    ran = tool.run("listen", "--pseudonymize")
    assert (ran.code, "--record FILE" in ran.err) == (2, True), ran.err


def test_recorded_and_sent_without_real_persons(connected: Tool, witness: Witness) -> None:
    """On a real broker: recorded as they come, and replayed from a recording of real ones."""
    real = [encode(each) for each in events_of(SOMEONE)][:-1]
    connected.write("real.ndjson", b"\n".join(real))
    running = connected.start(
        *("listen", "-o", "json", "--count", "8", "--record", "fake.ndjson", "--pseudonymize"),
        MEDTRACK_PSEUDONYM_KEY=KEY,
    )
    running.await_text('"listening"')
    assert connected.run("publish", "-f", "real.ndjson").code == 0
    ran = running.end()
    assert ran.code == 0, ran.err
    assert SOMEONE.email in ran.out, "what is shown stays"
    header, *lines = (connected.folder / "fake.ndjson").read_text("utf-8").splitlines()
    assert json.loads(header)["pseudonymized"] is True
    witness.take()
    ran = connected.run(
        *("replay", "real.ndjson", "--speed", "max", "--pseudonymize", "-v"),
        MEDTRACK_PSEUDONYM_KEY=KEY,
    )
    assert ran.code == 0, ran.err
    held = [each.body for each in witness.take()]
    assert [json.loads(each) for each in held] == [json.loads(line)["body"] for line in lines]
    told = "\n".join([ran.out, ran.err, *lines, *map(bytes.decode, held)]).casefold()
    assert [form for form in SOMEONE.forms if form in told] == []
    assert {*texts_of([json.loads(each) for each in held])}.isdisjoint(SOMEONE)


@pytest.mark.long
def test_a_thousand_persons_leave_no_trace(connected: Tool, witness: Witness) -> None:
    """None of their values, in any form, is in what is sent, printed or kept of the run."""
    persons = [person(number) for number in range(1000)]
    events = [each for someone in persons for each in [*events_of(someone)][:-1]]
    record(connected.folder / "r.ndjson", map(received, events), origin=WARD)
    options = ("--speed", "max", "--pseudonymize", "-v", "-o", "json")
    planned = connected.run("replay", "r.ndjson", *options, "--dry-run", seconds=300)
    ran = connected.run("replay", "r.ndjson", *options, "--name", "fakes", seconds=300)
    assert (ran.code, ran.summary["confirmed"]) == (0, len(events)), ran.err
    held = witness.take()
    assert len(held) == len(events)
    around = [f"{each.routing_key} {each.properties}" for each in held]
    texts = {
        "bodies": "\n".join(each.body.decode() for each in held),
        "properties": "\n".join(around),
        "plan": planned.out + planned.err,
        "receipts": ran.out,
        "log": ran.err,
        "state": "\n".join(
            path.read_text("utf-8", "replace")
            for path in (connected.folder / "state").rglob("*")
            if path.is_file()
        ),
    }
    forms = [form for someone in persons for form in someone.forms]
    for where, text in texts.items():
        folded = text.casefold()
        present = {folded[at : at + 4] for at in range(len(folded))}
        likely = [form for form in forms if form[:4] in present]
        assert [form for form in likely if form in folded] == [], where
    fakes_of = [json.loads(each.body)["payload"] for each in held]
    for name in ("email", "phone", "cin"):
        made_up = {each[name] for each in fakes_of if name in each}
        assert len(made_up) == len(persons), name
    assert {each["first_name"] for each in fakes_of if "first_name" in each} <= {*NAMES}


def test_a_run_that_goes_on_makes_the_same_fakes(connected: Tool, witness: Witness) -> None:
    """Its random key is in the journal, for the owner alone, until the run is completed."""
    events = [
        received(next(events_of(SOMEONE)), received_at=NOON + timedelta(seconds=3 * number))
        for number in range(2)
    ]
    record(connected.folder / "r.ndjson", events)
    running = connected.start(
        "replay", "r.ndjson", "--pseudonymize", "--name", "fakes", "-o", "json"
    )
    running.await_text('"confirmed"', stream="out")
    running.process.kill()
    running.process.wait()
    (journal,) = (connected.folder / "state").rglob("fakes.journal")
    assert journal.stat().st_mode & 0o777 == 0o600
    key = json.loads(journal.read_bytes().splitlines()[0])["pseudonym_key"]
    assert len(bytes.fromhex(key)) == 32
    ran = connected.run("replay", "--resume", "fakes", MEDTRACK_PSEUDONYM_KEY="another key of ours")
    assert ran.code == 0, ran.err
    first, *others = [json.loads(each.body)["payload"] for each in witness.take()]
    assert others[-1] == first
    assert first["email"] != SOMEONE.email
    assert key not in running.out + running.err + ran.out + ran.err
    assert key.encode() not in journal.read_bytes()
    (shown,) = connected.run("replay", "--show", "fakes", "-o", "json").records
    assert shown["state"] == "completed"


@pytest.mark.long
def test_a_run_with_a_key_of_ours_goes_on_with_it_alone(connected: Tool) -> None:
    """Neither without it nor with another one, which would make other fakes."""
    events = [received(each) for each in events_of(SOMEONE, ["student.created"])]
    record(connected.folder / "r.ndjson", events)
    with client(connected.environ["MEDTRACK_URL"]) as channel:
        channel.queue_declare("full", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
        channel.queue_bind("full", EXCHANGE, "student.created")
        try:
            begun = connected.run(
                *("replay", "r.ndjson", "--pseudonymize", "--name", "ours", "--retry-for", "0"),
                MEDTRACK_PSEUDONYM_KEY=KEY,
            )
        finally:
            channel.queue_delete("full")
    assert begun.code not in {0, 2}, begun.err
    (journal,) = (connected.folder / "state").rglob("ours.journal")
    assert KEY.encode().hex() not in journal.read_text()
    assert "pseudonym_key" not in journal.read_text()
    for key in ({}, {"MEDTRACK_PSEUDONYM_KEY": KEY + "!"}):
        ran = connected.run("replay", "--resume", "ours", **key)  # type: ignore[arg-type] # names
        assert (ran.code, "another key" in ran.err) == (2, True), ran.err
    ran = connected.run("replay", "--resume", "ours", MEDTRACK_PSEUDONYM_KEY=KEY)
    assert ran.code in {0, 1}, ran.err
