"""medtrack schema check, diff."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from medtrack_cli.commands.options import Panel, argument, command, option
from medtrack_cli.core.choices import Mode
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode, InputMissing, UsageError
from medtrack_cli.output.shown.shown import Rows
from medtrack_cli.plural import counted
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medtrack_cli.core.compatibility import Compared, Contract

MODE = option(
    Panel.HOW,
    "--mode",
    "What may not break. backward: new readers understand old events; forward: old "
    "readers understand new events; full: both.",
    default=Mode.FULL,
)


@command("check", "medtrack schema check schemas", effect="read")
def check(
    runtime: Runtime,
    folders: list[Path] | None = argument(
        "FOLDER…", "Folders of schemas [those of the configuration].", default=None
    ),
    *,
    against: str | None = option(
        Panel.WHAT,
        "--against REF|DIR",
        "Compare with those of a git reference, such as main, or of a folder.",
    ),
    mode: Mode = MODE,
) -> int:
    """Check your own schemas, and their changes.

    Exit code 65: a schema can't be used. With --against, 1: a change breaks readers or writers,
    or whether it does can't be decided.
    """
    from medtrack_cli.core.compatibility import compared
    from medtrack_cli.wiring.schemas import contracts_as_they_were, read_contracts

    wanted = folders or list(runtime.config.schemas)
    if not wanted:
        hint = "name a folder, or set `schemas` in medtrack.yaml"
        raise UsageError("no schemas to check", hint=hint)
    new, faults = read_contracts(wanted)
    rows = [(fault.place, fault.message) for fault in faults]
    if rows:
        runtime.printer.show(Rows(Kind.SCHEMA_FAULT, ("place", "message"), rows))
        return ExitCode.DATA_ERROR
    if against is None:
        count = len(new)
        sentence = f"{counted(count, 'schema')}: all can be used"
        runtime.printer.summary(Kind.CHECKED, {"schemas": count, "exit_code": 0}, sentence)
        return ExitCode.DONE
    old = contracts_as_they_were(against, wanted)
    return _report(runtime, compared(old, new), mode)


@command(
    "diff",
    "medtrack schema diff schemas/room.booked/1.0.json schemas/room.booked/1.1.json",
    effect="read",
)
def diff(
    runtime: Runtime,
    old: str = argument("OLD", "A file, or TYPE@VERSION."),
    new: str = argument("NEW", "A file, or TYPE@VERSION."),
    *,
    mode: Mode = MODE,
) -> int:
    """Compare two schemas, and say who breaks.

    Says who must deploy first, and gives an event that proves it. A writer sends the fields its
    schema names; a reader ignores fields it doesn't know. So a new optional field breaks nobody.
    Exit code 1: a break, or one that can't be ruled out.
    """
    from medtrack_cli.core.compatibility import Compared
    from medtrack_cli.events.compatibility import compare

    before, after = _contract(runtime, old), _contract(runtime, new)
    if not (os.path.isfile(old) or os.path.isfile(new)):
        _warn(runtime, before, after)
    comparison = compare(before.schema, after.schema)
    return _report(runtime, [Compared(before, after, comparison)], mode)


def _warn(runtime: Runtime, before: "Contract", after: "Contract") -> None:
    """Warn when two type names are not two versions of one type."""
    if before.event_type != after.event_type:
        runtime.printer.warning("two event types: a reader of one reads no events of the other")
    elif before.version == after.version:
        versions = [each.version for each in runtime.registry if each.name == before.event_type]
        known = f"known: {', '.join(versions)}; a file can be compared with it, too"
        runtime.printer.warning(f"both are {before.name} ({known})")


def _contract(runtime: Runtime, text: str) -> "Contract":
    """Find what an operand names: a schema file, or a version of a known type."""
    from medtrack_cli.core.compatibility import contracts
    from medtrack_cli.wiring.schemas import read_contract

    path = Path(text)
    if os.path.isfile(path):
        return read_contract(path)
    if path.suffix in {".json", ".yaml", ".yml"} or len(path.parts) > 1:
        raise InputMissing(_why_not(path), text, hint="name a schema file, or TYPE@VERSION")
    name, _, version = text.partition("@")
    return contracts([runtime.registry.find(name, version or None)])[0]


def _why_not(path: Path) -> str:
    try:
        path.stat()
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return f"can't be read ({error.strerror})"
    return "not a file"


def _report(runtime: Runtime, found: "Iterable[Compared]", mode: Mode) -> int:
    """Print each comparison, and one verdict."""
    from medtrack_cli.events.compatibility import Answer
    from medtrack_cli.output.shown.comparisons import ShownComparison

    answers, changes = [], 0
    for each in found:
        changes += len(each.comparison.changes) if each.comparison else 1
        runtime.printer.show(ShownComparison(each))
        answers.append(each.answer(mode))
    broken, undecided = answers.count(Answer.NO), answers.count(Answer.UNDECIDED)
    code = ExitCode.VERDICT_NO if broken or undecided else ExitCode.DONE
    numbers = {
        "changed": len(answers),
        "broken": broken,
        "undecided": undecided,
        "exit_code": code,
    }
    words = f"{broken} broken, {undecided} undecided" if code else "nothing breaks"
    sentence = f"{len(answers)} changed, {mode}: {words}" if changes else "nothing changed"
    runtime.printer.summary(Kind.COMPARED, numbers, sentence)
    return code
