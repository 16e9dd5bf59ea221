"""The known event types, their versions, and what each contains."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any, NamedTuple, cast

from medtrack_cli.errors import UsageError
from medtrack_cli.events.event_type import EventType, FieldType
from medtrack_cli.events.findings import Path, Problem, Rule
from medtrack_cli.events.formats import Mark
from medtrack_cli.events.names import ENVELOPE_FIELDS
from medtrack_cli.events.versions import VERSION, version_numbers
from medtrack_cli.interrupts import postponed
from medtrack_cli.suggestions import did_you_mean

Validate = Callable[[bytes], Any]
"""Reads an event's JSON; raises pydantic's ValidationError."""


class Selected(NamedTuple):
    """The version by which an event is checked; None when its version can't be judged."""

    event_type: EventType | None
    problem: Problem | None = None


class Registry:
    """Event types by name, each in its versions, the newest last. Immutable."""

    def __init__(self, event_types: Iterable[EventType]) -> None:
        versions: dict[str, list[EventType]] = {}
        for each in event_types:
            versions.setdefault(each.name, []).append(each)
        self._versions = {
            name: tuple(sorted(known, key=lambda each: version_numbers(each.version)))
            for name, known in versions.items()
        }

    def __iter__(self) -> Iterator[EventType]:
        """Every type in every version: built-in ones first, in their order."""
        return (each for known in self._versions.values() for each in known)

    @property
    def documents(self) -> list[tuple[str, str, dict[str, Any]]]:
        """What `extended` needs to make an equal registry, also in another process."""
        return [(each.name, each.version, each.document) for each in self if each.document]

    @property
    def names(self) -> list[str]:
        return list(self._versions)

    def newest(self, name: object) -> EventType | None:
        """Give the newest version of a type; None when there is no such type."""
        known = self._versions.get(name) if isinstance(name, str) else None
        return known[-1] if known else None

    def find(self, name: str, version: str | None = None) -> EventType:
        """Look a type up by name; UsageError with the nearest name when there is none."""
        known = self._versions.get(name)
        if known is None:
            hint = did_you_mean(name, self.names) or "medtrack schema list"
            raise UsageError("no such event type", name, hint=hint)
        if version is None:
            return known[-1]
        for each in known:
            if each.version == version:
                return each
        listed = ", ".join(each.version for each in known)
        raise UsageError("no such version", f"{name} {version}", hint=f"known: {listed}")

    def select(self, name: str, version: object) -> Selected:
        """Choose the version to check an event by.

        A higher minor of a known major is checked by the newest known, with a warning; a malformed
        version by the newest, which will report it.
        """
        known = self._versions[name]
        if not isinstance(version, str) or not re.fullmatch(VERSION, version):
            return Selected(known[-1])
        major, minor = version_numbers(version)
        same_major = [each for each in known if version_numbers(each.version)[0] == major]
        fitting = [each for each in same_major if version_numbers(each.version)[1] <= minor]
        if not fitting:
            listed = ", ".join(each.version for each in known)
            missing = version if same_major else f"{major}.x"
            message = f"{name} has no version {missing}"
            problem = Problem(Rule.UNKNOWN_VERSION, ("version",), message, f"known: {listed}")
            return Selected(None, problem)
        chosen = fitting[-1]
        if chosen.version == version or chosen is not same_major[-1]:
            return Selected(chosen)
        message = f"newer than the newest known version of {name}, {chosen.version}"
        message += ", by which it was checked"
        return Selected(chosen, Problem(Rule.NEWER_MINOR_VERSION, ("version",), message))

    @cached_property
    def validate_json(self) -> Validate:
        """Validate an event by its event_type: any built-in type without another version.

        It is the hot path of all commands; `explain` reads again what it refuses.
        """
        alone = [known[0] for known in self._versions.values() if len(known) == 1]
        return _validator(
            {
                "type": "tagged-union",
                "discriminator": "event_type",
                "choices": {each.name: _event_schema(each) for each in alone if each.schema},
            }
        )

    def wants_text(self, event_type: str | None, path: Path, version: str | None = None) -> bool:
        """Return whether a string is wanted at this path, so that YAML keeps a scalar's text."""
        return _wants_text(self, event_type, path, version)


