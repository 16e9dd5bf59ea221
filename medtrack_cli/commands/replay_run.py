"""A replay as a run: its settings, its beginning or resumption, and its outcome."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from medtrack_cli.commands.replay_options import Changing, Choosing, Pacing, Streaming
from medtrack_cli.commands.replay_stream import refuse_without_stream
from medtrack_cli.core.messages import GOT_OUT, Outcome
from medtrack_cli.core.publishing.job import Tally, why
from medtrack_cli.core.publishing.runs import State
from medtrack_cli.errors import (
    ConfigError,
    EventsGone,
    ExitCode,
    InputMissing,
    MedtrackError,
    NotARecording,
    UsageError,
)
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.core.publishing.job import Job
    from medtrack_cli.wiring.runs import ReplayJournal

_MENDABLE = UsageError | NotARecording | InputMissing | ConfigError
"""What prevents all from being sent until the command or its input is changed."""

SIGNALLED = 128
"""Greater exit codes mean a signal."""

QUEUE = "queue "
"""The prefix of the name of a queue that is the source."""

_PASSWORD = re.compile(r"^(amqps?:/+[^\s:@/]*):[^@]*@", re.IGNORECASE)
_GROUPS: dict[str, Any] = {
    "choosing": Choosing,
    "pacing": Pacing,
    "changing": Changing,
    "streaming": Streaming,
}


@dataclass(frozen=True)
class Asked:
    """All settings of a run; `started` is when it began."""

    runtime: Runtime
    sources: list[str]
    choosing: Choosing
    pacing: Pacing
    changing: Changing
    started: str
    streaming: Streaming = field(default_factory=Streaming)

    @property
    def words(self) -> list[str]:
        """Name the source as typed."""
        stream = self.streaming.from_stream
        return self.sources if stream is None else ["--from-stream", stream]

    def to_json(self) -> dict[str, Any]:
        """Write it as a journal keeps it: without any password."""
        options = {name: asdict(getattr(self, name)) for name in _GROUPS}
        flags = {name: _PASSWORD.sub(r"\1@", text) for name, text in self.runtime.flags.items()}
        cwd = str(self.runtime.world.cwd)
        return {"sources": self.sources, "cwd": cwd, "flags": flags, "options": options}


def taken_up(context: typer.Context | None, typed: Asked, journal: "ReplayJournal") -> Asked:
    """Give the settings of a run to be resumed; UsageError for typed ones that differ."""
    header = journal.header
    name, given = header["name"], header["given"]
    if header["input"] is None:
        what, hint = "what was read from a pipe", "record to a file what is to be replayed"
        if given["sources"][0].startswith(QUEUE):
            queue = given["sources"][0].removeprefix(QUEUE)
            what, hint = "a queue", f"medtrack replay --from-queue {queue} takes what is left in it"
        raise UsageError(f"a run of {what} can't be resumed", name, hint=hint)
    asked = Asked(
        replace(typed.runtime, flags={**given["flags"], **typed.runtime.flags}),
        _from_here(given["sources"], given["cwd"], typed.runtime.world.cwd),
        **{key: _group(kind, given["options"].get(key, {})) for key, kind in _GROUPS.items()},
        started=header["started"],
    )
    hint = f"medtrack replay --resume {name} alone goes on as it began"
    if typed.sources and typed.sources not in (asked.sources, given["sources"]):
        was = " ".join(given["sources"])
        raise UsageError(
            "the run is of another source", f"{was}, not {typed.sources[0]}", hint=hint
        )
    if typed.streaming.from_first:  # may be typed when more has become known
        asked = replace(asked, streaming=replace(asked.streaming, from_first=True))
        refuse_without_stream(asked.streaming, None)
    for option, was, now in _differing(context, asked, typed) if context else ():
        raise UsageError(
            "the run began with other options", f"{option} {was}, not {now}", hint=hint
        )
    return asked


def _from_here(sources: list[str], before: str, cwd: Path) -> list[str]:
    """Make a relative name of another folder valid here."""
    if before == str(cwd):
        return sources
    return [os.path.join(escape(before), each) for each in sources]  # noqa: PTH118 -- of a glob, too


def _group(kind: Any, options: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- a dataclass of options
    """Make a group of options from JSON; another version's may lack some."""
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind)}
    return kind(
        **{name: _read(hints[name], value) for name, value in options.items() if name in known}
    )


