"""The journals of all replays, in one folder: one file a run, named after it."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from medtrack_cli.core.messages import Outcome
from medtrack_cli.core.ports import Clock
from medtrack_cli.core.publishing.positions import Positions
from medtrack_cli.core.publishing.runs import Run, State
from medtrack_cli.core.times import from_rfc3339
from medtrack_cli.errors import CannotCreate, InputMissing, MedtrackError, NotARecording, UsageError
from medtrack_cli.files.recordings.checksums import whole_record
from medtrack_cli.files.state.locks import looked_at, sync_folder
from medtrack_cli.files.state.replay_journal import (
    JOURNAL,
    ReplayJournal,
    cancel_file,
    checked_of,
    cursor_of,
)
from medtrack_cli.files.state.sealed_file import SealedFile, read_header
from medtrack_cli.suggestions import did_you_mean

KEPT = timedelta(days=90)  # how long an ended run is listed
_SUFFIX = ".journal"


class Replays:
    """The folder of the journals; created for its owner alone when the first run begins."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def begin(self, name: str, header: Mapping[str, Any]) -> ReplayJournal:
        """Create the journal of a new run, and put it on the disk.

        UsageError when the name has been used; CannotCreate while that run is running.
        """
        self._make_folder()
        self._forget_old()
        file = self._open(name)
        try:
            self._refuse_used(name, file)
            file.begin({"run": str(uuid4()), "name": name, **header})
            sync_folder(self._folder)
            return ReplayJournal(file, self._clock, is_new=True)
        except BaseException:
            if file.header is None:
                self._path(name).unlink()
            file.close()
            raise

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            what = f"the folder of the runs' journals can't be made ({error.strerror})"
            hint = "XDG_STATE_HOME names another place"
            raise CannotCreate(what, str(self._folder), hint=hint) from None

    def _refuse_used(self, name: str, file: SealedFile) -> None:
        if file.header is None:
            return
        run = _run_of(name, file.header, file.records, is_running=False)
        hint = "begin anew under another name"
        if run.is_unfinished:
            hint = f"medtrack replay --resume {name} goes on with it; or {hint}"
        raise UsageError(f"there is a run of this name, {run.state}", name, hint=hint)

    @contextmanager
    def reopened(self, name: str) -> Iterator[ReplayJournal]:
        """Open the journal of a run to be resumed, and unlock it at the end.

        UsageError for one that has ended for good; CannotCreate while it is running.
        """
        self._require(name)
        journal = ReplayJournal(self._open(name), self._clock)
        try:
            run = self.read(name)
            if run.state in {State.COMPLETED, State.CANCELLED}:
                hint = "a replay of the same source is a new run, with another name"
                raise UsageError(f"the run is {run.state}", name, hint=hint)
            yield journal
        finally:
            journal.close()

    def read(self, name: str) -> Run:
        """Describe one run; UsageError when there is none of that name."""
        self._require(name)
        path = self._path(name)
        try:
            is_running, content = looked_at(path)
        except OSError as error:
            what = f"journal can't be read ({error.strerror})"
            raise InputMissing(what, str(path), hint=JOURNAL.hint) from None
        whole = content[: content.rfind(b"\n") + 1].splitlines()
        if not whole:
            raise self._unknown(name)  # it was killed, or is about to begin
        header = read_header(whole[0], path, JOURNAL)
        return _run_of(name, header, map(whole_record, whole[1:]), is_running=is_running)

    def all(self) -> Iterator[Run | MedtrackError]:
        """Describe all runs, newest first; for unreadable ones, say why."""
        found: list[Run] = []
        for name in self.names():
            try:
                found.append(self.read(name))
            except UsageError:
                continue
            except MedtrackError as error:
                yield error
        yield from sorted(found, key=lambda run: run.started, reverse=True)

    def names(self) -> list[str]:
        try:
            return sorted(each.stem for each in self._folder.iterdir() if each.suffix == _SUFFIX)
        except OSError:
            return []

    def last(self) -> str:
        """Name the newest unfinished run; UsageError when there is none."""
        for each in self.all():
            if isinstance(each, Run) and each.is_unfinished:
                return each.name
        hint = "medtrack replay --runs lists them"
        raise UsageError("no run is unfinished", hint=hint)

    def ask_to_end(self, name: str) -> None:
        """Ask a run to end; it looks for that. Raises CannotCreate."""
        path = cancel_file(self._path(name))
        try:
            path.touch(mode=0o600)
        except OSError as error:
            what = f"the request to cancel can't be written ({error.strerror})"
            raise CannotCreate(what, str(path), hint="may you write to that folder?") from None

    def _forget_old(self) -> None:
        """Remove the journals of runs that ended long ago."""
        until = self._clock.now() - KEPT
        for name in self.names():
            with suppress(OSError, MedtrackError, ValueError):
                path = self._path(name)
                touched = datetime.fromtimestamp(path.stat().st_mtime, until.tzinfo)
                if touched < until:
                    run = self.read(name)
                    if run.ended and from_rfc3339(run.ended) < until and not run.is_unfinished:
                        path.unlink()

    def _open(self, name: str) -> SealedFile:
        return SealedFile(self._path(name), JOURNAL, name)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}{_SUFFIX}"

    def _require(self, name: str) -> None:
        if os.path.lexists(self._path(name)):
            return
        raise self._unknown(name)

    def _unknown(self, name: str) -> UsageError:
        near = did_you_mean(name, [each for each in self.names() if each != name])
        return UsageError("no run of this name", name, hint=near or "medtrack replay --runs")


def _run_of(
    name: str,
    header: Mapping[str, Any],
    records: Iterable[dict[str, Any] | None],
    *,
    is_running: bool,
) -> Run:
    """Build a run from its journal; NotARecording if somebody has edited and resealed it."""
    try:
        return _told(name, header, [each for each in records if each], is_running=is_running)
    except (KeyError, ValueError, TypeError, AttributeError):
        raise NotARecording("not a journal", name, hint=JOURNAL.hint) from None


def _told(
    name: str, header: Mapping[str, Any], records: list[dict[str, Any]], *, is_running: bool
) -> Run:
    states = [each for each in records if "state" in each]
    last = states[-1] if states else {"state": State.RUNNING, "at": header["started"]}
    state, reason = State(last["state"]), last.get("reason", "")
    if state is State.RUNNING and not is_running:
        state, reason = State.INTERRUPTED, "killed"
    checked = checked_of(records)
    cursor, _ = cursor_of(records)
    done = Positions((a, b) for each in records for a, b in each.get("done", ()))
    if cursor and cursor.before:
        done.add_range(1, cursor.before)
    counted = [each["counts"] for each in records if "counts" in each]
    given = header["given"]
    return Run(
        *(name, state, reason, header["started"]),
        ended=None if state is State.RUNNING else last["at"],
        pid=next((each["pid"] for each in reversed(states) if "pid" in each), None),
        sources=tuple(given["sources"]),
        target=header["target"],
        options=given["options"],
        can_be_resumed=header["input"] is not None,
        events=checked[0] if checked else None,
        plan=checked[2] if checked else {},
        cursor=cursor,
        counts={**(counted[-1] if counted else {}), Outcome.CONFIRMED.value: len(done)},
    )
