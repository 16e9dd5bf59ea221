"""Why a document refuses a payload: jsonschema-rs's errors as problems, each with its place."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from jsonschema_rs import Draft202012Validator, ValidationError

from medtrack_cli.events.findings import Path, Problem, json_pointer
from medtrack_cli.events.json_text import MOST
from medtrack_cli.events.problem_texts import field_problems
from medtrack_cli.events.schemas.documents import compiled, located
from medtrack_cli.events.schemas.references import every
from medtrack_cli.events.schemas.wording import problem

_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
"""Keywords followed in a schema's path by a name that is no keyword."""

_MOST_KEYS = 500
_PLACE = "\n\nOn instance"
_STEP = re.compile(r'\[(?:"(.*?)"|(\d+))\](?=\[|\Z)', re.DOTALL)


class _Place(NamedTuple):
    """What is refused, and its path in the payload; for a key the path of its member."""

    path: Path
    value: Any
    is_key: bool = False

    def below(self, step: str | int) -> "_Place":
        return _Place((*self.path, step), self.value[step])

    def key(self, name: str) -> "_Place":
        return _Place((*self.path, name), name, is_key=True)


def problems(
    document: Mapping[str, Any],
    validator: Draft202012Validator,
    payload: object,
    top: Path,
    *,
    only_first: bool = False,
) -> list[Problem]:
    """Check a payload by a document and its validator; `top` is its path in the event."""
    only_first = only_first or _is_too_much(document, payload)
    report = _Report(document, validator, payload, top, asks_for_places=not only_first)
    for error in _errors(validator, payload, only_first=only_first):
        report.add(error, report.placed(error))
    return report.problems


def _is_too_much(document: Mapping[str, Any], payload: object) -> bool:
    """Return whether errors would take too much: one about a key holds all its object's members."""
    return any(len(each) > _MOST_KEYS for each in _objects(payload)) and any(
        "propertyNames" in each.schema for _, each in every(document)
    )


def _objects(payload: object) -> Iterator[dict[str, Any]]:
    """Walk the objects in a payload."""
    left = [payload]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            yield value
            left += value.values()
        elif isinstance(value, list):
            left += value


def _errors(
    validator: Draft202012Validator, payload: object, *, only_first: bool
) -> Iterable[ValidationError]:
    if not only_first:
        return validator.iter_errors(payload)
    try:
        validator.validate(payload)
    except ValidationError as error:
        return (error,)
    return ()


