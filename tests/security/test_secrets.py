"""A password planted everywhere one can be, and searched for in all that is said."""

import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import pytest

from medtrack_cli import private_broker as private
from medtrack_cli.core.connection_settings import ConnectionSettings
from medtrack_cli.private_broker import PrivateBroker
from tests.builders import numbered
from tests.cli.pty_run import answering
from tests.cli.tool import COMMAND, Ran, Tool
from tests.contracts.fakes import MemoryBroker
from tests.faults.permissions import ALL, manage
from tests.running import run
from tests.security.listener import listening

# Whatever piece of it is said, in whatever encoding, holds the word.
WORD = "canary"
PASSWORD = "canary1/canary2#canary3@canary4%:[canary5 \u00e9'\"\\"
ENCODED = quote(PASSWORD, safe="")


def received(ran: Ran) -> str:
    """Give the lines that hold a piece of the password."""
    lines = (ran.out + ran.err).splitlines()
    return "\n".join(line for line in lines if WORD in line.lower())


@pytest.fixture(scope="module")
def username(private_broker: PrivateBroker) -> Iterator[str]:
    """Make a user with that password."""
    name = f"user-{secrets.token_hex(4)}"
    manage(private_broker, "PUT", f"users/{name}", {"password": PASSWORD, "tags": ""})
    manage(private_broker, "PUT", f"permissions/%2F/{name}", ALL)
    yield name
    manage(private_broker, "DELETE", f"users/{name}")


def profile(tool: Tool, broker: PrivateBroker, username: str, line: str) -> dict[str, str]:
    """Write a configuration with one profile; give the variables that choose it."""
    text = f"profiles:\n  p:\n    url: amqp://127.0.0.1:{broker.amqp_port}\n"
    tool.write("own.yaml", f"{text}    username: {username}\n    {line}\n")
    (tool.folder / "own.yaml").chmod(0o600)
    return {"MEDTRACK_CONFIG": "own.yaml", "MEDTRACK_PROFILE": "p"}


def way(name: str, tool: Tool, broker: PrivateBroker, username: str) -> dict[str, str]:
    """Prepare a way for the password to get in; give the variables for it."""
    (tool.folder / "secret").write_text(PASSWORD + "\n")
    (tool.folder / "secret").chmod(0o600)
    at = f"127.0.0.1:{broker.amqp_port}/%2F"
    printing = [sys.executable, "-c", "print(open('secret').read(), end='')"]
    match name:
        case "variable":
            return {"MEDTRACK_URL": f"amqp://{username}@{at}", "MEDTRACK_PASSWORD": PASSWORD}
        case "URL":
            return {"MEDTRACK_URL": f"amqp://{username}:{ENCODED}@{at}"}
        case "text":
            return profile(tool, broker, username, f"password: {json.dumps(PASSWORD)}")
        case "password_env":
            line = "password_env: PROD_WORD"
            return {**profile(tool, broker, username, line), "PROD_WORD": PASSWORD}
        case "password_file":
            return profile(tool, broker, username, "password_file: secret")
        case _:
            line = f"password_command: {json.dumps(printing)}"
            return profile(tool, broker, username, line)


WAYS = ["variable", "URL", "text", "password_env", "password_file", "password_command"]


@pytest.mark.parametrize("name", WAYS)
def test_a_password_with_every_character_works(
    tool: Tool, private_broker: PrivateBroker, username: str, name: str
) -> None:
    """It logs in by every way there is, and nothing of it is said, even with -vv."""
    tool.write("e.json", next(numbered(1)))
    arguments = ("publish", "-f", "e.json", "--allow-unroutable", "-vv")
    tool.environ = {**tool.environ, **way(name, tool, private_broker, username)}
    ran = tool.run(*arguments)

    assert (ran.code, received(ran)) == (0, ""), ran.err


