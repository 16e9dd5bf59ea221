"""Values for the shell's completion: little is imported, the time is bounded, nothing is cached."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.versions import version_numbers
from medtrack_cli.files.samples import sample_folder
from medtrack_cli.files.schemas.names import named, schema_files
from medtrack_cli.output.safe_text import hidden_in
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.config.model import Config
    from medtrack_cli.core.publishing.runs import Run

__all__ = ["event_types", "fields_of", "hidden_in", "profiles", "queues", "recorded_keys", "runs"]

BROKER_SECONDS = 0.3  # for all requests to a broker
_MOST_SCHEMAS = 2_000
_MOST_BYTES = 256 * 1024  # of a schema, and of a recording

EventTypes = Mapping[str, Mapping[str, Path]]
"""Name -> version -> the file that shows its fields, versions in order."""


def event_types(runtime: Runtime) -> EventTypes:
    """Find the event types by the names of files: of the samples, and of the schemas' folders."""
    found = {path.stem: {"1.0": path} for path in sorted(sample_folder().glob("*.json"))}
    try:
        folders = _without_broker(runtime).schema_folders
    except MedtrackError:  # a configuration with a mistake
        folders = ()
    paths = (path for folder in folders for path in schema_files(folder, lambda _error: None))
    for path in islice(paths, _MOST_SCHEMAS):
        if name := named(path):
            found.setdefault(name.event_type, {}).setdefault(name.version, path)
    return {
        name: dict(sorted(versions.items(), key=lambda each: version_numbers(each[0])))
        for name, versions in found.items()
    }


def fields_of(versions: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    """Give the paths of an event's fields, with their descriptions."""
    for path in versions.values():
        document = _document(path)
        if path.parent == sample_folder():
            yield from ((name, "") for name in document if name != "payload")
            properties = document["payload"]
        else:
            properties = document.get("properties") or {}
        for name, about in properties.items():
            said = about.get("description", "") if isinstance(about, dict) else ""
            yield f"payload.{name}", str(said)


def _document(path: Path) -> dict[str, Any]:
    """Read a schema or a sample; ValueError if it can't be read, or is too large to wait for."""
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES + 1)
    if len(text) > _MOST_BYTES:
        raise ValueError(path)
    if path.suffix == ".json":
        document = json.loads(text)
    else:
        import yaml

        document = yaml.safe_load(text)
    if not isinstance(document, dict):
        raise ValueError(path)  # noqa: TRY004 -- as of what can't be parsed
    return document


def recorded_keys(paths: Iterable[str]) -> set[str]:
    """Find the routing keys at the beginnings of recordings."""
    return {key for path in paths if os.path.isfile(path) for key in _keys(path)}


def _keys(path: str) -> Iterator[str]:
    with Path(path).open("rb") as file:
        lines = file.read(_MOST_BYTES).split(b"\n")
    for line in lines[:-1]:  # the last line may be incomplete
        record = json.loads(line)
        if isinstance(record, dict) and isinstance(key := record.get("routing_key"), str):
            yield key


def runs(runtime: Runtime) -> list["Run"]:
    """List the replays that are known."""
    from medtrack_cli.core.publishing.runs import Run
    from medtrack_cli.wiring.runs import replays

    return [run for run in replays(runtime).all() if isinstance(run, Run)]


def profiles(runtime: Runtime) -> tuple[str, ...]:
    """List the profiles there are."""
    return _without_broker(runtime).config.profiles


def _without_broker(runtime: Runtime) -> Runtime:
    """Ignore which profile was chosen: it may be mistyped, or its broker down."""
    typed = {name: text for name, text in runtime.flags.items() if name == "config"}
    return replace(runtime, flags={**typed, "profile": "local"})


def queues(runtime: Runtime) -> tuple[str, ...]:
    """Ask the broker for its queues, if it may be asked; never asks for a password.

    TimeoutError when that takes too long: whatever still waits is abandoned.
    """
    import urllib3  # noqa: F401 -- else loading it would take half of the time

    from medtrack_cli.broker.management.client import names
    from medtrack_cli.broker.patience import within

    def ask() -> tuple[str, ...]:
        config = replace(runtime.config, prompt=None)
        return names(config.connection(), "queues", BROKER_SECONDS) if _may_ask(config) else ()

    return within(BROKER_SECONDS, ask)


def _may_ask(config: "Config") -> bool:
    """Return whether the Tab key may cause a request to this broker.

    No setting may come from a project's file, no program is run for its password, and no profile
    protects it. It is on this machine, or its address is in the user's own file.
    """
    from medtrack_cli.config.layers import Level
    from medtrack_cli.config.locations import FileKind
    from medtrack_cli.config.secrets import PasswordCommand

    of = config.resolved
    values = [config.profile_value, *(getattr(of, each.name) for each in fields(of))]
    if (
        of.management_url.value is None
        or of.protected.value
        or isinstance(of.password.value, PasswordCommand)
        or any(each.level is Level.PROJECT for each in values)
    ):
        return False
    is_users = all(each.kind is not FileKind.EXPLICIT for each in config.files) and (
        of.hosts.level is of.management_url.level is Level.USER
    )
    hosts = [*of.hosts.value, of.management_url.value.at]
    return is_users or all(host.is_loopback for host in hosts)
