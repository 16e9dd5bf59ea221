"""Which broker a typed profile leads to, while the environment leads to another."""

import pytest

from tests.broker.witness import Witness
from tests.builders import numbered
from tests.cli.tool import Tool
from tests.conftest import Broker

NOWHERE = "amqp://eve:url-secret@127.0.0.1:1/w"
SAID = "--profile counts, not MEDTRACK_URL, MEDTRACK_EXCHANGE"
WARNING = f'{{"kind":"note","level":"warning","message":"{SAID}"}}\n'


@pytest.fixture
def misled(tool: Tool, broker: Broker) -> Tool:
    """Give the tool with a profile that leads to the broker, and variables that lead elsewhere."""
    tool.write("medtrack.yaml", f"profiles: {{team: {{url: '{broker.amqp_url}'}}}}")
    elsewhere = {"MEDTRACK_URL": NOWHERE, "MEDTRACK_EXCHANGE": "no.such.exchange"}
    tool.environ = {**tool.environ, **elsewhere}
    return tool


def target(broker: Broker) -> dict[str, str]:
    """Tell what objects say of the broker."""
    url = broker.amqp_url.replace(":password@", "@")
    return {"profile": "team", "broker": url, "exchange": "medtrack.events"}


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_events_go_to_the_profile_that_is_typed(
    misled: Tool, broker: Broker, witness: Witness, quiet: tuple[str, ...]
) -> None:
    """Published, listened to, recorded and replayed there; one line names what is set aside."""
    typed = ("--profile", "team", "-o", "json", *quiet)
    name = misled.write("events.ndjson", b"".join(numbered(2)))
    listener = misled.start("listen", *typed, "--count", "2", "--record", "r.ndjson")
    listener.await_text('"listening"')
    published = misled.run("publish", "-f", name, *typed)
    received = listener.end()
    replayed = misled.run("replay", "r.ndjson", "--speed", "max", *typed)

    assert (published.code, received.code, replayed.code) == (0, 0, 0)
    assert [each.body + b"\n" for each in witness.take()] == [*numbered(2)] * 2
    for ran, said in (
        (published, published.out),
        (replayed, replayed.out),
        (received, received.err),
    ):
        assert ran.err.startswith(WARNING)
        assert ran.err.count('"level":"warning"') == 1
        for field, value in target(broker).items():
            assert f'"{field}":"{value}"' in said
        assert "url-secret" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("profile", "warned"), [("password: password", True), ("", False)], ids=["own", "none"]
)
def test_a_password_of_the_environment_beside_a_typed_profile(
    tool: Tool, broker: Broker, profile: str, *, warned: bool
) -> None:
    """It counts where the profile has none; where the profile has one, a warning says so."""
    port = broker.amqp_url.rpartition(":")[2].partition("/")[0]
    settings = ", ".join(filter(None, [f"host: 127.0.0.1, port: {port}, username: admin", profile]))
    tool.write("medtrack.yaml", f"profiles: {{team: {{{settings}}}}}")
    (tool.folder / "medtrack.yaml").chmod(0o600)
    word = "hunter2" if warned else "password"
    ran = tool.run("publish", "user.created", "--count", "1", "--profile", "team", "-q",
                   "--allow-unroutable", MEDTRACK_PASSWORD=word)  # fmt: skip
    said = "--profile counts, not MEDTRACK_PASSWORD: it has its own password"
    assert (ran.code, said in ran.err) == (0, warned)


def test_config_show_tells_where_a_typed_profile_leads(misled: Tool, broker: Broker) -> None:
    """`config show` has the profile's values, and names what is set aside, too."""
    typed = misled.run("config", "show", "--profile", "team", "-o", "json", "-q")
    bare = misled.run("config", "show", "-o", "json", MEDTRACK_PROFILE="team")
    values = [
        {each["name"]: (each["value"], each["source"]) for each in ran.records}
        for ran in (typed, bare)
    ]
    port = broker.amqp_url.rpartition(":")[2].partition("/")[0]
    source = f"{misled.folder}/medtrack.yaml:1"
    assert values[0]["hosts"] == ([f"127.0.0.1:{port}"], source)
    assert values[0]["exchange"] == ("medtrack.events", "default")
    assert (typed.code, typed.err) == (0, WARNING)
    assert values[1]["hosts"] == (["127.0.0.1:1"], "MEDTRACK_URL")
    assert bare.err == ""
