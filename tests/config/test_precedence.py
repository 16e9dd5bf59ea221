"""Which setting wins, and where `config show` says it came from."""

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medtrack_cli.config.loader import load, set_aside
from medtrack_cli.config.model import Config
from medtrack_cli.core.connection_settings import Host, Secret
from medtrack_cli.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.conftest import Machine


def shown(config: Config, name: str) -> tuple[object, str]:
    """Give one line of `config show`: value and source."""
    value = dict(config.values())[name]
    return value.value, value.source


PROFILE = "profiles:\n  team:\n    url: amqps://ann:pw@one.example:5673/v?heartbeat=20\n"


def test_built_in_local(machine: "Machine") -> None:
    """Without any configuration it is the guide's broker on this machine."""
    settings = machine.load().connection()

    assert (Host("localhost", 5672),) == settings.hosts
    assert ("admin", Secret("password"), "/") == (
        settings.username,
        settings.password,
        settings.vhost,
    )
    assert (
        settings.exchange,
        str(settings.management_url),
    ) == ("medtrack.events", "http://localhost:15672")
    assert (settings.tls, settings.protected, settings.profile) == (None, False, "local")


def test_built_in_medtrack(machine: "Machine") -> None:
    """The guide's broker is protected and comes without a password."""
    config = machine.load(profile="medtrack")

    assert shown(config, "hosts") == (("rabbitmq.medtrack.com:5672",), "built-in profile medtrack")
    assert shown(config, "protected")[0] is True
    with pytest.raises(ConfigError, match="no password") as caught:
        config.connection()
    assert "MEDTRACK_PASSWORD" in caught.value.hint


def test_levels(machine: "Machine") -> None:
    """Flags beat variables, these the project, that the user's file, that the built-ins."""
    machine.user("service: of-user\ndefault_profile: medtrack\n")
    assert machine.load(None, machine.home).service == "of-user"
    assert machine.load(None, machine.home).profile == "medtrack"
    project = machine.project("service: of-project\ndefault_profile: local\n")
    assert shown(machine.load(), "service") == ("of-project", f"{project}:1")
    assert machine.load().profile == "local"
    variables = {"MEDTRACK_SERVICE": "of-variable", "MEDTRACK_PROFILE": "medtrack"}
    config = machine.load(environ=variables)
    assert shown(config, "service") == ("of-variable", "MEDTRACK_SERVICE")
    assert shown(config, "profile") == ("medtrack", "MEDTRACK_PROFILE")
    config = machine.load(environ=variables, service="of-flag", profile="local")
    assert shown(config, "service") == ("of-flag", "flag --service")
    assert shown(config, "profile") == ("local", "flag --profile")


def test_a_key_beats_the_url_of_its_level_only(machine: "Machine") -> None:
    """MEDTRACK_HOST beats MEDTRACK_URL's host, --host that of --url, --url beats MEDTRACK_HOST."""
    variables = {"MEDTRACK_URL": "amqp://a:1111", "MEDTRACK_HOST": "b"}

    assert shown(machine.load(environ=variables), "hosts") == (("b:1111",), "MEDTRACK_HOST")
    config = machine.load(environ=variables, url="amqp://c:2222", host="d")
    assert shown(config, "hosts") == (("d:2222",), "flag --host")
    config = machine.load(environ=variables, url="amqp://c")
    assert shown(config, "hosts") == (("c:5672",), "flag --url")


ELSEWHERE = {
    "MEDTRACK_URL": "amqp://eve:url-secret@evil.example:1/w?heartbeat=99",
    "MEDTRACK_HOST": "evil.example",
    "MEDTRACK_PORT": "no number",
    "MEDTRACK_VHOST": "w",
    "MEDTRACK_USERNAME": "eve",
    "MEDTRACK_EXCHANGE": "other",
    "MEDTRACK_MANAGEMENT_URL": "http://evil.example",
}


def test_no_variable_changes_where_a_typed_profile_leads(machine: "Machine") -> None:
    """Whatever the environment says, --profile leads where it leads in an empty environment."""
    machine.user(PROFILE + "default_profile: team\n")
    for flags in ({"profile": "team"}, {"profile": "local"}, {"profile": "team", "port": "7"}):
        alone = machine.load(environ={}, **flags).values()
        for environ in (ELSEWHERE, *({name: text} for name, text in ELSEWHERE.items())):
            assert machine.load(environ=environ, **flags).values() == alone
        assert set_aside(flags, ELSEWHERE | {"MEDTRACK_PASSWORD": "x"}) == list(ELSEWHERE)
        assert set_aside(flags, {"MEDTRACK_URL": "", "MEDTRACK_SERVICE": "x"}) == []


