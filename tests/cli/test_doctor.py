"""doctor's own command line: what is checked, what is printed, how it ends."""

import json
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from medtrack_cli.core.connection_settings import ConnectionSettings, Host
from medtrack_cli.core.doctor.checks import STEPS
from medtrack_cli.core.doctor.facts import Facts
from medtrack_cli.core.doctor.results import Check
from medtrack_cli.core.explanations.checks import CHECKS
from medtrack_cli.errors import TimedOut
from medtrack_cli.world import World
from tests.broker.certificates import Authority, raw_server, tls_server
from tests.builders import encode, spoilt
from tests.cli.pty_run import answering, on_terminal
from tests.cli.tool import Ran, Tool
from tests.core.values import FakeClock
from tests.faults.fake_broker import fake_broker
from tests.faults.proxy import free_port, serving, silence
from tests.running import run, run_json

if TYPE_CHECKING:
    from medtrack_cli.core.doctor.ports import Given

ORDER = """config profile password_source dns tcp protocol tls_chain tls_name tls_expiry amqp login
vhost exchange publish_right tap_right read_right round_trip management alarms broker_version
queues_unconsumed backlog unroutable_types deprecated_features clock payload"""
TYPED = ("--url", "amqp://ann:canary-4711@localhost:1/")


def examine(*arguments: str, folder: Path | None = None) -> Ran:
    """Run doctor where nobody listens."""
    url = f"amqp://ann:canary-4711@localhost:{free_port()}/"
    return run_json("doctor", *arguments, environ={"MEDTRACK_URL": url}, folder=folder)


def ids(ran: Ran) -> list[str]:
    """Name the checks that were made."""
    return [each["id"] for each in ran.of_kind("check")]


def test_checks_are_listed_in_their_order() -> None:
    """They have the contract's names and order, and none needs one that comes after it."""
    listed = run_json("doctor", "--list").records
    assert [each["code"] for each in listed] == ORDER.split()
    assert [each.id for each in STEPS] == ORDER.split()
    places = {each.id: place for place, each in enumerate(STEPS)}
    assert all(places[need] < places[each.id] for each in STEPS for need in each.needs)


