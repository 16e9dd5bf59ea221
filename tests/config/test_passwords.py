"""Which password is sent where, and how it is fetched."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medtrack_cli.config.model import Config
from medtrack_cli.core.connection_settings import Secret
from medtrack_cli.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.conftest import Machine

TEAM = """\
default_profile: team
profiles:
  team: {hosts: [one.example, two.example], username: ann, password: team-secret}
"""


def sent(config: Config) -> str | None:
    """Tell which password would go out, None when it is held back."""
    try:
        return config.connection().password.reveal()
    except ConfigError:
        return None


def test_profile_password_stays_with_its_hosts(machine: "Machine") -> None:
    """A profile's password goes to the profile's hosts only, however they are named."""
    machine.user(TEAM)

    assert sent(machine.load()) == "team-secret"
    assert sent(machine.load(host="TWO.example")) == "team-secret"
    assert sent(machine.load(url="amqps://one.example")) == "team-secret"
    assert sent(machine.load(host="other.example")) is None
    assert sent(machine.load(url="amqps://other.example")) is None
    assert sent(machine.load(environ={"MEDTRACK_HOST": "other.example"})) is None


def test_chosen_profile_lends_its_password(machine: "Machine") -> None:
    """A profile chosen by --profile or MEDTRACK_PROFILE may be pointed at another host."""
    machine.user(TEAM)

    assert sent(machine.load(profile="team", host="other.example")) == "team-secret"
    chosen = {"MEDTRACK_PROFILE": "team", "MEDTRACK_URL": "amqps://other.example"}
    assert sent(machine.load(environ=chosen)) == "team-secret"


def test_held_back_password_says_why(machine: "Machine") -> None:
    """The error names the reason and what to type."""
    path = machine.user(TEAM)
    config = machine.load(host="other.example")

    with pytest.raises(ConfigError, match="belongs to the profile's host") as caught:
        config.connection()
    assert "--profile" in caught.value.hint
    shown = dict(config.values())["password"]
    assert shown.value is None
    assert f"{path}:3" in shown.source


def test_a_variable_that_is_not_set_is_told(machine: "Machine") -> None:
    """`config show` has no password where the variable of a password_env isn't set, and says so."""
    machine.user("profiles: {x: {host: h, password_env: MEDTRACK_X}}\n")
    unset, empty, given = (
        dict(machine.load(profile="x", environ=environ).values())["password"]
        for environ in ({}, {"MEDTRACK_X": ""}, {"MEDTRACK_X": "pw"})
    )
    assert (unset.value, empty.value, str(given.value)) == (None, None, "***")
    assert unset.source.startswith("MEDTRACK_X, password_env, ")
    assert unset.source.endswith(": the variable isn't set")
    assert given.source == unset.source.removesuffix(": the variable isn't set")


def test_password_stays_with_its_user(machine: "Machine") -> None:
    """A password given beside one user name is never sent with another."""
    machine.user(TEAM)

    assert sent(machine.load(username="bob")) is None
    assert sent(machine.load(username="bob", profile="team")) is None
    variables = {"MEDTRACK_USERNAME": "ann", "MEDTRACK_PASSWORD": "env-secret"}
    assert sent(machine.load(environ=variables)) == "env-secret"
    assert sent(machine.load(environ=variables, username="bob")) is None


def test_url_password_stays_with_its_host(machine: "Machine") -> None:
    """MEDTRACK_URL's password doesn't follow --host elsewhere, chosen profile or not."""
    variables = {"MEDTRACK_URL": "amqps://ann:url-secret@one.example"}

    assert sent(machine.load(environ=variables)) == "url-secret"
    assert sent(machine.load(environ=variables, host="one.example")) == "url-secret"
    assert sent(machine.load(environ=variables, host="other.example")) is None
    chosen = {**variables, "MEDTRACK_PROFILE": "local"}
    assert sent(machine.load(environ=chosen, host="other.example")) is None
    assert sent(machine.load(environ=variables, profile="medtrack")) is None


