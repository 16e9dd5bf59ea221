"""The journals of replays, and their sources."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from medtrack_cli.core.publishing.recorded import Recorded
from medtrack_cli.errors import UsageError
from medtrack_cli.files.state import state_folder
from medtrack_cli.files.state.identity import Known, known, refuse_others, refuse_unlike
from medtrack_cli.files.state.journal import Noted
from medtrack_cli.files.state.replay_journal import ReplayJournal
from medtrack_cli.files.state.replays import Replays
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.publishing.replay import Replay
    from medtrack_cli.wiring.streams import Readable

__all__ = ["ReplayJournal", "Replays", "begun", "noting", "refuse_changes", "replays"]


def replays(runtime: Runtime) -> Replays:
    """Give the journals of all replays."""
    world = runtime.world
    return Replays(state_folder(world.environ, "replays"), world.clock)


def begun(
    runtime: Runtime,
    plan: "Replay",
    source: "Readable | None",
    started: str,
    given: Mapping[str, Any],
) -> ReplayJournal:
    """Create the journal of a run; `given` is all that determines it, except the key of its fakes.

    It can be resumed only if its source can be read again, or is known by its name.
    """
    files, fakes = source and _known(source), plan.rewrite.pseudonymizer
    header = {
        "started": started,
        "input": files,
        "target": runtime.config.target._asdict(),
        "given": given,
    }
    if fakes is not None and files is not None:  # else it can't be resumed
        from medtrack_cli.wiring.pseudonyms import to_keep

        header |= to_keep(fakes)
    return replays(runtime).begin(plan.name, header)


def noting(journal: ReplayJournal) -> Callable[[int, Recorded], None]:
    """Make the function that tells the journal of each event about to be sent."""
    note = journal.note
    return lambda position, each: note(
        position, Noted(each.file, each.line, each.delivery.body, each.delivery)
    )


def _noted(each: Recorded) -> Noted:
    return Noted(each.file, each.line, each.delivery.body, each.delivery)


def refuse_changes(
    journal: ReplayJournal, source: "Readable", chosen: Callable[[], Iterable[Recorded]]
) -> bool:
    """Raise UsageError where the source has changed; return whether it is surely untouched.

    `chosen` gives the events that are sent, in order: only a touched file is read.
    """
    before = [Known(*each) for each in journal.header["input"]]
    now = _known(source)
    if now is None:
        hint = "go on with the files that it began with"
        raise UsageError("the run was of files", source.sources[0].name, hint=hint)
    if refuse_others(before, now):
        return True
    journal.verify(map(_noted, chosen()))
    refuse_unlike(before, now, journal.place)
    return False


def _known(source: "Readable") -> list[Known] | None:
    from medtrack_cli.wiring.streams import StreamInput

    return source.known() if isinstance(source, StreamInput) else known(source.sources)