def test_checks_can_be_chosen() -> None:
    """--only makes these, --skip all but these; what is left out is still needed."""
    everything = ids(examine())
    assert everything == ORDER.split()[:-1], "the payload's only with --file"
    assert ids(examine("--only", "tcp", "--only", "dns")) == ["dns", "tcp"]
    assert ids(examine("--skip", "tcp")) == [each for each in everything if each != "tcp"]
    alone = examine("--only", "login")
    assert (ids(alone), alone.code, alone.summary["cause"]) == (["login"], 69, "login")
    assert examine("--only", "dns", "--skip", "tcp").code == 0


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--only", "tpc"), "did you mean tcp?"),
        (("--skip", "DNS"), "did you mean dns?"),
        (("--only", "dns", "--skip", "dns"), "medtrack doctor --list"),
    ],
)
def test_a_check_that_there_isnt_is_a_wrong_command_line(
    arguments: tuple[str, ...], hint: str
) -> None:
    """2, with the near one."""
    ran = run("doctor", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith(f"hint: {hint}\n")


def test_warnings_fail_with_strict() -> None:
    """A warning ends with 0 and with --strict with 1, and is the cause then; its fix is next."""
    only = ("doctor", "--only", "password_source", *TYPED)
    plain, strict = run_json(*only), run_json(*only, "--strict")
    assert (plain.code, plain.summary["warning"], plain.summary["cause"]) == (0, 1, None)
    assert (strict.code, strict.summary["cause"]) == (1, "password_source")
    assert strict.summary["next"] == CHECKS[Check.PASSWORD_SOURCE].do


def test_a_person_may_take_a_minute_for_the_password() -> None:
    """The time that typing takes is not the network's: 8 s are left for that, and then none."""
    clock = FakeClock()

    class Slow:
        def settings(self) -> ConnectionSettings:
            clock.sleep(60)
            return ConnectionSettings((Host("localhost", 1),))

    world = World()
    given = cast("Given", Slow())
    facts = Facts(given, world.open_broker, world.open_management, clock)
    assert facts.settings.hosts == facts.hosts
    assert facts.seconds(100) == 8
    clock.sleep(7.9)
    with pytest.raises(TimedOut):
        facts.seconds()


def test_a_fix_is_what_explain_says(tmp_path: Path) -> None:
    """Where a check knows no closer one, its fix is the text of `medtrack explain`."""
    bad = tmp_path / "bad.json"
    bad.write_bytes(encode(spoilt("student.created", "/payload/email", "ann.canary")))
    ran = examine("--file", str(bad), "--only", "payload")
    (check,) = ran.of_kind("check")
    (told,) = run_json("explain", "payload").records
    assert check["fix"] == told["do"]
    assert check["seen"] == f"1 of 1 event invalid: bad_format at {bad}:1"
    assert (ran.code, ran.summary["answers"]["payload"]) == (1, "failed")
    missing = examine("--file", str(tmp_path / "none"), "--only", "payload")
    assert (missing.code, missing.summary["cause"]) == (66, "payload")


@pytest.mark.long
def test_events_that_never_end_keep_nobody_waiting(tmp_path: Path) -> None:
    """What can't all be read in 3 s isn't judged, and the other checks are made: 0."""
    endless = tmp_path / "endless.ndjson"
    os.mkfifo(endless)
    with ExitStack() as stack:
        stack.callback(os.close, os.open(endless, os.O_RDWR))
        started = time.monotonic()
        ran = examine("--file", str(endless), "--only", "payload", "--only", "dns")
    assert time.monotonic() - started < 6
    dns, payload = ran.of_kind("check")
    assert (ran.code, dns["status"], payload["status"]) == (0, "ok", "skipped")
    assert "`medtrack validate`" in payload["fix"]


def test_people_read_what_is_wrong_and_the_verdict_last() -> None:
    """What a failure has skipped is one line, and -v's several; -q leaves what is wrong."""
    environ = {"MEDTRACK_URL": f"amqp://ann:b@localhost:{free_port()}/"}
    plain, more, less = (run("doctor", *each, environ=environ).out for each in ([], ["-v"], ["-q"]))
    *checks, fix, skipped, answers, verdict = plain.splitlines()
    assert [line.split()[1] for line in checks] == ORDER.split()[:5]
    assert fix.strip().startswith("fix: is RabbitMQ running there? `medtrack broker start`")
    assert skipped.startswith("skipped, as tcp failed: protocol, tls_chain, ")
    assert answers == "connection failed, credentials skipped, exchange skipped, payload skipped"
    assert verdict.startswith(
        "4 ok, 1 failed, 20 skipped: connection refused: amqp://ann@localhost:"
    )
    assert verdict.endswith(f". Next: {fix.strip().removeprefix('fix: ')}")
    assert sum("tcp failed" in line for line in more.splitlines()) == 21
    assert less.splitlines()[0].split()[1] == "tcp"


def test_the_report_is_for_its_owner_and_new(tmp_path: Path) -> None:
    """--bundle writes settings and results, mode 0600, no secret, and over no other file: 73."""
    examine("--bundle", str(tmp_path / "report.txt"), folder=tmp_path)
    report = (tmp_path / "report.txt").read_text()
    assert (tmp_path / "report.txt").stat().st_mode & 0o777 == 0o600
    assert "password: *** (MEDTRACK_URL)" in report
    assert "1 failed, 20 skipped: connection refused" in report
    assert not any(each in report for each in ("canary", "4711", str(tmp_path)))
    (tmp_path / "link").symlink_to("nowhere")
    for taken in ("report.txt", "link"):
        again = examine("--bundle", str(tmp_path / taken), folder=tmp_path)
        assert (again.code, again.out) == (73, ""), "nothing is asked before"
    assert (tmp_path / "report.txt").read_text() == report
    assert {each.name for each in tmp_path.iterdir()} == {"link", "report.txt"}


@pytest.mark.parametrize("sends_it", [True, False])
def test_the_missing_link_is_named(tmp_path: Path, *, sends_it: bool) -> None:
    """A chain is a table up to the root; where the server leaves one out, that one is named."""
    root = Authority(tmp_path)
    between = root.signer.create_child_ca()
    issued = between.issue_cert("localhost")
    certificates = issued.cert_chain_pems if sends_it else issued.cert_chain_pems[:1]
    pair = tmp_path / "server.pem"
    pair.write_bytes(b"".join(each.bytes() for each in (issued.private_key_pem, *certificates)))
    with tls_server(pair) as server:
        environ = {"MEDTRACK_URL": f"amqps://ann:canary-4711@localhost:{server.port}/"}
        trust = ("--ca-file", str(root.ca_file), "--only", "tls_chain")
        ran = run_json("doctor", *trust, environ=environ)
    (check,) = ran.of_kind("check")
    _, _, *links = check["seen"].split("\n")
    if sends_it:
        assert (ran.code, [link[:9] for link in links]) == (0, [f"{n} trustme" for n in (1, 2, 3)])
    else:
        own, missing = links
        assert (ran.code, own[:9]) == (77, "1 trustme")
        assert missing.startswith("missing: the certificate of trustme")
        assert check["fix"] == CHECKS[Check.TLS_CHAIN].do, "of both who can mend it"


def test_what_a_broker_says_is_no_command_to_the_terminal() -> None:
    """Control characters of its version are shown as text, and our password in it is hidden."""
    said = {"product": "Rabbit\x1b[2J", "version": "3.\x1b]0;canary-4711\x07\n1"}
    with fake_broker(lambda *_: None, **said) as port:
        environ = {"MEDTRACK_URL": f"amqp://ann:canary-4711@127.0.0.1:{port}/"}
        ran = run("doctor", "--only", "broker_version", environ=environ)
    assert ran.code == 0
    assert r"Rabbit\x1b[2J 3.\x1b]0;***\x07 1 is no" in ran.out
    assert not any(each in ran.out for each in ("\x1b", "canary"))


@pytest.mark.long
def test_whoever_waits_sees_what_for(tool: Tool) -> None:
    """On a terminal a line names the check under way, and is gone at the end."""
    with serving(silence) as port:
        url = f"amqp://ann:b@127.0.0.1:{port}/"
        code, seen = on_terminal(tool, "doctor", "--only", "protocol", MEDTRACK_URL=url)
    assert code == 69
    assert b"checking protocol" in seen
    assert b"checking" not in seen.rpartition(b"\x1b[K")[2]


@pytest.mark.long
def test_a_password_typed_is_said_to_be(tool: Tool) -> None:
    """Where none is set a person is asked once, before any line of progress; nothing is echoed."""
    url = ("--url", "amqp://ann@localhost:1/")
    code, seen = answering(tool, ("doctor", *url), {}, b"Password for ann", b"canary-4711\n")
    assert (code, seen.count(b"Password for"), b"canary" in seen) == (69, 1, False)
    assert b"typed at the prompt, for ann" in seen


def test_ctrl_c_ends_it_cleanly(tool: Tool) -> None:
    """130 within a second, and what was found until then is said."""
    with raw_server(lambda peer, _: silence(peer)) as server:
        url = f"amqp://ann:canary-4711@127.0.0.1:{server.port}/"
        running = tool.start("doctor", "-o", "json", MEDTRACK_URL=url)
        until = time.monotonic() + 20
        while server.clients < 2 and time.monotonic() < until:
            time.sleep(0.01)
        asked = time.monotonic()
        running.signal(signal.SIGINT)
        ran = running.end()
    assert time.monotonic() - asked < 1.5
    assert (ran.code, ran.summary["exit_code"], ran.summary["failed"]) == (130, 130, 0)
    assert ids(ran) == ORDER.split()[:5]
    assert json.loads(ran.out.splitlines()[-1])["kind"] == "diagnosed"
