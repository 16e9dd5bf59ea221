"""The folders of added event types: `<event_type>/<version>.json` or `.yaml`."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medtrack_cli.core.compatibility import Contract
from medtrack_cli.core.items import Item, without_empty
from medtrack_cli.errors import BrokenSchema, InputMissing
from medtrack_cli.events.findings import At, Span
from medtrack_cli.events.findings import Path as JsonPath
from medtrack_cli.events.json_text import examine
from medtrack_cli.events.registry import Registry, built_in, extended
from medtrack_cli.events.schemas import documents
from medtrack_cli.events.schemas.problems import problems
from medtrack_cli.files.reading.sources import expand
from medtrack_cli.files.reading.streams import no_stdin
from medtrack_cli.files.reading.syntax import read
from medtrack_cli.files.schemas.names import named, schema_files
from medtrack_cli.files.schemas.revisions import as_they_were


class SchemaFault(NamedTuple):
    """Why a file can't be used as a schema, and where."""

    path: Path
    span: Span
    message: str

    @property
    def place(self) -> str:
        if self.message == _NO_FOLDER:
            return str(self.path)
        return f"{self.path}:{self.span.line}:{self.span.column}"


class Contracts(NamedTuple):
    """The usable schemas of folders, and the faults of the others."""

    usable: list[Contract]
    faults: list[SchemaFault]


_TOP = Span(1, 1, 2)
_NO_FOLDER = "no such folder of schemas"
_A_FILE = "a file, and no folder of schemas: name the folder with EVENT_TYPE/VERSION.json in it"


def load(folders: Iterable[Path]) -> Iterator[Contract | SchemaFault]:
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
        what = _A_FILE if Path(error.filename).is_file() else _NO_FOLDER
    return SchemaFault(Path(error.filename), _TOP, what)


def _load(path: Path, seen: dict[tuple[str, str], Path | str]) -> Iterator[Contract | SchemaFault]:
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
            yield Contract(event_type, version, found)


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
        items = read(source, wants_text=lambda *_: False, open_stdin=no_stdin)
        yield from without_empty(items)


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


def read_contracts(folders: Sequence[Path]) -> Contracts:
    """Read the schemas of folders, and their faults."""
    found = list(load(folders))
    return Contracts(
        [each for each in found if not isinstance(each, SchemaFault)],
        [each for each in found if isinstance(each, SchemaFault)],
    )


def contracts_as_they_were(against: str, folders: Sequence[Path]) -> list[Contract]:
    """Read the schemas of another folder, or of these folders at a git revision.

    Raises BrokenSchema when one of them can't be used, InputMissing.
    """
    with as_they_were(against, folders) as old:
        contracts, faults = read_contracts(old)
    if faults:
        hint = "compare with a revision whose schemas can be used"
        raise BrokenSchema(f"{against}: {faults[0].message}", faults[0].place, hint=hint)
    return contracts


def read_contract(path: Path) -> Contract:
    """Read one schema anywhere; BrokenSchema when it can't be used."""
    found = read_schema(path)
    if isinstance(found, SchemaFault):
        hint = "medtrack schema export student.created"
        raise BrokenSchema(found.message, found.place, hint=hint)
    return Contract(path.stem, str(path), found)


def registry_of(folders: Sequence[Path]) -> Registry:
    """Add the types of folders to the built-in ones; BrokenSchema when one can't be used."""
    contracts, faults = read_contracts(folders)
    if faults:
        hint = "medtrack schema check shows every fault"
        if faults[0].message in {_NO_FOLDER, _A_FILE}:
            hint = "medtrack config show says which file names it"
        raise BrokenSchema(faults[0].message, faults[0].place, hint=hint)
    return extended((name, version, dict(schema)) for name, version, schema in contracts)