def test_variable_password_goes_where_flags_lead(machine: "Machine") -> None:
    """MEDTRACK_PASSWORD is for the broker that is typed, and beats the profile's own."""
    machine.user(TEAM)
    variables = {"MEDTRACK_PASSWORD": "env-secret"}

    assert sent(machine.load(environ=variables)) == "env-secret"
    assert sent(machine.load(environ=variables, url="amqps://bob@other.example")) == "env-secret"
    assert sent(machine.load(environ=variables, url="amqps://bob:typed@other.example")) == "typed"


def test_variable_password_is_for_a_typed_profile_without_one(machine: "Machine") -> None:
    """A typed profile's own source wins, even one that fails; without one it is the variable's."""
    machine.user(
        TEAM
        + "  bare: {host: bare.example, username: ann}\n"
        + "  unset: {host: h, password_env: TEAM_WORD}\n"
    )
    variables = {"MEDTRACK_PASSWORD": "env-secret"}
    assert sent(machine.load(environ=variables, profile="team")) == "team-secret"
    assert sent(machine.load(environ=variables, profile="unset")) is None
    assert sent(machine.load(environ=variables, profile="bare")) == "env-secret"
    assert sent(machine.load(environ=variables, profile="medtrack")) == "env-secret"
    assert sent(machine.load(environ=variables, profile="local")) == "password"
    beside = variables | {"MEDTRACK_URL": "amqp://eve:x@h", "MEDTRACK_USERNAME": "eve"}
    assert sent(machine.load(environ=beside, profile="bare")) == "env-secret"
    typed = {"profile": "team", "username": "bob"}
    assert sent(machine.load(environ=variables, **typed)) == "env-secret"


def test_this_machine_is_one_host(machine: "Machine") -> None:
    """The guide's development password goes to every name of this machine and no further."""
    assert sent(machine.load(host="127.0.0.1")) == "password"
    assert sent(machine.load(url="amqp://[::1]:5673")) == "password"
    assert sent(machine.load(host="127.0.0.1.example.org")) is None


def test_fresh_broker_has_guest(machine: "Machine") -> None:
    """A profile on this machine without credentials uses RabbitMQ's own guest."""
    machine.user("profiles: {a: {host: localhost}, b: {host: b.example}}\n")
    settings = machine.load(profile="a").connection()

    assert (settings.username, settings.password) == ("guest", Secret("guest"))
    assert sent(machine.load(profile="b")) is None


def test_project_host_gets_no_password_of_the_users(machine: "Machine") -> None:
    """MEDTRACK_PASSWORD doesn't go to a host a project file chose, until a person chooses it."""
    machine.project("default_profile: p\nprofiles: {p: {host: p.example, username: u}}\n")
    variables = {"MEDTRACK_PASSWORD": "env-secret"}

    assert sent(machine.load(environ=variables)) is None
    assert sent(machine.load(environ=variables, profile="p")) == "env-secret"
    assert sent(machine.load(environ=variables, host="typed.example")) == "env-secret"


def test_project_management_gets_no_password_of_the_users(machine: "Machine") -> None:
    """A project's management URL is no way around it."""
    machine.project(
        "default_profile: p\n"
        "profiles: {p: {host: localhost, management_url: 'https://p.example'}}\n"
    )
    variables = {"MEDTRACK_PASSWORD": "env-secret"}

    assert sent(machine.load(environ=variables)) is None
    assert sent(machine.load(url="amqp://u:typed-secret@localhost")) is None


def test_project_names_a_variable(machine: "Machine") -> None:
    """A project's password_env counts once a person chooses the profile, or on this machine."""
    machine.project(
        "default_profile: p\n"
        "profiles:\n"
        "  p: {host: p.example, password_env: MEDTRACK_TEAM_PASSWORD}\n"
        "  here: {host: localhost, password_env: MEDTRACK_TEAM_PASSWORD}\n"
    )
    variables = {"MEDTRACK_TEAM_PASSWORD": "team-secret"}

    assert sent(machine.load(environ=variables)) is None
    assert sent(machine.load(environ=variables, profile="p")) == "team-secret"
    assert sent(machine.load(environ=variables | {"MEDTRACK_PROFILE": "p"})) == "team-secret"
    assert sent(machine.load(environ=variables, profile="here")) == "team-secret"
    with pytest.raises(ConfigError, match="MEDTRACK_TEAM_PASSWORD") as caught:
        machine.load(profile="p").connection()
    assert "export MEDTRACK_TEAM_PASSWORD" in caught.value.hint


