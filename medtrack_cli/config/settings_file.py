"""A configuration file, its keys checked and every setting with its line."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from medtrack_cli.config.keys import PROFILE_KEYS, TLS_KEYS, TOP_KEYS, Key
from medtrack_cli.config.layers import Entry, Level, Written
from medtrack_cli.config.locations import FileKind
from medtrack_cli.config.secrets import require_own, require_private
from medtrack_cli.config.yaml_document import Node, Scalar, Sequence, Table, parse_document
from medtrack_cli.errors import ConfigError
from medtrack_cli.suggestions import nearest_or_all

_LARGEST = 128 * 1024  # bytes; PyYAML needs half a second for them
_SEE_INIT = "`medtrack config init` writes a commented example"


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The settings of one file, as written."""

    path: Path
    kind: FileKind
    top: Mapping[str, Entry] = field(default_factory=dict)
    profiles: Mapping[str, Written] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        return Level.PROJECT if self.kind is FileKind.PROJECT else Level.USER


def read_settings(path: Path, kind: FileKind) -> SettingsFile:
    """Read a configuration file; ConfigError, with its line, when it can't be used.

    A user's file with a password must be inaccessible to others; any user's file must not be
    writable by everybody, as it may name a command.
    """
    text, mode = _read(path, kind)
    if kind is not FileKind.PROJECT:
        require_own(path, mode)
    root = parse_document(text, str(path))
    if root is None:
        return SettingsFile(path, kind)
    table = _table(root, f"{path}:{root.line}")
    top = _entries(table, TOP_KEYS, path)
    node, line = table.items.get("profiles", (Table({}, 0), 0))
    profiles = {
        name: Written(_profile(node, line, path), f"{path}:{line}")
        for name, (node, line) in _table(node, f"{path}:{line}").items.items()
    }
    if kind is not FileKind.PROJECT and any(map(_holds_password, profiles.values())):
        require_private(path, mode)
    return SettingsFile(path, kind, top, profiles)


def _read(path: Path, kind: FileKind) -> tuple[str, int]:
    """Read a file's text and mode. Only an explicit one may be a pipe: `--config <(…)`."""
    flags = os.O_RDONLY if kind is FileKind.EXPLICIT else os.O_RDONLY | os.O_NONBLOCK
    try:
        with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
            mode = os.fstat(file.fileno()).st_mode
            if kind is not FileKind.EXPLICIT and not stat.S_ISREG(mode):
                what, hint = "the configuration is no file", "move away what is there"
                raise ConfigError(what, str(path), hint=hint)
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        what = f"can't read the configuration ({error.strerror})"
        hint = "check the path and its permissions; `medtrack config path` lists the places"
        raise ConfigError(what, str(path), hint=hint) from None
    if len(raw) > _LARGEST:
        raise ConfigError("a configuration over 128 KiB", str(path), hint=_SEE_INIT)
    try:
        return raw.decode("utf-8-sig"), mode
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
    raise ConfigError("not UTF-8", f"{path}:{line}", hint="save the file as UTF-8")


def _holds_password(profile: Written) -> bool:
    if "password" in profile.entries:
        return True
    return profile.url is not None and profile.url.password is not None


def _profile(node: Node, line: int, path: Path) -> dict[str, Entry]:
    """Read one profile; the keys under `tls` are moved beside the others."""
    table = _table(node, f"{path}:{line}")
    entries = _entries(table, PROFILE_KEYS, path)
    if "tls" in table.items:
        tls_node, tls_line = table.items["tls"]
        place = f"{path}:{tls_line}"
        if not _is_unset(tls_node):
            entries |= _entries(_table(tls_node, place), TLS_KEYS, path)
            entries["tls"] = Entry((), place)
    return entries


def _entries(table: Table, known: Mapping[str, Key], path: Path) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for key, (node, line) in table.items.items():
        place = f"{path}:{line}"
        if key not in known:
            _refuse_key(key, known, place)
        if key in {"profiles", "tls"} or _is_unset(node):
            continue
        is_list = known[key].is_list
        nodes = node.items if isinstance(node, Sequence) and is_list else (node,)
        texts = tuple(item.text.reveal() for item in nodes if isinstance(item, Scalar))
        if len(texts) < len(nodes) or not nodes:
            wanted = "a text or a list of texts" if is_list else "one text"
            raise ConfigError(f"{key} must be {wanted}", place, hint=_SEE_INIT)
        entries[key] = Entry(texts, place)
    return entries


def _refuse_key(key: str, known: Mapping[str, Key], place: str) -> NoReturn:
    """Refuse an unknown key, quoted only if it is a word: `{password:x}` is a key to YAML."""
    quoted = f" {key}" if re.fullmatch("[A-Za-z0-9_-]{1,40}", key) else ""
    raise ConfigError(f"unknown key{quoted}", place, hint=nearest_or_all(key, known))


def _is_unset(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_unset


def _table(node: Node, place: str) -> Table:
    if isinstance(node, Table):
        return node
    if _is_unset(node):
        return Table({}, node.line)
    raise ConfigError("a mapping of keys is wanted here", place, hint=_SEE_INIT)
