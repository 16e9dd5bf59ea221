"""doctor at what is broken: it names the check that fails and the way out, and changes nothing."""

from pathlib import Path
from typing import NamedTuple

import pytest

from medtrack_cli.private_broker import PrivateBroker
from tests.broker.witness import Witness, client
from tests.cli.tool import ROOT, Ran
from tests.faults import patients
from tests.faults.breaking import await_true
from tests.faults.examining import checks, examined
from tests.faults.patients import Place, SetUp, lacking, lacking_topic
from tests.faults.permissions import manage, run_hinted_line
from tests.faults.proxy import Proxy, Way, free_port
from tests.running import run, run_json

PUBLISH = ("publish", "user.created", "--count", "1", "--allow-unroutable")
LISTEN = ("listen", "--timeout", "0.1")


class Case(NamedTuple):
    """What is broken, the check that fails, the exit code, words of the fix.

    `command` ends with the same code.
    """

    set_up: SetUp
    check: str
    code: int
    fix: str
    command: tuple[str, ...] = ()


certified = patients.certified
CASES = {
    "refused": Case(patients.refused, "tcp", 69, "is RabbitMQ running there?", PUBLISH),
    "unknown host": Case(patients.unknown_host, "dns", 69, "how the host is written", PUBLISH),
    "impossible host": Case(
        patients.impossible_host, "dns", 69, "how the host is written", PUBLISH
    ),
    "management port": Case(patients.management_port, "protocol", 69, "management is on 15672"),
    "HTTP port": Case(patients.web_server, "protocol", 69, "management is on 15672", PUBLISH),
    "TLS on plain": Case(patients.tls_on_plain, "protocol", 77, "plain AMQP is amqp://", PUBLISH),
    "plain on TLS": Case(patients.plain_on_tls, "protocol", 77, "write amqps://", PUBLISH),
    "self-signed": Case(patients.self_signed, "tls_chain", 77, "--ca-file", PUBLISH),
    "wrong CA": Case(certified(trusted=False), "tls_chain", 77, "--ca-file", PUBLISH),
    "expired": Case(certified(days=patients.PAST), "tls_expiry", 77, "needs a new one", PUBLISH),
    "wrong name": Case(certified("localhots"), "tls_name", 77, "did you mean localhots?", PUBLISH),
    "certificate wanted": Case(
        patients.certificate_wanted, "tls_chain", 77, "--cert-file", PUBLISH
    ),
    "wrong password": Case(lacking(password="x-wrong"), "login", 77, "config show", PUBLISH),
    "vhost missing": Case(patients.no_vhost, "vhost", 76, "did you mean medtrack-test?", PUBLISH),
    "vhost forbidden": Case(patients.shut_out, "vhost", 77, "set_permissions -p /", PUBLISH),
    "exchange missing": Case(
        lacking("--exchange", "medtrack.event"),
        *("exchange", 76, "did you mean medtrack.events?", PUBLISH),
    ),
    "a fanout": Case(lacking("--exchange", "amq.fanout"), "exchange", 76, "name a topic exchange"),
    "no write": Case(lacking(write="^medtrack.tap"), "publish_right", 77, r"\.events$", PUBLISH),
    "no write of keys": Case(
        lacking_topic(write="^$"), "publish_right", 77, "set_topic_permissions", PUBLISH
    ),
    "no configure": Case(lacking(configure="^$"), "tap_right", 77, r"medtrack\.tap\.", LISTEN),
    "no read": Case(lacking(read="^medtrack.tap"), "tap_right", 77, r"medtrack\.events$", LISTEN),
    "no read of keys": Case(
        lacking_topic(read="^student"), "tap_right", 77, "set_topic_permissions", LISTEN
    ),
    "no read of taps": Case(
        lacking(read="^medtrack.events$"), "read_right", 77, r"medtrack\.tap\.", LISTEN
    ),
    "connection limit": Case(patients.many_connections, "vhost", 69, "limit is reached", PUBLISH),
    "management absent": Case(patients.no_management, "management", 69, "rabbitmq-plugins enable"),
    "management refuses": Case(lacking(tags=""), "management", 77, "set_user_tags"),
    "clock off": Case(patients.clock_off, "clock", 1, "NTP"),
}
LONG = {
    "dropped packets": Case(patients.dropped, "tcp", 69, "the firewalls in between"),
    "silent server": Case(patients.silent, "protocol", 69, "Check the port"),
    "memory alarm": Case(patients.short_of_memory, "alarms", 75, "rabbitmq-diagnostics alarms"),
    "alarm, no management": Case(patients.alarm_without_management, "alarms", 75, "Make room"),
    "silent management": Case(patients.silent_management, "management", 69, "is its plugin on?"),
}