class _Report:
    """The problems of one payload, added error by error."""

    def __init__(
        self,
        document: Mapping[str, Any],
        validator: Draft202012Validator,
        payload: object,
        top: Path,
        *,
        asks_for_places: bool,
    ) -> None:
        self._document = document
        self._validator = validator
        self._payload = payload
        self._top = top
        self._asks_for_places = asks_for_places
        self._parts: dict[str, Draft202012Validator] = {}
        self._missing: dict[Path, None] = {}
        self._unknown: dict[Path, None] = {}
        self._found: dict[Problem, None] = {}

    @property
    def problems(self) -> list[Problem]:
        """Each problem once, though several branches of a schema may report it."""
        return [*field_problems([*self._missing], [*self._unknown]), *self._found]

    def add(self, error: ValidationError, place: _Place) -> None:
        """Add an error's problems."""
        kind = error.kind.as_dict()
        match error.kind.name:
            case "required":
                self._missing[*self._top, *place.path, kind["property"]] = None
            case "additionalProperties":
                self._add_unknown(place, kind["unexpected"])
            case "falseSchema" if _keyword(error) == "additionalProperties":
                self._add_unknown(place, place.value)
            case "falseSchema" if _keyword(error) == "propertyNames":
                for name in islice(place.value, MOST):
                    self._add("falseSchema", kind, place.key(name))
            case "propertyNames":
                self.add(kind["error"], place.key(kind["error"].instance))
            case "unevaluatedProperties" | "unevaluatedItems":
                self._add_unevaluated(error, place)
            case "anyOf" | "oneOf" as name:
                self._add_alternatives(name, error, place)
            case name:
                self._add(name, kind, place)

    def placed(self, error: ValidationError) -> _Place:
        """Find what is refused in the payload."""
        place = _Place((), self._payload)
        steps = _steps(error) if self._is_doubtful(error.instance_path) else error.instance_path
        with suppress(LookupError, ValueError, TypeError):  # the nearest existing one
            for step in steps:
                place = place.below(str(step) if isinstance(place.value, dict) else int(step))
        return place

    def _is_doubtful(self, steps: Iterable[str | int]) -> bool:
        """Return whether the library's path may lack a key, or have another."""
        value: Any = self._payload
        for step in steps:
            if self._has_empty_key or (isinstance(step, int) and isinstance(value, dict)):
                return True
            value = value[step]
        return self._has_empty_key

    @cached_property
    def _has_empty_key(self) -> bool:
        return any("" in each for each in _objects(self._payload))

    def _add(self, name: str, kind: Mapping[str, Any], place: _Place) -> None:
        path = (*self._top, *place.path)
        self._found[problem(name, kind, path, place.value, is_key=place.is_key)] = None

    def _add_unknown(self, place: _Place, names: Iterable[str]) -> None:
        few = islice(names, MOST)
        self._unknown |= dict.fromkeys((*self._top, *place.path, name) for name in few)

    def _add_alternatives(self, name: str, error: ValidationError, place: _Place) -> None:
        """Report the branch that is meant, if the value's type shows which.

        Branches that are nothing but lists of values count as one list.
        """
        branches = error.kind.as_dict()["context"]
        types = [_types(error, branch) for branch in branches]
        meant = [branch for branch, kinds in zip(branches, types, strict=True) if not kinds]
        others = list(dict.fromkeys(kind for kinds in types for kind in kinds))
        options = [_options(error, branch) for branch in meant]
        if not meant:
            self._add("type", {"types": others}, place)
        elif all(options):
            merged = [each for listed_ in options for each in listed_]
            self._add("enum", {"options": merged, "types": others}, place)
        elif len(meant) == 1 and meant[0]:
            for each in meant[0]:
                self.add(each, place if place.is_key else self.placed(each))
        else:
            self._add(name, {}, place)

    def _add_unevaluated(self, error: ValidationError, place: _Place) -> None:
        """Report each member or item to which no other keyword applies."""
        keyword = json_pointer(tuple(str(step) for step in error.evaluation_path if step != ""))
        refused = self._unevaluated.get((keyword, json_pointer(place.path)), ())
        for step, location in refused[:MOST]:
            child = place.below(step if isinstance(place.value, dict) else int(step))
            if location is not None:
                self._add_by_part(location, child)
            elif isinstance(place.value, dict):
                self._add_unknown(place, [step])
            else:
                self._add("falseSchema", {}, child)
        if not refused:
            self._add(error.kind.name, {}, place)

    def _add_by_part(self, location: str, place: _Place) -> None:
        """Say why one schema of the document refuses a value."""
        if location not in self._parts:
            part = {"$defs": {"of": located(self._document)}, "$ref": location}
            self._parts[location] = compiled(part)
        path = (*self._top, *place.path)
        found = problems(self._document, self._parts[location], place.value, path)
        self._found |= dict.fromkeys(found)
        if not found:
            self._add("falseSchema", {}, place)

    @cached_property
    def _unevaluated(self) -> dict[tuple[str, str], list[tuple[str, str | None]]]:
        """Map a keyword's place, and a value's, to what is refused: step, and by which schema.

        The schema is None where it is false. The errors give only the values; this output format
        gives their places too, though nothing else that can be read. It covers every value and
        every schema, which is too much for a large event.
        """
        found: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
        if not self._asks_for_places:
            return found
        for unit in self._validator.evaluate(self._payload).list()["details"]:
            keyword, errors = unit["evaluationPath"], unit.get("errors", {})
            last = keyword.rpartition("/")[2]
            if last in {"unevaluatedItems", "unevaluatedProperties"} and not (
                unit["valid"] or last in errors
            ):
                place, _, step = unit["instanceLocation"].rpartition("/")
                location = None if "falseSchema" in errors else unit["schemaLocation"]
                key = (re.sub("/+", "/", keyword), place)
                step = step.replace("~1", "/").replace("~0", "~")
                found.setdefault(key, []).append((step, location))
        return found


def _types(error: ValidationError, branch: list[ValidationError]) -> list[str]:
    """List the types that a branch requires, when the value has another one."""
    return [
        kind
        for each in branch
        if each.kind.name == "type" and each.instance_path == error.instance_path
        for kind in each.kind.as_dict()["types"]
    ]


def _options(error: ValidationError, branch: list[ValidationError]) -> list[Any]:
    """List the values that a branch allows, when it says nothing else."""
    found: list[Any] = []
    for each in branch:
        kind = each.kind.as_dict()
        if each.kind.name not in {"enum", "const"} or each.instance_path != error.instance_path:
            return []
        found += kind.get("options", [kind.get("expected_value")])
    return found


def _keyword(error: ValidationError) -> str:
    """Name the keyword at which an error's path ends; empty when it is a name or a number."""
    is_name, keyword = False, ""
    for step in error.evaluation_path:
        keyword = step if isinstance(step, str) and not is_name else ""
        is_name = keyword in _NAMED
    return keyword


def _steps(error: ValidationError) -> Iterable[str | int]:
    """Read a path from the library's message where its path differs.

    Its path leaves out an empty key, and has a number for a key that looks like one: 7 for "007".
    """
    words = error.verbose_message  # its last lines: `On instance["a"][007]:`, and the value
    end = words.rfind("\n") - 1
    parts = [
        f"[{part}]" if isinstance(part, int) else f'["{json_pointer((part,))[1:]}"]'
        for part in error.instance_path
    ]
    if words.endswith(f"{_PLACE}{''.join(parts)}", 0, end):
        return error.instance_path
    said = _STEP.finditer(words, words.rfind(_PLACE, 0, end) + len(_PLACE), end)
    return [each[2] or each[1].replace("~1", "/").replace("~0", "~") for each in said]