def test_a_profile_of_the_environment_is_not_typed(machine: "Machine") -> None:
    """MEDTRACK_PROFILE is a variable among others: a MEDTRACK_URL beside it says where."""
    machine.user(PROFILE)
    environ = {"MEDTRACK_PROFILE": "team", "MEDTRACK_URL": "amqps://two.example"}
    assert shown(machine.load(environ=environ), "hosts") == (
        ("two.example:5671",),
        "MEDTRACK_URL",
    )
    assert set_aside({}, environ) == []


def test_a_target_has_no_secret(machine: "Machine") -> None:
    """All hosts of the broker are named, in one order, as whom and with the vhost."""
    machine.user("profiles: {x: {hosts: [b, 'a:1'], username: u, password: pw, tls: {}}}\n")
    config = machine.load(profile="x")
    told = ("x", "amqps://u@a:1,b:5671/%2F", "medtrack.events")
    assert config.target == told
    assert {config.connection(random.Random(seed)).target for seed in range(9)} == {told}


def test_a_url_replaces_the_whole_address(machine: "Machine") -> None:
    """Port, TLS and server name of lower levels don't survive a higher URL; vhost does."""
    machine.user(PROFILE + "    tls: {server_name: one}\n", 0o600)

    config = machine.load(profile="team", url="amqps://two.example")
    assert shown(config, "hosts")[0] == ("two.example:5671",)
    assert shown(config, "tls.server_name") == (None, "flag --url")
    assert shown(config, "vhost")[0] == "v"
    assert shown(config, "heartbeat")[0] == 20
    config = machine.load(profile="team", url="amqp://two.example")
    assert shown(config, "hosts")[0] == ("two.example:5672",)
    assert config.connection().tls is None


def test_a_flag_changes_one_part(machine: "Machine") -> None:
    """--port and --vhost leave the rest of the profile."""
    machine.user(PROFILE)
    config = machine.load(profile="team", port="1", vhost="w", exchange="e")

    assert shown(config, "hosts")[0] == ("one.example:1",)
    assert (
        shown(config, "vhost"),
        shown(config, "exchange"),
    ) == (("w", "flag --vhost"), ("e", "flag --exchange"))
    assert config.connection().password == Secret("pw")


def test_hosts_with_ports_of_their_own(machine: "Machine") -> None:
    """A host's own port beats the profile's port, and yields to --port."""
    machine.user("profiles: {x: {hosts: ['a:1', b], port: 2}}\n")

    assert shown(machine.load(profile="x"), "hosts")[0] == ("a:1", "b:2")
    assert shown(machine.load(profile="x", port="3"), "hosts")[0] == ("a:3", "b:3")


def test_hosts_are_shuffled(machine: "Machine") -> None:
    """Each connection tries the hosts in an order of its own, all of them."""
    machine.user("profiles: {x: {hosts: [a, b, c, d], password_env: MEDTRACK_X}}\n")
    config = machine.load(profile="x", environ={"MEDTRACK_X": "pw"})
    orders = {config.connection(random.Random(seed)).hosts for seed in range(20)}

    assert len(orders) > 1
    assert {frozenset("abcd")} == {frozenset(host.name for host in order) for order in orders}


def test_tls_paths(machine: "Machine") -> None:
    """A file's paths start at its folder, a flag's at the working directory."""
    path = machine.user("profiles: {x: {host: h, tls: {ca_file: ca.pem, key_file: /k}}}\n")
    tls = (
        machine.load(profile="x", cert_file="me.pem", environ={"MEDTRACK_PASSWORD": "pw"})
        .connection()
        .tls
    )

    assert tls is not None
    assert (path.parent / "ca.pem", machine.work / "me.pem", Path("/k")) == (
        tls.ca_file,
        tls.cert_file,
        tls.key_file,
    )


def test_tls_default_port_and_empty_tls(machine: "Machine") -> None:
    """`tls: {}` turns TLS on, with its port."""
    machine.user("profiles: {x: {host: h, tls: {}}}\n")

    assert shown(machine.load(profile="x"), "hosts")[0] == ("h:5671",)


def test_ca_file_turns_tls_on(machine: "Machine") -> None:
    """--ca-file means TLS, but not beside an amqp:// URL."""
    assert shown(machine.load(ca_file="ca.pem"), "tls") == (True, "flag --ca-file")
    with pytest.raises(ConfigError, match="amqp:// URL"):
        machine.load(ca_file="ca.pem", url="amqp://h")


