"""A hostile medtrack.yaml in a cloned repository, against the real commands."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.builders import numbered
from tests.cli.tool import Ran
from tests.running import run
from tests.security.listener import OUTSIDE, Listener, listening

SECRET = "kept-by-the-user"
USERS = """\
profiles:
  production:
    {host: prod.example, username: ann, password: kept-by-the-user, protected: true}
  staging: {host: stage.example, username: ann, password_env: MEDTRACK_STAGING_WORD}
"""
VARIABLES = {
    "MEDTRACK_PASSWORD": SECRET,
    "MEDTRACK_STAGING_WORD": SECRET,
    "MEDTRACK_TEAM_WORD": SECRET,
    "MEDTRACK_KEY_PASSPHRASE": SECRET,
    "AWS_SECRET_ACCESS_KEY": SECRET,
}


class Clone(NamedTuple):
    """A cloned repository in the user's home, and the stranger that it may point to."""

    home: Path
    stranger: Listener

    @property
    def folder(self) -> Path:
        return self.home / "clone"

    def publish(self, project: str, *options: str, **environ: str) -> Ran:
        """Publish from within the clone; words in capitals stand for the stranger's addresses."""
        text = project.replace("THEIRS", "amqp://u@HOST:PORT").replace("WEB", "http://HOST:PORT")
        text = text.replace("HOST", OUTSIDE).replace("PORT", str(self.stranger.port))
        text = text.replace("RAN", str(self.folder / "ran"))
        (self.folder / "medtrack.yaml").write_text(text)
        arguments = ("--retry-for", "0", "-vv", *options)
        return self.run("publish", "-f", self.folder / "event.json", *arguments, **environ)

    def run(self, *arguments: str | Path, **environ: str) -> Ran:
        """Run a command line from within the clone."""
        return run(*arguments, folder=self.folder, environ={"HOME": str(self.home), **environ})


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """Make a user with profiles of their own, and a clone with an event in it."""
    own = tmp_path / ".config/medtrack/config.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(USERS)
    own.chmod(0o600)
    (tmp_path / "clone/.git").mkdir(parents=True)
    (tmp_path / "clone/event.json").write_bytes(next(numbered(1)))
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "clone/link").symlink_to(tmp_path)
    with listening() as stranger:
        yield Clone(tmp_path, stranger)


def test_the_stranger_hears_what_it_is_sent(clone: Clone) -> None:
    """A password reaches the stranger when a person chooses the profile: else nothing is proved."""
    project = "profiles: {p: {host: HOST, port: PORT, username: u}}\n"
    ran = clone.publish(project, "--profile", "p", **VARIABLES)

    assert ran.code == 69, ran.err
    assert SECRET.encode() in clone.stranger.received


REFUSED = {
    "no password (MEDTRACK_PASSWORD: held back, a project file chose": {
        "the variable password": "p: {host: HOST, port: PORT, username: u}",
        "the variable password by a URL": "p: {url: 'THEIRS'}",
        "the user's own name": "p: {host: HOST, port: PORT, username: ann}",
        "a tail of this machine's hosts": "p: {hosts: ['localhost:1', 'HOST:PORT'], username: ann}",
        "another project's variable": "p: {url: 'THEIRS', password_env: MEDTRACK_TEAM_WORD}",
        "management of its own": "p: {host: localhost, management_url: 'WEB'}",
    },
    "names a variable that is the user's own": {
        "a profile's variable": "p: {url: 'THEIRS', password_env: MEDTRACK_STAGING_WORD}",
        "medtrack's own variable": "p: {url: 'THEIRS', password_env: MEDTRACK_PASSWORD}",
        "the URL as a variable": "p: {url: 'THEIRS', password_env: MEDTRACK_URL}",
        "the passphrase": "p: {url: 'THEIRS', password_env: MEDTRACK_KEY_PASSPHRASE}",
    },
    "must begin with MEDTRACK_": {
        "a foreign variable": "p: {url: 'THEIRS', password_env: AWS_SECRET_ACCESS_KEY}",
    },
    "counts only in your own configuration": {
        "a file": "p: {url: 'THEIRS', password_file: ../secret}",
        "a file by a link": "p: {url: 'THEIRS', password_file: link/secret}",
        "a command": "p: {url: 'THEIRS', password_command: [touch, RAN]}",
        "a command as a text": "p: {url: 'THEIRS', password_command: 'touch RAN'}",
        "an unused command": "p: {host: localhost}\n  q: {password_command: [touch, RAN]}",
    },
    "can't redefine the profile": {
        "a profile of the user's": "production: {host: HOST, port: PORT}\n  p: {host: localhost}",
        "its protection": "production: {protected: false}\n  p: {host: localhost}",
        "its management": "production: {management_url: 'WEB'}\n  p: {host: localhost}",
        "the built-in medtrack": "medtrack: {host: HOST, port: PORT}\n  p: {host: localhost}",
    },
    "only on this machine": {
        "the built-in local": "local: {host: HOST, port: PORT}\n  p: {host: localhost}",
        "a URL for local": "local: {url: 'amqp://HOST:PORT'}\n  p: {host: localhost}",
        "management for local": "local: {management_url: 'WEB'}\n  p: {host: localhost}",
    },
    "only files of its own repository": {
        "a certificate of the user's": "p: {host: HOST, port: PORT, tls: {cert_file: ../secret}}",
        "a key by a link": "p: {host: HOST, port: PORT, tls: {key_file: link/secret}}",
        "an authority elsewhere": "p: {host: HOST, port: PORT, tls: {ca_file: /etc/hostname}}",
        "a key in a URL": "p: {url: 'amqps://u:p@HOST:PORT?keyfile=%2Fetc%2Fhostname'}",
    },
    "aren't read": {
        "a merge": "p: {<<: *production, host: HOST}",
        "a tag": "p: !!python/object/apply:os.system ['touch RAN']",
    },
}
ATTACKS = [
    pytest.param(attack, words, id=name)
    for words, attacks in REFUSED.items()
    for name, attack in attacks.items()
]


