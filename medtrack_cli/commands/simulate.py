"""medtrack simulate: run, show, list, complete and reset."""

from enum import StrEnum
from typing import TYPE_CHECKING

from medtrack_cli.commands.options import Group, Panel, argument, command
from medtrack_cli.commands.simulate_run import YES, refuse_protected, run
from medtrack_cli.errors import ExitCode, NothingKnown, UsageError
from medtrack_cli.runtime import Runtime
from medtrack_cli.suggestions import did_you_mean

if TYPE_CHECKING:
    from medtrack_cli.wiring.simulating import SimulatedState


class What(StrEnum):
    """What is known by an id."""

    STUDENT = "student"
    STAGE = "stage"
    USER = "user"


@command(
    "show",
    "medtrack simulate show student 550e8400-e29b-41d4-a716-446655440000",
    "medtrack simulate show stage 7b1f6c1e-3c55-4b0e-9d43-0d2a5f0c7a10 -o json",
    effect="read",
    connects=True,
)
def show(
    runtime: Runtime,
    what: What = argument("student|stage|user", "What the id is of."),
    id_: str = argument("ID", "Its id."),
) -> int:
    """Show all that services know of an id."""
    from medtrack_cli.core.simulating.reactions import TABLES
    from medtrack_cli.output.shown.reactions import ShownEffects
    from medtrack_cli.wiring.simulating import state

    column = f"{what}_id"
    with state(runtime) as kept:
        tables = {
            name: kept.rows(name, **{column: id_})
            for name, table in TABLES.items()
            if column in table.columns
        }
        if not any(tables.values()):
            raise _nothing_known(kept, what, id_)
    runtime.printer.show(ShownEffects({name: rows for name, rows in tables.items() if rows}))
    return ExitCode.DONE


@command(
    "list",
    "medtrack simulate list notifications",
    "medtrack simulate list scores -o json",
    effect="read",
    connects=True,
)
def list_(
    runtime: Runtime,
    table: str = argument(
        "TABLE", "notifications, accounts, profiles, tracking, templates, scores, log."
    ),
) -> int:
    """List one table of what services have done."""
    from medtrack_cli.core.simulating.reactions import TABLES
    from medtrack_cli.output.shown.reactions import ShownEffects
    from medtrack_cli.wiring.simulating import state

    if table not in TABLES:
        hint = did_you_mean(table, TABLES) or f"known: {', '.join(TABLES)}"
        raise UsageError("there is no such table", table, hint=hint)
    with state(runtime) as kept:
        rows = kept.rows(table)
    if not rows:
        runtime.printer.note(f"{table}: none")
    runtime.printer.show(ShownEffects({table: rows}))
    return ExitCode.DONE


@command(
    "complete",
    "medtrack simulate complete 7b1f6c1e-3c55-4b0e-9d43-0d2a5f0c7a10",
    effect="write",
    connects=True,
)
def complete(
    runtime: Runtime,
    stage_id: str = argument("STAGE_ID", "The stage that ends."),
    *,
    yes: bool = YES,
) -> int:
    """Send stage.completed for a stage.

    The simulated services must know it. Its event and its id are kept first, and stay the same:
    where the broker doesn't confirm it, the same command sends it again, or `simulate run --emit`.
    Once confirmed it is never sent again.
    """
    from medtrack_cli.commands.confirm import confirm
    from medtrack_cli.core.simulating.completions import completion
    from medtrack_cli.output.shown.reactions import ShownCompletion
    from medtrack_cli.wiring.simulating import emit, state

    refuse_protected(runtime, "simulate complete")
    with state(runtime) as kept:
        student = kept.student_of(stage_id)
        if student is None:
            raise _nothing_known(kept, What.STAGE, stage_id)
        told = {"stage": stage_id}
        confirm(runtime, "simulate complete", told.items, yes=yes, beyond=True)
        made = kept.put(completion(stage_id, student, runtime.world.clock.now()))
        if made.sent_at is not None:
            runtime.printer.show(ShownCompletion(made, "sent before, and not again"))
            return ExitCode.DONE
        is_sent = False
        for each in emit(runtime, kept, [made]):
            runtime.printer.show(ShownCompletion(each.made, str(each)))
            is_sent = each.outcome == "confirmed"
    return ExitCode.DONE if is_sent else ExitCode.VERDICT_NO


@command("reset", "medtrack simulate reset", effect="destructive", connects=True)
def reset(runtime: Runtime, *, yes: bool = YES) -> int:
    """Remove what services know, and their queues.

    A queue that has one of these names, and was declared otherwise, isn't ours and stays: exit
    code 76. Nothing is removed while a service stands in.
    """
    from medtrack_cli.commands.confirm import confirm
    from medtrack_cli.wiring.simulating import reset

    told = {"queues": "medtrack.simulated.… with all that waits in them"}
    confirm(runtime, "simulate reset", told.items, yes=yes, beyond=True)
    removed, left = reset(runtime)
    runtime.printer.show(removed)
    for name in left:
        runtime.printer.warning(f"queue {name} isn't ours, it is declared otherwise: it stays")
    return ExitCode.TOPOLOGY if left else ExitCode.DONE


def _nothing_known(kept: "SimulatedState", what: What, id_: str) -> NothingKnown:
    """Say what is known in place of an id that isn't."""
    from medtrack_cli.core.simulating.reactions import TABLES

    column = f"{what}_id"
    tables = [name for name, table in TABLES.items() if column in table.columns]
    known = {row[column] for name in tables for row in kept.rows(name) if row[column]}
    others = f"known: {len(known):,} of them; `medtrack simulate list {tables[0]}` shows them"
    whole = [each for each in known if id_ and each.startswith(id_)]  # a terminal shows short ids
    hint = did_you_mean(id_, list(known)[:1000]) or others
    if whole:
        hint = f"did you mean {min(whole)}?"
    return NothingKnown(f"no event was about a {what} of this id", id_, hint=hint)


simulate = Group(
    "simulate",
    "Stand in for MedTrack's own services.",
    [
        "medtrack simulate run",
        "medtrack simulate show student 550e8400-e29b-41d4-a716-446655440000",
        "medtrack simulate reset",
    ],
    Panel.BROKER,
    (run, show, list_, complete, reset),
)
