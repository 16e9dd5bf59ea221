"""The contracts that schemas define: in folders, at an earlier time, in one file."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from medtrack_cli.core.compatibility import Contract
from medtrack_cli.errors import BrokenSchema
from medtrack_cli.events.registry import Registry, extended
from medtrack_cli.files.schemas.folders import SchemaFault, load, read_schema
from medtrack_cli.files.schemas.revisions import as_they_were


class Contracts(NamedTuple):
    """The usable schemas of folders, and the faults of the others."""

    usable: list[Contract]
    faults: list[SchemaFault]


def read_contracts(folders: Sequence[Path]) -> Contracts:
    """Read the schemas of folders, and their faults."""
    found = list(load(folders))
    return Contracts(
        [Contract(*each[:3]) for each in found if not isinstance(each, SchemaFault)],
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
        raise BrokenSchema(faults[0].message, faults[0].place, hint=hint)
    return extended((name, version, dict(schema)) for name, version, schema in contracts)