def test_management_url_belongs_to_its_broker(machine: "Machine") -> None:
    """A management URL of a lower level is another broker's once the address differs."""
    assert shown(machine.load(url="amqp://127.0.0.1"), "management_url")[0] is not None
    assert shown(machine.load(port="5673"), "management_url")[0] is None
    assert shown(machine.load(host="h"), "management_url")[0] is None
    config = machine.load(host="h", environ={"MEDTRACK_MANAGEMENT_URL": "https://m:1/"})
    assert shown(config, "management_url")[0] is None
    config = machine.load(host="h", management_url="https://m:1/")
    assert shown(config, "management_url") == ("https://m:1", "flag --management-url")


def test_a_management_url_left_in_the_environment_gets_no_other_login(machine: "Machine") -> None:
    """One on this machine, exported for another broker, isn't that of a broker elsewhere."""
    here = {"MEDTRACK_MANAGEMENT_URL": "http://127.0.0.1:15672"}
    for url, expected in (("amqps://u:pw@h", None), ("amqp://localhost", "http://127.0.0.1:15672")):
        config = machine.load(environ={**here, "MEDTRACK_URL": url})
        assert shown(config, "management_url")[0] == expected
    config = machine.load(url="amqps://u@h", management_url="http://127.0.0.1:15672")
    assert shown(config, "management_url")[0] == "http://127.0.0.1:15672"


def test_user_file_completes_a_built_in(machine: "Machine") -> None:
    """A profile named as a built-in one keeps what it doesn't say itself."""
    machine.user("profiles: {medtrack: {username: me, password_env: MEDTRACK_P}}\n")
    settings = machine.load(profile="medtrack", environ={"MEDTRACK_P": "pw"}).connection()

    assert (Host("rabbitmq.medtrack.com", 5672),) == settings.hosts
    assert ("me", Secret("pw"), True) == (
        settings.username,
        settings.password,
        settings.protected,
    )


def test_empty_variables_are_unset(machine: "Machine") -> None:
    """An empty variable says nothing."""
    variables = {"MEDTRACK_HOST": "", "MEDTRACK_PROFILE": "", "MEDTRACK_CONFIG": ""}

    assert shown(machine.load(environ=variables), "hosts")[0] == ("localhost:5672",)


@pytest.mark.parametrize("flag", ["host", "port", "url", "profile", "config", "service"])
def test_empty_flag(machine: "Machine", flag: str) -> None:
    """A flag typed with an empty value, as by an unset shell variable, is an error."""
    typed = {flag: ""}
    with pytest.raises(ConfigError):
        load(flags=typed, environ={"HOME": str(machine.home)}, cwd=machine.work)


def test_bad_variable_is_named(machine: "Machine") -> None:
    """A port that is no number is an error that names its variable."""
    with pytest.raises(ConfigError, match="MEDTRACK_PORT"):
        machine.load(environ={"MEDTRACK_PORT": "tcp://10.0.0.1:5672"})


def test_unknown_profile(machine: "Machine") -> None:
    """An unknown profile suggests the near one and lists them all."""
    machine.user("profiles: {production: {host: h}}\n")
    with pytest.raises(ConfigError, match="producton") as caught:
        machine.load(profile="producton")

    assert "did you mean production?" in caught.value.hint
    assert "local, private, medtrack, production" in caught.value.hint


def test_schemas_start_at_their_file(machine: "Machine") -> None:
    """Schema folders are relative to the file that names them."""
    project = machine.project("schemas: [./schemas]\n")
    deep = machine.work / "a" / "b"
    deep.mkdir(parents=True)
    assert machine.load(None, deep).schemas == (project.parent / "schemas",)

    own = machine.user("schemas: [./schemas, /abs]\n")
    project.unlink()
    assert machine.load().schemas == (own.parent / "schemas", Path("/abs"))


def test_no_secret_prints(machine: "Machine") -> None:
    """Neither the configuration nor any shown value holds a password in print."""
    path = machine.user(PROFILE.replace("pw@", "hunter2@"))
    environ = {"MEDTRACK_PASSWORD": "hunter2"}
    for config, source in (
        (machine.load(environ=environ, profile="team"), f"{path}:3"),
        (machine.load(environ={**environ, "MEDTRACK_PROFILE": "team"}), "MEDTRACK_PASSWORD"),
    ):
        assert "hunter2" not in repr(config) + repr(config.values()) + repr(config.target)
        assert str(shown(config, "password")[0]) == "***"
        assert shown(config, "password")[1] == source
