"""Configuration files: found, read strictly, never trusted further than their place."""

import os
import re
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from medtrack_cli.config.keys import PROFILE_KEYS, TLS_KEYS, TOP_KEYS
from medtrack_cli.config.locations import INITIAL, FileKind, create_user_config, paths
from medtrack_cli.errors import CannotCreate, ConfigError, ExitCode
from tests.config import mistakes

if TYPE_CHECKING:
    from tests.config.conftest import Machine


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [*mistakes.OF_KEYS_AND_TYPES, *mistakes.OTHERS],
)
def test_mistakes(machine: "Machine", text: str, line: int, message: str, hint: str) -> None:
    """Every mistake is refused at its line, with the next step and no secret."""
    path = machine.user(text)
    with pytest.raises(ConfigError) as caught:
        machine.load()

    assert message in caught.value.what
    assert caught.value.subject.startswith(f"{path}:{line}")
    assert hint in caught.value.hint
    assert "hunter2" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert caught.value.exit_code is ExitCode.CONFIG


def test_texts_stay_texts(machine: "Machine") -> None:
    """A password or user that looks like a number keeps every character."""
    machine.user("profiles: {x: {host: localhost, username: 0x10, password: 0123}}\n")
    settings = machine.load(profile="x").connection()

    assert (settings.username, settings.password.reveal()) == ("0x10", "0123")


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "profiles:\nservice:\n", "profiles: {local: {tls: }}\n"]
)
def test_nothing_written(machine: "Machine", text: str) -> None:
    """An empty file, or a key without a value, says nothing."""
    machine.user(text)

    assert (machine.load().profile, machine.load().service) == ("local", None)


def test_not_utf8(machine: "Machine") -> None:
    """Text that isn't UTF-8 is refused at its line; a BOM is fine."""
    path = machine.user("")
    path.write_bytes(b"service: a\n# \xff\n")
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        machine.load()
    assert caught.value.subject == f"{path}:2"

    path.write_bytes(b"\xef\xbb\xbfservice: a\r\n")
    assert machine.load().service == "a"


def test_huge(machine: "Machine") -> None:
    """A file over 128 KiB is no configuration."""
    machine.user("#" * (1024 * 1024 + 1))

    with pytest.raises(ConfigError, match="over 128 KiB"):
        machine.load()


def test_unreadable(machine: "Machine") -> None:
    """A file that is there but can't be read is an error, not silence."""
    path = machine.user("")
    path.unlink()
    path.symlink_to(path)

    with pytest.raises(ConfigError, match="can't read the configuration") as caught:
        machine.load()
    assert caught.value.subject == str(path)


@pytest.mark.parametrize("text", ["[]" * 60_000, "a: " + "[a: b," * 20_000, "a: b\n" * 25_000])
def test_the_largest_are_read_quickly(machine: "Machine", text: str) -> None:
    """No text of the greatest size takes long, however hard it is for the parser."""
    machine.user(text)
    started = time.monotonic()
    with pytest.raises(ConfigError):
        machine.load()

    assert time.monotonic() - started < 5, "under 1 s on a quiet machine"


def test_a_hundred_megabytes(machine: "Machine") -> None:
    """A file far too large is refused without being read."""
    path = machine.user("")
    os.truncate(path, 100 * 1024 * 1024)
    started = time.monotonic()
    with pytest.raises(ConfigError, match="over 128 KiB"):
        machine.load()

    assert time.monotonic() - started < 1


def test_unknown_homes(machine: "Machine") -> None:
    """A ~ of a user who isn't known is a path that isn't there."""
    machine.user("schemas: ['~nobody-of-that-name/x']\n")

    assert machine.load().schemas[0].name == "x"
    with pytest.raises(ConfigError, match="No such file"):
        machine.load(config="~nobody-of-that-name/x")


def test_a_pipe_may_be_named(machine: "Machine") -> None:
    """--config reads a pipe, as a shell's <(…) makes one."""
    reading, writing = os.pipe()
    os.write(writing, b"service: piped\n")
    os.close(writing)

    assert machine.load(config=f"/dev/fd/{reading}").service == "piped"
    os.close(reading)


@pytest.mark.parametrize("profile", ["{host: h, password: hunter2}", "{url: 'amqp://u:hunter2@h'}"])
def test_open_file_with_a_password(machine: "Machine", profile: str) -> None:
    """A password in a file of the user's that others can read is refused."""
    path = machine.user(f"profiles: {{x: {profile}}}\n", 0o644)
    with pytest.raises(ConfigError, match="open to other users") as caught:
        machine.load()

    assert caught.value.hint == f"chmod 600 {path}"
    path.chmod(0o600)
    assert machine.load(profile="x").profile == "x"