@pytest.mark.parametrize(
    "name", [*CASES, *(pytest.param(each, marks=pytest.mark.long) for each in LONG)]
)
def test_what_is_broken_is_named_with_its_fix(
    fragile_broker: PrivateBroker, tmp_path: Path, name: str
) -> None:
    """One check fails, the right one, and ends as the command would; nothing is left behind."""
    case = {**CASES, **LONG}[name]
    with case.set_up(Place(fragile_broker, tmp_path)) as given:
        ran = examined(given, fragile_broker)
        environ = {"MEDTRACK_URL": given.url}
        itself = case.command and run(*case.command, *given.arguments, environ=environ)
    (failure,) = checks(ran, "failed")
    assert failure["id"] == case.check, failure
    assert case.fix in failure["fix"]
    assert (ran.summary["cause"], ran.summary["next"]) == (case.check, failure["fix"])
    assert ran.code == ran.summary["exit_code"] == case.code
    assert not itself or itself.code == case.code, itself.err


@pytest.mark.long
@pytest.mark.parametrize("name", ["no write", "no configure", "no read", "no read of taps"])
def test_the_line_of_the_fix_grants_what_lacks(
    fragile_broker: PrivateBroker, tmp_path: Path, name: str
) -> None:
    """Run as it is given, it is enough: the check is passed, and no right more than it needs."""
    case = CASES[name]
    with case.set_up(Place(fragile_broker, tmp_path)) as given:
        (failure,) = checks(examined(given, fragile_broker), "failed")
        granted = run_hinted_line(fragile_broker, failure["fix"])
        after = examined(given, fragile_broker)
    results = {each["id"]: each["status"] for each in after.of_kind("check")}
    assert results[case.check] == "ok"
    assert ".*" not in granted


def test_some_keys_are_a_warning_and_those_of_a_file_a_failure(
    fragile_broker: PrivateBroker, tmp_path: Path
) -> None:
    """Who may publish a few types is warned of the others; of --file every key must be allowed."""
    refused, allowed = (ROOT / f"sample-events/{each}.created.json" for each in ("user", "student"))
    place, only = Place(fragile_broker, tmp_path), ("--only", "publish_right", "--file")
    with lacking_topic(write="^student")(place) as given:
        ran = examined(given, fragile_broker)
        codes = [examined(given, fragile_broker, *only, str(f)).code for f in (refused, allowed)]
    (warning,) = (each for each in checks(ran, "warning") if each["id"] == "publish_right")
    assert "may not publish user.created, stage.created, " in warning["seen"]
    assert "set_topic_permissions" in warning["fix"]
    assert (ran.code, codes) == (0, [77, 0])


def test_the_least_rights_are_enough(fragile_broker: PrivateBroker, tmp_path: Path) -> None:
    """With what publishing and listening need, nothing fails; the default exchange isn't theirs."""
    both = r"^(medtrack\.tap\.|medtrack\.events$)"
    rights = {"configure": r"^medtrack\.tap\.", "write": both, "read": both}
    with lacking(**rights)(Place(fragile_broker, tmp_path)) as given:
        ran = examined(given, fragile_broker)
    (trip,) = (each for each in ran.of_kind("check") if each["id"] == "round_trip")
    assert (ran.code, checks(ran, "failed"), trip["status"]) == (0, [], "skipped")
    assert trip["seen"].endswith("; only `replay --to queue` needs that")


def test_what_a_lesser_tag_may_not_see_is_skipped(
    fragile_broker: PrivateBroker, tmp_path: Path
) -> None:
    """The tag `management` lists no nodes: the alarms aren't known, and nothing fails."""
    with lacking(tags="management")(Place(fragile_broker, tmp_path)) as given:
        ran = examined(given, fragile_broker)
    alarms, queues = (
        next(each for each in ran.of_kind("check") if each["id"] == name)
        for name in ("alarms", "queues_unconsumed")
    )
    assert (ran.code, alarms["status"], queues["status"]) == (0, "skipped", "ok")
    assert "answered 401" in alarms["seen"]


@pytest.mark.long
def test_the_api_of_another_broker_is_suspected(
    fragile_broker: PrivateBroker, private_broker: PrivateBroker, tmp_path: Path
) -> None:
    """Where AMQP takes the login and the API, with another password, doesn't: 77, and why."""
    with patients.healthy(Place(fragile_broker, tmp_path)) as given:
        user = f"users/{given.url.partition('//')[2].partition(':')[0]}"
        manage(private_broker, "PUT", user, {"password": "another", "tags": "monitoring"})
        try:
            api = Place(private_broker, tmp_path).api
            ran = examined(given._replace(environ=api), fragile_broker)
        finally:
            manage(private_broker, "DELETE", user)
    (failure,) = checks(ran, "failed")
    assert (ran.code, failure["id"]) == (77, "management")
    assert "is management_url that of another broker?" in failure["fix"]


