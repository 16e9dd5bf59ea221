"""What a medtrack.yaml of a working tree may not say: somebody else wrote it."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from medtrack_cli.config.keys import PROFILE_KEYS
from medtrack_cli.config.layers import Layer, Value, Written
from medtrack_cli.config.locations import repository
from medtrack_cli.config.secrets import KEY_PASSPHRASE
from medtrack_cli.config.settings_file import SettingsFile
from medtrack_cli.config.url import is_loopback
from medtrack_cli.errors import ConfigError
from medtrack_cli.walk import walk

_SCHEMA_SUFFIXES = frozenset({".json", ".yaml", ".yml"})
_OURS = [name for name, key in PROFILE_KEYS.items() if key.is_users]
_USERS_OWN_VARIABLES = frozenset({"MEDTRACK_PASSWORD", "MEDTRACK_URL", KEY_PASSPHRASE})


def check_project(project: SettingsFile, users: Mapping[str, Written]) -> None:
    """Refuse a project file that uses what belongs to the user; ConfigError names the line.

    It may not run a command or read a file for a password, nor use a variable that isn't
    MEDTRACK_…, is medtrack's own, or serves a profile of the user's; nor redefine a profile of the
    user's or `medtrack`. It may redefine `local`: `check_local` keeps that on this machine.
    """
    entries = (profile.entries.get("password_env") for profile in users.values())
    taken = {entry.text for entry in entries if entry} | _USERS_OWN_VARIABLES
    for name, profile in project.profiles.items():
        if name in users or name == "medtrack":
            what = f"a project file can't redefine the profile {name}"
            raise ConfigError(what, profile.source, hint="give it another name")
        for key in _OURS:
            if entry := profile.entries.get(key):
                what = f"{key} counts only in your own configuration"
                hint = "move the profile there, or use password_env: MEDTRACK_…"
                raise ConfigError(what, entry.source, hint=hint)
        entry = profile.entries.get("password_env")
        if entry and not entry.text.startswith("MEDTRACK_"):
            what = "in a project file password_env must begin with MEDTRACK_"
            raise ConfigError(what, entry.source, hint="rename the variable")
        if entry and entry.text in taken:
            what = "password_env names a variable that is the user's own"
            hint = "use another MEDTRACK_… variable; MEDTRACK_PASSWORD needs no password_env"
            raise ConfigError(what, entry.source, hint=hint)


def check_local(name: str, layer: Layer) -> None:
    """Refuse a project's `local` or `private` that isn't on this machine: people trust them."""
    what = f"a project file can move the profile {name} only on this machine"
    hosts = layer.get("hosts")
    if hosts and not all(is_loopback(host) for host, _ in hosts.value):
        raise ConfigError(what, hosts.source, hint="give the profile another name")
    management = layer.get("management_url")
    if management and not is_loopback(management.value.host):
        raise ConfigError(what, management.source, hint="give the profile another name")


def check_paths(file: Path, paths: Iterable[Value[Path] | None]) -> None:
    """Refuse a path in a project file that leads out of its repository, links followed."""
    root = os.path.realpath(repository(file.parent))
    for path in filter(None, paths):
        if not Path(os.path.realpath(path.value)).is_relative_to(root):
            what = "a project file can name only files of its own repository"
            hint = "name it in your own configuration, or by a flag"
            raise ConfigError(what, path.source, hint=hint)


def check_schemas(file: Path, folders: Sequence[Value[Path]]) -> None:
    """Refuse schemas and folders of schemas that lead out of the file's repository."""
    check_paths(file, folders)
    links = (link for folder in folders for link in _linked_schemas(folder.value))
    check_paths(file, (Value(link, str(link)) for link in links))


def _linked_schemas(folder: Path) -> Iterator[Path]:
    """Find links that would be read as schemas; links to folders are not followed."""
    for parent, names in walk(str(folder), lambda _error: None):
        for path in (Path(parent, name) for name in names):
            if path.suffix in _SCHEMA_SUFFIXES and os.path.islink(path):
                yield path