@cache
def _described() -> dict[str, Any]:
    """Read what `make docs` has read off the models, out of a zip file, too."""
    path = f"{__file__.rpartition('registry')[0]}built_in.json"
    known: dict[str, Any] = json.loads(__loader__.get_data(path))  # type: ignore[name-defined]
    return known


@cache
def built_in() -> Registry:
    """Make the registry of the guide's types."""
    return Registry(
        EventType(**{**each, "fields": tuple(map(_field, each["fields"]))})
        for each in _described()["types"]
    )


def _field(said: dict[str, Any]) -> FieldType:
    mark, limits = said["mark"] and Mark[said["mark"]], said["limits"] and tuple(said["limits"])
    return FieldType(
        **{**said, "mark": mark, "limits": limits, "examples": tuple(said["examples"])}
    )


def _validator(schema: dict[str, Any]) -> Validate:
    """Make it; it caches keys alone: values are hardly ever repeated, and would take a sixth."""
    from pydantic_core import CoreConfig, SchemaValidator

    with postponed():  # a signal meanwhile is lost, and the validator is another
        validator = SchemaValidator(cast("Any", schema), CoreConfig(cache_strings="keys"))
    return cast("Validate", validator.validate_json)


def _event_schema(event_type: EventType) -> dict[str, Any]:
    """Narrow the envelope to a type and its payload."""
    envelope = _described()["envelope"]
    name = {"type": "literal", "expected": [event_type.name]}
    narrowed = {"event_type": name, "payload": event_type.schema}
    fields = {
        field: {**said, "schema": narrowed.get(field, said["schema"])}
        for field, said in envelope["fields"].items()
    }
    return {**envelope, "fields": fields}


def extended(documents: Iterable[tuple[str, str, dict[str, Any]]]) -> Registry:
    """Add types to the built-in ones: each a name, a version, and a payload's JSON Schema."""
    added = [_added(*each) for each in documents]
    return Registry([*built_in(), *added]) if added else built_in()


def _added(name: str, version: str, document: dict[str, Any]) -> EventType:
    """Make an event type from a payload's valid JSON Schema document."""
    from medtrack_cli.events.schemas import documents

    same = built_in().newest(name)
    described = [FieldType(*each) for each in documents.describe_fields(document)]
    return EventType(
        name=name,
        version=version,
        description=str(document.get("description", document.get("title", ""))),
        published_by=str(document.get(documents.PUBLISHED_BY, "")),
        emitted_by_medtrack=bool(same and same.emitted_by_medtrack),
        reactions=documents.reactions(document),
        fields=tuple(described),
        document=document,
        validator=documents.validator(document),
    )


def event_types() -> Mapping[str, EventType]:
    """Every built-in type by its name."""
    return {each.name: each for each in built_in()}


@cache
def envelope_alone() -> Validate:
    """Validate the envelope alone, for an event whose type or version is unknown."""
    return _validator(_described()["envelope"])


def validator_of(event_type: EventType) -> Validate:
    """Validate an event of a built-in type."""
    return _validator(_event_schema(event_type))


@lru_cache(maxsize=4096)
def _wants_text(
    registry: Registry, event_type: str | None, path: Path, version: str | None
) -> bool:
    if len(path) == 1:
        return path[0] in ENVELOPE_FIELDS and path[0] != "payload"
    newest = registry.newest(event_type)
    if newest is None or path[:1] != ("payload",):
        return False
    known = registry.select(newest.name, version).event_type or newest
    if known.document is not None:
        from medtrack_cli.events.schemas import documents

        return documents.wants_text(known.document, path[1:])
    field = next((each for each in known.fields if each.name == path[1]), None)
    return field is not None and field.wants_text(len(path) - 2)