def test_prompt_is_the_last_resort(machine: "Machine") -> None:
    """A person is asked only when nothing else gives a password, and sees for which host."""
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        return "typed"

    assert machine.load(prompt).connection().password.reveal() == "password"
    assert asked == []
    config = machine.load(prompt, profile="medtrack")
    assert asked == []
    assert config.connection().password.reveal() == "typed"
    assert asked == ["Password for admin at rabbitmq.medtrack.com:5672: "]


def with_command(machine: "Machine", command: str) -> Config:
    """Load a profile whose password_command is the given YAML."""
    machine.user(f"profiles: {{x: {{host: h, password_command: {command}}}}}\n")
    return machine.load(profile="x")


def python(source: str) -> str:
    """Write a YAML list that runs Python."""
    return f"['{sys.executable}', '-c', '{source}']"


def test_command_runs_only_to_connect(machine: "Machine") -> None:
    """The command runs for a connection, not to show the configuration; one newline goes."""
    mark = machine.home / "ran"
    source = f'open("{mark}", "w").close(); print("from-command ")'
    config = with_command(machine, python(source))

    assert str(dict(config.values())["password"].value) == "***"
    assert not mark.exists()
    assert config.connection().password.reveal() == "from-command "
    assert mark.exists()


def test_command_as_text_has_no_shell(machine: "Machine") -> None:
    """A command written as one text is split, and no shell sees it."""
    config = with_command(machine, """'echo "a b" $HOME; echo c'""")

    assert config.connection().password.reveal() == "a b $HOME; echo c"


def test_command_never_reads_the_events(machine: "Machine") -> None:
    """The command's standard input is empty: ours may be the events."""
    config = with_command(machine, python('import sys; print("x" + sys.stdin.read())'))

    assert config.connection().password.reveal() == "x"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('import sys; sys.exit("secret")', "ended with 1"),
        ("pass", "not one line"),
        ('print("secret"); print("more")', "not one line"),
        ('import sys; sys.stdout.buffer.write(b"\\xff")', "not one line"),
    ],
)
def test_failing_command(machine: "Machine", source: str, message: str) -> None:
    """A command that fails or prints something else is an error that quotes none of it."""
    config = with_command(machine, python(source))

    with pytest.raises(ConfigError, match=message) as caught:
        config.connection()
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None


def test_missing_command(machine: "Machine") -> None:
    """A command that isn't there is an error."""
    with pytest.raises(ConfigError, match="can't run"):
        with_command(machine, "[/nonexistent/pass]").connection()


@pytest.mark.long
def test_slow_command(machine: "Machine") -> None:
    """A command that hangs is given up after ten seconds."""
    config = with_command(machine, "sleep 60")
    started = time.monotonic()

    with pytest.raises(ConfigError, match="over 10 s"):
        config.connection()
    assert 9 < time.monotonic() - started < 30


def password_file(machine: "Machine", content: bytes, mode: int) -> Config:
    """Load a profile whose password lies in a file beside the configuration."""
    config = machine.user("profiles: {x: {host: h, password_file: pw}}\n")
    path = config.parent / "pw"
    path.write_bytes(content)
    path.chmod(mode)
    return machine.load(profile="x")


@pytest.mark.parametrize(
    ("content", "expected"), [(b"pw", "pw"), (b"pw\r\n", "pw"), (" é\n".encode(), " é")]
)
def test_password_file(machine: "Machine", content: bytes, expected: str) -> None:
    """The file's one line is the password, without its end."""
    assert password_file(machine, content, 0o600).connection().password.reveal() == expected


def test_open_password_file(machine: "Machine") -> None:
    """A password file that others can read is refused, with the command that closes it."""
    with pytest.raises(ConfigError, match="open to other users") as caught:
        password_file(machine, b"pw", 0o640).connection()

    assert caught.value.hint.startswith("chmod 600 ")


def test_missing_password_file(machine: "Machine") -> None:
    """A password file that isn't there is an error only when connecting."""
    machine.user("profiles: {x: {host: h, password_file: ~/nowhere}}\n")
    config = machine.load(profile="x")

    with pytest.raises(ConfigError, match="can't read the password file") as caught:
        config.connection()
    assert caught.value.subject == str(Path("~/nowhere").expanduser())