def test_a_file_that_anybody_can_write(machine: "Machine") -> None:
    """A file of the user's that all can write is refused; a project's isn't trusted anyway."""
    path = machine.user("service: a\n", 0o666)
    with pytest.raises(ConfigError, match="written by every user") as caught:
        machine.load()

    assert caught.value.hint == f"chmod o-w {path}"
    path.chmod(0o664)
    machine.project("").chmod(0o666)
    assert machine.load().service == "a"


def test_open_file_without_a_password(machine: "Machine") -> None:
    """A file without a password may be read by anybody, and a project's always may."""
    machine.user("service: a\n", 0o644)
    machine.project("profiles: {x: {host: localhost, password: dev}}\n")

    assert machine.load(profile="x").connection().password.reveal() == "dev"


def test_project_is_looked_for_upward(machine: "Machine") -> None:
    """The nearest medtrack.yaml up to the repository's root counts, none beyond it."""
    deep = machine.work / "a" / "b"
    deep.mkdir(parents=True)
    machine.write(machine.home / "medtrack.yaml", "service: outside\n", 0o644)
    assert machine.load(None, deep).service is None

    machine.project("service: root\n")
    assert machine.load(None, deep).service == "root"
    machine.write(machine.work / "a" / "medtrack.yaml", "service: near\n", 0o644)
    assert machine.load(None, deep).service == "near"


def test_no_repository(machine: "Machine") -> None:
    """Outside a repository only the working directory's own file counts."""
    machine.write(machine.home / "medtrack.yaml", "service: here\n", 0o644)
    below = machine.home / "below"
    below.mkdir()

    assert machine.load(None, machine.home).service == "here"
    assert machine.load(None, below).service is None


def test_paths(machine: "Machine") -> None:
    """The places are listed, the stronger first, with whether something is there."""
    project = machine.project("")
    environ = {"HOME": "/nowhere", "XDG_CONFIG_HOME": str(machine.home)}

    assert paths(environ, machine.work) == (
        (project, FileKind.PROJECT, True),
        (machine.home / "medtrack" / "config.yaml", FileKind.USER, False),
    )
    assert paths({"HOME": "/h", "XDG_CONFIG_HOME": "rel"}, machine.work)[1].path == Path(
        "/h/.config/medtrack/config.yaml"
    )


def test_explicit_file_stands_alone(machine: "Machine") -> None:
    """--config, else MEDTRACK_CONFIG, is used instead of all other files, and must exist."""
    machine.user("service: user\n")
    machine.project("service: project\n")
    machine.write(machine.work / "x.yaml", "default_profile: medtrack\n", 0o600)
    config = machine.load(config="x.yaml", environ={"MEDTRACK_CONFIG": "nowhere.yaml"})

    assert (config.service, config.profile) == (None, "medtrack")
    assert config.files == ((machine.work / "x.yaml", FileKind.EXPLICIT, True),)
    assert machine.load(environ={"MEDTRACK_CONFIG": "x.yaml"}).profile == "medtrack"
    with pytest.raises(ConfigError, match=r"No such file.*nowhere\.yaml"):
        machine.load(config="nowhere.yaml")


def test_create_user_config(machine: "Machine") -> None:
    """The first configuration is the user's alone, loads, and is never overwritten."""
    environ = {"HOME": str(machine.home)}
    path = create_user_config(environ)

    assert path.read_text(encoding="utf-8") == INITIAL
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert machine.load().profile == "local"
    path.write_text("service: mine\n", encoding="utf-8")
    with pytest.raises(CannotCreate, match="there already"):
        create_user_config(environ)
    assert machine.load().service == "mine"


def test_create_user_config_fails(machine: "Machine") -> None:
    """A folder that can't be made is an error with a way out."""
    (machine.home / "file").touch()

    with pytest.raises(CannotCreate) as caught:
        create_user_config({"XDG_CONFIG_HOME": str(machine.home / "file")})
    assert "XDG_CONFIG_HOME" in caught.value.hint


def test_every_line_of_the_initial_config_works(machine: "Machine") -> None:
    """With each # before a setting taken away the first configuration is valid too."""
    lines = INITIAL.splitlines()
    settings = [line.removeprefix("#") if line[:2] != "# " else "" for line in lines]
    settings = [
        line if original[:3] != "#  " else original[1:]
        for line, original in zip(settings, lines, strict=True)
    ]
    machine.user("\n".join(settings))
    config = machine.load(profile="production", environ={"MEDTRACK_PROD_PASSWORD": "pw"})

    assert len(config.connection().hosts) == 2
    assert config.connection().protected
    assert config.service == "external-registration-service"
    assert (
        machine.load(profile="staging").address()["broker"] == "rabbitmq.staging.medtrack.com:5671"
    )
    assert machine.load(profile="sandbox").connection().vhost == "sandbox"


def test_the_initial_config_names_every_setting() -> None:
    """The first configuration names each key that a file may hold, and no command to come."""
    words = set(re.findall(r"\w+", INITIAL))

    assert {*TOP_KEYS, *PROFILE_KEYS, *TLS_KEYS} - words == set()
    assert "queue" not in words