@pytest.mark.parametrize("name", WAYS)
def test_doctor_says_nothing_of_it(
    tool: Tool,
    private_broker: PrivateBroker,
    username: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By every way it gets in, no check and no report holds a piece of it."""
    monkeypatch.chdir(tool.folder)  # where the password's program looks
    api = {"MEDTRACK_MANAGEMENT_URL": f"http://127.0.0.1:{private_broker.management_port}"}
    given = way(name, tool, private_broker, username)
    ran = run("doctor", "-v", "--bundle", "report", folder=tool.folder, environ=api | given)
    report = Ran(0, (tool.folder / "report").read_text(), "")

    assert f"{username} may publish" in ran.out, ran.out
    assert f"{username} may publish" in report.out
    assert [received(each) for each in (ran, report)] == ["", ""]


def test_a_prompt_shows_nothing(tool: Tool, private_broker: PrivateBroker, username: str) -> None:
    """Typed at the prompt it isn't echoed, and logs in; nothing typed is 78."""
    tool.write("e.json", next(numbered(1)))
    url = f"amqp://{username}@127.0.0.1:{private_broker.amqp_port}/%2F"
    arguments = ("publish", "-f", "e.json", "--allow-unroutable", "--url", url)
    code, seen = answering(tool, arguments, {}, b"Password for", PASSWORD.encode() + b"\n")

    assert (code, WORD.encode() in seen) == (0, False), seen
    for nothing in (b"\n", b"\x04"):
        code, seen = answering(tool, arguments, {}, b"Password for", nothing)
        assert (code, b"no password was typed" in seen) == (78, True)


def test_others_see_nothing(tool: Tool, private_broker: PrivateBroker, username: str) -> None:
    """Neither the process list nor the broker's list of connections shows it."""
    tool.environ = {**tool.environ, **way("password_command", tool, private_broker, username)}
    running = tool.start("listen", "-o", "json", "-vv", command=[*COMMAND])  # in the process list
    running.await_text('"listening"')
    properties = ("list_connections", "user", "client_properties")
    listed = private.rabbitmqctl(private_broker, *properties)
    line = Path(f"/proc/{running.process.pid}/cmdline").read_bytes()
    running.signal(2)

    assert received(running.end()) == ""
    assert WORD.encode() not in line
    (ours,) = (each for each in listed.splitlines() if each.startswith(username))
    assert '"medtrack"' in ours
    assert WORD not in ours


def test_programs_started_get_none_of_our_variables(tool: Tool) -> None:
    """Neither git nor a password command finds a MEDTRACK_ variable in its environment."""
    tool.write("git", "#!/bin/sh\nenv >> seen\nexit 1\n")
    (tool.folder / "git").chmod(0o755)
    tool.write("own.yaml", "profiles: {p: {host: localhost, password_command: ./git}}")
    (tool.folder / "schemas").mkdir()
    tool.environ = {
        **tool.environ,
        "PATH": f"{tool.folder}:{tool.environ['PATH']}",
        "MEDTRACK_KEY_PASSPHRASE": PASSWORD,
        "MEDTRACK_URL": f"amqp://ann:{ENCODED}@elsewhere.example",
        "MEDTRACK_HOST": "localhost",
        "MEDTRACK_CONFIG": "own.yaml",
        "MEDTRACK_PROFILE": "p",
    }
    compared = tool.run("schema", "check", "schemas", "--against", "HEAD~1")
    by_git = (tool.folder / "seen").read_text()
    (tool.folder / "seen").unlink()
    listened = tool.run("listen", MEDTRACK_URL="", MEDTRACK_TEAM_WORD=PASSWORD)
    by_command = (tool.folder / "seen").read_text()

    assert (compared.code, listened.code) == (66, 78)
    for seen in (by_git, by_command):
        assert "PATH=" in seen
        assert "MEDTRACK_" not in seen


# With MEDTRACK_PASSWORD and a URL in the environment: each option, argument or variable is wrong.
MISTAKES = [
    *("config show", "config show -o json", "config path", "schema list", "-vv config show"),
    "publish -f {event}",
    "publish -f {event} -o json",
    "listen --retry-for 0",
    "replay {event}",
    "publish -f {event} --port 99999",
    "publish -f {event} --port {encoded}",
    "publish -f {event} --url amqp://u:{encoded}@localhost:99999",
    "publish -f {event} --url amqp://u:{raw}@localhost",
    "publish -f {event} --url amqp://u:{encoded}%zz@localhost",
    "publish -f {event} --url amqp://u:{encoded}@[::1",
    "publish -f {event} --url amqp://u:{encoded}@h?{encoded}=1",
    "publish -f {event} --url amqp://u:{encoded}@h?heartbeat={encoded}",
    "publish -f {event} --url http://u:{encoded}@localhost",
    "publish -f {event} --url {raw}@localhost",
    "publish -f {event} --host amqp://u:{encoded}@h",
    "publish -f {event} --profile amqp://u:{encoded}@h",
    "publish -f {event} --config amqp://u:{raw}@h",
    "publish -f {event} --prot amqp://u:{encoded}@h",
    "publish -f {event} --count amqp://u:{encoded}@h",
    "publish amqp://u:{encoded}@h -f {event}",
    "publish -f amqp://u:{raw}@h",
    "publish -f {event} --header amqp://u:{encoded}@h",
    "publish user.created --set amqp://u:{encoded}@h",
    "publish -f {event} --checkpoint amqp://u:{encoded}@h/x",
    "listen --record amqp://u:{encoded}@h/x",
    "validate -o amqp://u:{encoded}@h {event}",
    "validate -o json=amqp://u:{encoded}@h/x {event}",
    "schema show amqp://u:{encoded}@h",
    "amqp://u:{encoded}@h",
    "--profile amqp://u:{encoded}@h listen",
]


@pytest.mark.parametrize("line", MISTAKES)
def test_no_mistake_brings_it_out(
    tmp_path: Path, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A password in the environment, and one typed in the wrong place, is in no output at all."""
    event = tmp_path / "e.json"
    event.write_bytes(next(numbered(1)))
    with listening() as stranger:
        url = f"amqp://ann:{ENCODED}@127.0.0.1:{stranger.port}"
        environ = {"MEDTRACK_URL": url, "MEDTRACK_KEY_PASSPHRASE": PASSWORD}
        raw = "".join(PASSWORD.split())
        words = [
            word.format(event=event, encoded=quote(raw, safe=""), raw=raw) for word in line.split()
        ]
        ran = run(*words, "-vv", folder=tmp_path, environ=environ)
    besides = capfd.readouterr()

    assert received(ran) == ""
    assert besides == ("", "")
    assert ran.code != 70


TEXTS = [
    "profiles: {{p: {{passwort: {0}}}}}",
    "profiles: {{p: {{password: {0}, host: [}}}}",
    "profiles: {{p: {{password: [{0}]}}}}",
    "profiles: {{p: {{password:{0}}}}}",
    "profiles: {{p: {{{0}: password}}}}",
    "profiles: {{{0}: password}}",
    "password: {0}",
    "{0}",
    "- {0}",
    "profiles: {{p: {{url: {0}}}}}",
    "profiles: {{p: {{host: {0}}}}}",
    "profiles: {{p: {{port: {0}}}}}",
    "profiles: {{p: {{protected: {0}}}}}",
    "profiles: {{p: {{management_url: {0}}}}}",
    "profiles: {{p: {{password: {0}, password_file: {0}}}}}",
    "profiles: {{p: {{password_command: [/nowhere/{1}, {0}]}}}}",
    "profiles: {{p: {{password: !{1} x}}}}",
    "profiles: {{p: {{password: *{1}}}}}",
    "profiles: {{p: {{password: &{1} x}}}}",
    "profiles: {{p: {{password: '{1}}}}}",
    "profiles: {{p: {{password: {0}, tls: {0}}}}}",
    "%{1}\n---\n",
    "profiles: {{p: {{password: {0}}}}}\n---\n{0}",
]


@pytest.mark.parametrize("text", TEXTS)
def test_no_broken_configuration_brings_it_out(tmp_path: Path, text: str) -> None:
    """Whatever is wrong around a password in a file, the error names the line and not the text."""
    own = tmp_path / "own.yaml"
    own.write_text(text.format(json.dumps(PASSWORD), WORD))
    own.chmod(0o600)
    environ = {"MEDTRACK_CONFIG": str(own), "MEDTRACK_PROFILE": "p"}
    for command in (("listen", "-vv"), ("config", "show", "-vv"), ("listen", "-o", "json")):
        ran = run(*command, folder=tmp_path, environ=environ)
        assert received(ran) == ""
        if command != ("config", "show", "-vv"):
            assert ran.code == 78


def test_a_bug_does_not_bring_it_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An unforeseen error that quotes the password is named by its type and place only."""

    class Broken(MemoryBroker):
        def open_publisher(self, settings: ConnectionSettings, *_: object) -> NoReturn:
            raise RuntimeError(settings.password.reveal())

    environ = {"MEDTRACK_PASSWORD": PASSWORD}
    command = ("publish", "student.created", "--count", "1", "-vv")
    ran = run(*command, broker=Broken(), has_bug=True, folder=tmp_path, environ=environ)

    assert (ran.code, "RuntimeError" in ran.err) == (70, True)
    assert received(ran) == ""
    assert capfd.readouterr() == ("", "")
