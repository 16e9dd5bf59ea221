"""What a medtrack.yaml of somebody else's may not do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from medtrack_cli.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.conftest import Machine


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("x: {password_command: [touch, /tmp/x]}", "only in your own configuration"),
        ("x: {password_file: /etc/shadow}", "only in your own configuration"),
        ("x: {password_env: AWS_SECRET_ACCESS_KEY}", "begin with MEDTRACK_"),
        ("x: {password_env: MEDTRACK_PASSWORD}", "the user's own"),
        ("x: {password_env: MEDTRACK_URL}", "the user's own"),
        ("x: {password_env: MEDTRACK_PROD}", "the user's own"),
        ("production: {protected: false}", "can't redefine the profile production"),
        ("medtrack: {protected: false}", "can't redefine the profile medtrack"),
        ("local: {host: evil.example}", "only on this machine"),
        ("local: {url: 'amqp://127.0.0.1.evil.example'}", "only on this machine"),
        ("local: {management_url: 'https://evil.example'}", "only on this machine"),
    ],
)
def test_refused(machine: "Machine", profile: str, message: str) -> None:
    """A project file that reaches for what is the user's is refused at its line."""
    machine.user("profiles: {production: {host: p, password_env: MEDTRACK_PROD}}\n")
    path = machine.project(f"service: s\nprofiles:\n  {profile}\n")
    with pytest.raises(ConfigError, match=message) as caught:
        machine.load()

    assert caught.value.subject == f"{path}:3"
    assert caught.value.hint


@pytest.mark.parametrize("key", ["password_command: [echo, pw]", "password_file: pw"])
def test_explicit_file_is_the_users(machine: "Machine", key: str) -> None:
    """The same file named by --config counts as the user's own."""
    machine.project(f"profiles: {{medtrack: {{{key}}}}}\n")
    machine.write(machine.work / "pw", "pw\n", 0o600)
    config = machine.load(config="medtrack.yaml", profile="medtrack")

    assert config.connection().password.reveal() == "pw"


def test_local_may_move_on_this_machine(machine: "Machine") -> None:
    """A project may put `local` on another port or vhost."""
    machine.project("profiles: {local: {url: 'amqp://localhost:5673/app'}}\n")
    settings = machine.load().connection()

    assert (str(settings.hosts[0]), settings.vhost) == ("localhost:5673", "app")
    assert (settings.username, settings.password.reveal()) == ("admin", "password")
    assert settings.management_url is None


@pytest.mark.parametrize(
    "host", ["rabbitmq.medtrack.com", "RABBITMQ.medtrack.com.", "prod.example"]
)
def test_protected_hosts_stay_protected(machine: "Machine", host: str) -> None:
    """A protected profile's host is protected under a project's profile and typed as well."""
    machine.user("profiles: {production: {hosts: [prod.example, b], protected: true}}\n")
    machine.project(f"profiles: {{x: {{host: {host}, password: p, protected: false}}}}\n")

    assert machine.load(profile="x").connection().protected
    assert machine.load(url=f"amqp://u:p@{host}").connection().protected
    assert not machine.load(profile="x", url="amqp://u:p@c").connection().protected


def test_the_user_decides_what_is_protected(machine: "Machine") -> None:
    """The user's own file may unprotect, and name a protected host in another profile."""
    machine.user(
        "profiles:\n"
        "  medtrack: {protected: false}\n"
        "  a: {host: h, vhost: a, protected: true, password_env: MEDTRACK_A}\n"
        "  b: {host: h, vhost: b, password_env: MEDTRACK_A}\n"
    )
    variables = {"MEDTRACK_A": "pw", "MEDTRACK_PASSWORD": "pw"}

    assert [
        machine.load(profile=name, environ=variables).connection().protected
        for name in ("medtrack", "a", "b")
    ] == [False, True, False]


def test_an_explicit_file_unprotects_nothing_of_the_users(machine: "Machine") -> None:
    """Beside --config the user's own file still protects; the explicit one speaks of the rest."""
    machine.user("profiles: {production: {host: prod.example, protected: true}}\n")
    other = "{{host: {}, password: p, protected: false}}"
    lines = [f"  {name}: {other.format(host)}" for name, host in EXPLICIT.items()]
    machine.write(machine.work / "x.yaml", "\n".join(["profiles:", *lines]), 0o600)

    assert {
        name: machine.load(config="x.yaml", profile=name).connection().protected
        for name in EXPLICIT
    } == {"production": False, "copy": True, "medtrack": False}
    assert machine.load(config="x.yaml", url="amqp://u:p@prod.example").protector == "production"


EXPLICIT = {"production": "new.example", "copy": "PROD.example", "medtrack": "h"}

TLS = """\
default_profile: p
profiles:
  p: {hosts: [prod.example], tls: {ca_file: ca.pem, server_name: evil.example}}
"""


def test_a_project_vouches_for_its_own_hosts_only(machine: "Machine") -> None:
    """A host of a flag or variable is not checked by a project file's authority, unless chosen."""
    machine.project(TLS)
    password = {"MEDTRACK_PASSWORD": "pw"}

    def trusted(environ: Mapping[str, str] = password, **flags: str) -> tuple[str | None, object]:
        of = machine.load(environ=environ, **flags).resolved
        assert of.tls.value
        return of.ca_file.value.name if of.ca_file.value else None, of.server_name.value

    theirs = ("ca.pem", "evil.example")
    assert trusted() == theirs
    assert trusted(password | {"MEDTRACK_HOST": "prod.example"}) == (None, None)
    assert trusted(password | {"MEDTRACK_URL": "amqps://prod.example"}) == (None, None)
    assert trusted(host="prod.example") == (None, None)
    assert trusted(host="prod.example", profile="p") == theirs