@pytest.mark.parametrize(("attack", "words"), ATTACKS)
def test_attack_fails(clone: Clone, attack: str, words: str) -> None:
    """It ends with 78, for its own reason; no program has run, the stranger got nothing."""
    ran = clone.publish(f"default_profile: p\nprofiles:\n  {attack}\n", **VARIABLES)

    assert (ran.code, words in ran.err) == (78, True), ran.err
    assert clone.stranger.received == b""
    assert not (clone.folder / "ran").exists()
    assert SECRET not in ran.out + ran.err


# After the stranger's address: one reader of URLs finds this machine, another the stranger.
TWO_HOSTS = [
    *(r"\[::1]", r"\@localhost", r"\\@127.0.0.1/", "@localhost", ":80@localhost", "#@localhost"),
    *("?@localhost/", "/@localhost", "\t@localhost", "\n@[::1]", "%5c[::1]", "%40localhost"),
    *("[::1]", "&@localhost", ";@localhost", " @localhost", "\uff0f@localhost", "\uff20localhost"),
]


@pytest.mark.parametrize("tail", TWO_HOSTS)
@pytest.mark.parametrize("profile", ["local", "p"])
def test_no_url_has_two_hosts(clone: Clone, profile: str, tail: str) -> None:
    """A management URL that two readers may read differently is refused, and asked by none."""
    url = json.dumps(f"WEB{tail}")
    project = f"profiles: {{{profile}: {{host: localhost, management_url: {url}}}}}\n"
    ran = clone.publish(f"default_profile: {profile}\n{project}", "--dry-run", **VARIABLES)

    assert (ran.code, "not a management URL" in ran.err) == (78, True), ran.err
    assert clone.stranger.received == b""


@pytest.mark.parametrize("folder", ["..", "link", "/etc", "~", "link/../..", "a/../../b"])
def test_schemas_stay_in_the_repository(clone: Clone, folder: str) -> None:
    """Schemas outside the repository are refused at their line, by validate as well."""
    ran = clone.publish(f"service: s\nschemas: [{folder}]\n")

    assert ran.code == 78
    assert f"files of its own repository: {clone.folder}/medtrack.yaml:2" in ran.err


def test_a_schema_is_no_link_out_of_the_repository(clone: Clone) -> None:
    """Among a project's schemas a link that leads out is refused, one that stays inside isn't."""
    schema = json.dumps({"type": "object", "description": SECRET})
    for folder in (clone.home, clone.folder):
        (folder / "any.json").write_text(schema)
    (clone.folder / "schemas/room.booked").mkdir(parents=True)
    link = clone.folder / "schemas/room.booked/1.0.json"
    (clone.folder / "medtrack.yaml").write_text("schemas: [schemas]\n")

    def shown(target: str) -> Ran:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        return clone.run("schema", "show", "room.booked")

    assert (shown("../../any.json").code, SECRET in shown("../../any.json").out) == (0, True)
    for out in ("../../../any.json", str(clone.home / "any.json"), "../../link/any.json"):
        ran = shown(out)
        assert (ran.code, SECRET in ran.out + ran.err) == (78, False), ran
        assert f"files of its own repository: {link}" in ran.err


def test_a_url_without_a_host_stays_at_home(clone: Clone) -> None:
    """MEDTRACK_URL with a password and no host isn't completed by the project's host."""
    project = "default_profile: p\nprofiles: {p: {host: HOST, port: PORT}}\n"
    ran = clone.publish(project, MEDTRACK_URL=f"amqp://ann:{SECRET}@")

    assert (ran.code, clone.stranger.received) == (78, b"")


def test_a_default_profile_of_the_users_keeps_its_password(clone: Clone) -> None:
    """A project that takes the default profile's place gets nothing of it."""
    own = clone.home / ".config/medtrack/config.yaml"
    own.write_text(f"default_profile: production\n{USERS}")
    project = "default_profile: p\nprofiles: {p: {host: HOST, port: PORT, username: ann}}\n"
    ran = clone.publish(project)

    assert (ran.code, clone.stranger.received) == (78, b"")


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/tty", "/dev/stdin", "..", "fifo"])
def test_a_configuration_that_is_no_file(clone: Clone, target: str) -> None:
    """A project file that is a device, a folder or a FIFO is refused, and nobody waits for it."""
    os.mkfifo(clone.folder / "fifo")
    (clone.folder / "medtrack.yaml").symlink_to(target)
    ran = clone.run("config", "show")

    assert ran.code == 78
    assert f"{clone.folder}/medtrack.yaml\n" in ran.err


def test_a_link_to_a_secret_shows_none_of_it(clone: Clone) -> None:
    """A project file that is a link to the user's secret is quoted in no error."""
    (clone.folder / "medtrack.yaml").symlink_to(clone.home / "secret")
    ran = clone.run("config", "show", "-vv")

    assert ran.code == 78
    assert SECRET not in ran.out + ran.err
