"""The folders of added event types: `<event_type>/<version>.json` or `.yaml`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from medtrack_cli.core.items import Item, without_empty
from medtrack_cli.errors import InputMissing
from medtrack_cli.events.findings import At, Span
from medtrack_cli.events.findings import Path as JsonPath
from medtrack_cli.events.json_text import examine
from medtrack_cli.events.registry import built_in
from medtrack_cli.events.schemas import documents
from medtrack_cli.events.schemas.problems import problems
from medtrack_cli.files.reading.sources import expand
from medtrack_cli.files.reading.syntax import read
from medtrack_cli.files.schemas.names import named, schema_files


class SchemaDocument(NamedTuple):
    """The contract of one event type in one version, as its file defines it."""

    event_type: str
    version: str
    document: dict[str, Any]
    path: Path


class SchemaFault(NamedTuple):
    """Why a file can't be used as a schema, and where."""

    path: Path
    span: Span
    message: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.span.line}:{self.span.column}"


_TOP = Span(1, 1, 2)


def load(folders: Iterable[Path]) -> Iterator[SchemaDocument | SchemaFault]:
    """Read every schema of the folders, in order of their names, and report every fault.

    A version that two files describe is a fault of the second; so is a built-in version.
    """
    seen: dict[tuple[str, str], Path | str] = {
        (each.name, each.version): "medtrack itself" for each in built_in()
    }
    for folder in folders:
        errors: list[OSError] = []
        paths = sorted(schema_files(folder, errors.append))
        yield from map(_unreadable, errors)
        for path in paths:
            yield from _load(path, seen)


def _unreadable(error: OSError) -> SchemaFault:
    what = f"a folder of schemas that can't be read ({error.strerror})"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        what = "no such folder of schemas"
    return SchemaFault(Path(error.filename), _TOP, what)


def _load(
    path: Path, seen: dict[tuple[str, str], Path | str]
) -> Iterator[SchemaDocument | SchemaFault]:
    name = named(path)
    if name is None:
        message = "a schema stands in EVENT_TYPE/VERSION.json, such as room.booked/1.0.json"
        yield SchemaFault(path, _TOP, message)
        return
    event_type, version = name
    other = seen.setdefault(name, path)
    if other is not path:
        yield SchemaFault(path, _TOP, f"{event_type} {version} stands in {other} already")
        return
    for found in _read(path):
        if isinstance(found, SchemaFault):
            yield found
        else:
            yield SchemaDocument(event_type, version, found, path)


def read_schema(path: Path) -> SchemaFault | dict[str, Any]:
    """Read one schema file anywhere: its document, or its first fault."""
    return next(_read(path))


def _read(path: Path) -> Iterator[SchemaFault | dict[str, Any]]:
    """Yield the file's faults, or its document if there are none."""
    try:
        items = [*_items(path)]
    except InputMissing as error:
        yield SchemaFault(path, _TOP, error.what)
        return
    if len(items) != 1:
        yield SchemaFault(path, _TOP, f"a file holds one schema, this one {len(items)}")
        return
    item = items[0]
    value, found = examine(item.body) if item.body else (None, [])
    yield from (SchemaFault(path, each.span, each.message) for each in item.findings)
    yield from (SchemaFault(path, item.span(p.where, p.at), p.message) for p in found)
    if item.findings or found:
        return
    faults = list(_faults(value))
    yield from (SchemaFault(path, item.span(where, At.VALUE), said) for where, said in faults)
    if not faults and isinstance(value, dict):
        yield value


def _items(path: Path) -> Iterator[Item]:
    for source in expand([str(path)]):
        if isinstance(source, InputMissing):
            raise source
        items = read(source, wants_text=lambda *_: False, open_stdin=_no_stdin)
        yield from without_empty(items)


def _no_stdin() -> Any:  # noqa: ANN401 -- never returns
    raise OSError("a schema is a file")


def _faults(document: object) -> Iterator[tuple[JsonPath, str]]:
    """Find a document's faults, including those of its examples."""
    faults = list(documents.faults(document))
    yield from faults
    if faults or not isinstance(document, dict):
        return
    validator = documents.validator(document)
    for number, example in enumerate(documents.examples(document)):
        for problem in problems(document, validator, example, ("examples", number)):
            where = problem.where if isinstance(problem.where, tuple) else ("examples", number)
            yield where, f"the example is no valid payload: {problem.message}"
