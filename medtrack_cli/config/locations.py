"""Where configuration files are, and how the user's first one is created."""

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from medtrack_cli import whole_file
from medtrack_cli.errors import CannotCreate

PROJECT_FILE = "medtrack.yaml"

INITIAL = """\
# medtrack: the user's own configuration. Flags, MEDTRACK_… variables and a project's
# medtrack.yaml come before it. Take the # from a line to use it.
# `medtrack config show` prints every value with its source.

default_profile: local                      # --profile chooses another
#service: external-registration-service     # fills an event's `service`
#schemas: [./schemas]                       # more event types, from this file's folder

# `local` (localhost:5672, the guide's credentials) and `medtrack` (rabbitmq.medtrack.com,
# protected, no password) are built in. What a profile leaves out is: host localhost, port 5672
# (5671 with TLS), vhost /, username guest, exchange medtrack.events, protected false.
#profiles:
#  production:
#    hosts: [rabbitmq-1.medtrack.com, rabbitmq-2.medtrack.com]  # failover, in shuffled order
#    tls: {ca_file: ca.pem}                 # also cert_file, key_file, server_name; {} will do
#    vhost: /
#    username: registration
#    password_env: MEDTRACK_PROD_PASSWORD   # or one of the password keys below
#    exchange: medtrack.events
#    management_url: https://rabbitmq-1.medtrack.com:15671  # for hints, dry runs and gaps
#    protected: true                        # publish and replay ask first; --yes in scripts
#  staging:
#    host: rabbitmq.staging.medtrack.com    # one, in the place of hosts
#    port: 5671
#    tls: {}                                # the system's authorities
#    username: registration
#    password_command: [pass, show, medtrack]   # or password_file: PATH, closed to others
#  sandbox:
#    url: amqp://registration@localhost/sandbox   # amqps:// asks for TLS; a key beside it wins
#    password: secret                       # or in the URL, percent-encoded
"""


class FileKind(StrEnum):
    """Who wrote a configuration file."""

    PROJECT = "project"  # found in a working tree: written by somebody else
    USER = "user"
    EXPLICIT = "explicit"  # named by --config or MEDTRACK_CONFIG: trusted as the user's


class LookedAt(NamedTuple):
    """A place where a configuration was searched."""

    path: Path
    kind: FileKind
    exists: bool


def paths(
    environ: Mapping[str, str], cwd: Path, explicit: str | None = None
) -> tuple[LookedAt, ...]:
    """List the places of configuration files, the one that wins first.

    `explicit` is --config; it, or MEDTRACK_CONFIG, replaces all others.
    """
    named = explicit if explicit is not None else environ.get("MEDTRACK_CONFIG") or None
    if named is not None:
        return (_looked_at(cwd / expanded(named), FileKind.EXPLICIT),)
    project = [folder / PROJECT_FILE for folder in _project_folders(cwd)]
    nearest = next(filter(os.path.lexists, project), project[0])
    return _looked_at(nearest, FileKind.PROJECT), user_file(environ)


def user_file(environ: Mapping[str, str]) -> LookedAt:
    """Give the place of the user's own file."""
    return _looked_at(_user_config(environ), FileKind.USER)


def create_user_config(environ: Mapping[str, str]) -> Path:
    """Write the user's first configuration, readable by nobody else; never over another.

    CannotCreate when it exists already or can't be written.
    """
    path = _user_config(environ)
    try:
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        whole_file.create(path, INITIAL)
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            what = "the configuration is there already"
            raise CannotCreate(what, str(path), hint="edit it, or move it away first") from None
        what = f"can't create the configuration ({error.strerror})"
        hint = "XDG_CONFIG_HOME chooses another folder"
        raise CannotCreate(what, str(path), hint=hint) from None
    return path


def _looked_at(path: Path, kind: FileKind) -> LookedAt:
    return LookedAt(path, kind, os.path.lexists(path))


def expanded(text: str) -> Path:
    """Expand a path's `~`; that of an unknown user stays, and so doesn't exist."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def _project_folders(cwd: Path) -> tuple[Path, ...]:
    """List the folders from `cwd` up to the repository's root; without one, only `cwd`.

    A folder above that may be anybody's: on a shared machine others can write to /tmp.
    """
    upward = (cwd, *cwd.parents)
    return upward[: upward.index(repository(cwd)) + 1]


def repository(folder: Path) -> Path:
    """Find the root of the repository that a folder is in; without one, the folder itself."""
    upward = (folder, *folder.parents)
    return next((each for each in upward if os.path.lexists(each / ".git")), folder)


def _user_config(environ: Mapping[str, str]) -> Path:
    """Find the user's file by the XDG rules: a relative XDG_CONFIG_HOME counts as unset."""
    folder = Path(environ.get("XDG_CONFIG_HOME", ""))
    if not folder.is_absolute():
        folder = Path(environ.get("HOME") or expanded("~")) / ".config"
    return folder / "medtrack" / "config.yaml"