def test_one_of_several_hosts_is_enough(fragile_broker: PrivateBroker, tmp_path: Path) -> None:
    """Hosts that can't be found or reached are warnings, each named, where another takes us in."""
    there, dead = f"127.0.0.1:{fragile_broker.amqp_port}", f"127.0.0.1:{free_port()}"
    config = tmp_path / "own.yaml"
    config.write_text(
        f"profiles:\n  p:\n    hosts: ['{dead}', '{there}', nowhere.invalid]\n"
        "    username: admin\n    password: password\n"
    )
    config.chmod(0o600)
    ran = run_json("doctor", "--config", config, "--profile", "p")
    seen = {each["id"]: each["seen"] for each in checks(ran, "warning")}
    assert (ran.code, checks(ran, "failed")) == (0, [])
    assert "host name not found: amqp://admin@nowhere.invalid" in seen["dns"]
    assert f"connection refused: amqp://admin@{dead}" in seen["tcp"]
    (login,) = (each for each in ran.of_kind("check") if each["id"] == "login")
    assert login["seen"] == f"admin at {there}"


def test_nobody_gets_anything(fragile_broker: PrivateBroker, tmp_path: Path) -> None:
    """A queue that takes everything is empty after all checks; --round-trip isn't sent to it."""
    place = Place(fragile_broker, tmp_path)
    with (
        client(fragile_broker.amqp_url) as channel,
        Witness(channel) as witness,
        patients.healthy(place) as given,
    ):
        ran = examined(given, fragile_broker, "--round-trip")
        held = witness.take()
    (skipped,) = (each for each in ran.of_kind("check") if each["id"] == "round_trip")
    assert (skipped["status"], witness.queue in skipped["seen"]) == ("skipped", True)
    assert (ran.code, held) == (0, [])


def test_a_round_trip_through_the_exchange_reaches_us_alone(
    fragile_broker: PrivateBroker, tmp_path: Path
) -> None:
    """With --round-trip, where no queue would get it, a message goes there and comes back."""
    place = Place(fragile_broker, tmp_path)
    with (
        client(fragile_broker.amqp_url) as channel,
        Witness(channel, "student.*") as witness,
        patients.healthy(place) as given,
    ):
        ran = examined(given, fragile_broker, "--round-trip", "--only", "round_trip")
        alone = examined(given._replace(environ={}), fragile_broker, "--round-trip")
        assert witness.take() == []
    (check,) = ran.of_kind("check")
    assert (check["status"], "ms through medtrack.events" in check["seen"]) == ("ok", True)
    (check,) = (each for each in alone.of_kind("check") if each["id"] == "round_trip")
    assert (check["status"], check["seen"]) == ("skipped", "management_url isn't set")


@pytest.mark.long
def test_what_waits_and_who_is_missing_is_a_warning(
    fragile_broker: PrivateBroker, tmp_path: Path
) -> None:
    """A queue that nobody reads, a thousand events in it, types without a queue: 0, all named."""
    place = Place(fragile_broker, tmp_path)
    with (
        client(fragile_broker.amqp_url) as channel,
        Witness(channel, "student.*") as witness,
        patients.healthy(place) as given,
    ):
        for _ in range(1000):
            channel.basic_publish("", witness.queue, b"{}")
        await_true(lambda: "backlog" in warned(examined(given, fragile_broker)))
        ran = examined(given, fragile_broker)
    seen = {each["id"]: each["seen"] for each in checks(ran, "warning")}
    assert seen.keys() == {"queues_unconsumed", "backlog", "unroutable_types"}
    assert seen["queues_unconsumed"] == f"nobody reads {witness.queue}"
    assert seen["backlog"] == f"much waits in {witness.queue} (1,000)"
    assert seen["unroutable_types"].startswith("no queue wants user.created, stage.created, ")
    assert (ran.code, ran.summary["cause"]) == (0, None)


def warned(ran: Ran) -> list[str]:
    """Name the checks that warn."""
    return [each["id"] for each in checks(ran, "warning")]


@pytest.mark.long
@pytest.mark.parametrize("count", [400, 700, 1000, 1500, 2000, 3000])
def test_a_line_that_dies_at_any_moment_keeps_nobody_waiting(
    fragile_broker: PrivateBroker, tmp_path: Path, count: int
) -> None:
    """After so many of the broker's bytes nothing comes any more, on any connection: 69."""
    place = Place(fragile_broker, tmp_path)
    with patients.healthy(place) as given, Proxy(fragile_broker.amqp_port) as proxy:

        def freeze_all() -> None:
            proxy.after(1, freeze_all, Way.DOWN)
            proxy.freeze()

        proxy.after(count, freeze_all, Way.DOWN)
        ran = examined(given._replace(url=proxy.through(given.url)), fragile_broker)
    assert proxy.faults > 0
    assert ran.code == 69
    assert checks(ran, "failed")