def _read(hint: Any, value: Any) -> Any:  # noqa: ANN401 -- any type of an option
    choices = [each for each in getattr(hint, "__args__", (hint,)) if isinstance(each, type)]
    enum = next((each for each in choices if issubclass(each, StrEnum)), None)
    return value if enum is None or value is None else enum(value)


def _differing(context: typer.Context, asked: Asked, typed: Asked) -> list[tuple[str, Any, Any]]:
    """List typed options that differ, as they were and as they are."""
    names = {each.name: each.opts[0] for each in context.command.params}
    found = []
    for group in _GROUPS:
        before, now = getattr(asked, group), getattr(typed, group)
        for each in fields(before):
            source = context.get_parameter_source(each.name)
            was, is_now = getattr(before, each.name), getattr(now, each.name)
            if source is not None and source.name == "COMMANDLINE" and was != is_now:
                found.append((names[each.name], _said(was), _said(is_now)))
    return found


def _said(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "off" if value in {None, False, ""} else "on" if value is True else str(value)


def refuse_other_target(runtime: Runtime, journal: "ReplayJournal") -> None:
    """Raise UsageError when it would continue with another broker or exchange."""
    was, now = journal.header["target"], runtime.config.target._asdict()
    for name in ("broker", "exchange"):
        if was[name] != now[name]:
            hint = "set what led there then: MEDTRACK_URL, or the profile"
            what = f"the run is of another {name}"
            raise UsageError(what, f"{was[name]}, not {now[name]}", hint=hint)


def under_journal(
    runtime: Runtime,
    journal: "ReplayJournal",
    job: "Job",
    sources: Sequence[str],
    body: Callable[[], int],
) -> int:
    """Run what sends, and record the outcome; say how to resume, if that is possible."""
    try:
        with runtime.world.interrupt_on_signals():
            journal.runs(sources, job.tally.by_outcome)
            code = body()
    except KeyboardInterrupt:
        journal.ended(State.INTERRUPTED, "by a signal")
        _say_how(runtime, journal)
        raise
    except MedtrackError as error:
        if isinstance(error, _MENDABLE) and not _has_sent(journal, job.tally):
            journal.discard()
            raise
        journal.ended(State.FAILED, error.message)
        if journal.can_be_resumed:
            go_on = _command(journal)
            if isinstance(error, EventsGone):
                error.hint, go_on = "", f"{go_on} --from-first"
            error.hint = "; then ".join(filter(None, (error.hint, go_on)))
        raise
    except BaseException as error:
        is_pipe = isinstance(error, BrokenPipeError)
        state = State.INTERRUPTED if is_pipe else State.FAILED
        journal.ended(state, "nobody reads its output" if is_pipe else why(error))  # type: ignore[arg-type] # of all errors the name is said
        raise
    if job.is_refused and not _has_sent(journal, job.tally):
        journal.discard()
        return code
    state, reason = _verdict(journal, job.tally, code)
    journal.ended(state, reason)
    if state in {State.INTERRUPTED, State.FAILED}:
        _say_how(runtime, journal)
    return code


def _has_sent(journal: "ReplayJournal", tally: Tally) -> bool:
    """Return whether something may have been sent; a resumed run may have."""
    return not journal.is_new or any(tally[each] for each in GOT_OUT)


def _verdict(journal: "ReplayJournal", tally: Tally, code: int) -> tuple[State, str]:
    """Determine the state of a run that ended by itself, or was asked to."""
    if code == ExitCode.DONE:
        return State.COMPLETED, ""
    if journal.is_cancelled:
        return State.CANCELLED, "by --cancel"
    if code > SIGNALLED:
        return State.INTERRUPTED, "by a signal"
    left = [f"{tally[each]:,} {each}" for each in Outcome if tally[each]]
    return State.FAILED, ", ".join(left[left[:1] == [f"{tally[Outcome.CONFIRMED]:,} confirmed"] :])


def _command(journal: "ReplayJournal") -> str:
    return f"medtrack replay --resume {journal.header['name']}"


def _say_how(runtime: Runtime, journal: "ReplayJournal") -> None:
    if journal.can_be_resumed:
        runtime.printer.warning(f"the run is unfinished; to go on: {_command(journal)}")
