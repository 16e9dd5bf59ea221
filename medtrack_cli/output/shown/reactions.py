"""What the simulated services do, have done, and have come to."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.ports import Listening
from medtrack_cli.core.simulating.completions import EVENT_TYPE, Completion
from medtrack_cli.core.simulating.patterns import Seen
from medtrack_cli.core.simulating.reactions import Handled, Result, Summary
from medtrack_cli.core.simulating.services import DEAD_LETTERS
from medtrack_cli.core.times import rfc3339
from medtrack_cli.output.masking import masked
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.listening import ShownHappening
from medtrack_cli.output.shown.shown import Record, Sheet, picked

_FIRST = ("at", "service", "event_type")
_UNSEEN = frozenset({"id", "cause"})
_WORDS = {
    Result.DONE: "reactions",
    Result.EXISTS: "there already",
    Result.REPEATED: "seen before",
    Result.FAILED: "failed",
    Result.REFUSED: "invalid",
}


class ShownReady(NamedTuple):
    """All services are there: what each listens to."""

    services: Mapping[str, Listening]

    def records(self) -> Iterator[Record]:
        for each in self.services.values():
            yield from ShownHappening(each).records()

    def lines(self, sheet: Sheet) -> Iterator[str]:
        if not sheet.quiet:
            names = ", ".join(f"{each}-SERVICE" for each in self.services)
            verb = "stands" if len(self.services) == 1 else "stand"
            target = next(iter(self.services.values())).target
            where = f"exchange {target.exchange} of {target.broker}"
            yield from sheet.sentence(f"{names} {verb} in on {where} (Ctrl-C ends)", "dim")
        for name, each in self.services.items():
            if each.caution:
                yield from sheet.sentence(f"{name}-SERVICE: {each.caution}", "dim")


class ShownHandled(NamedTuple):
    """What a service did about an event, or why nothing."""

    handled: Handled

    def records(self) -> Iterator[Record]:
        one, delivery = self.handled, self.handled.event.delivery
        reaction = one.reaction
        yield {
            "kind": Kind.REACTION,
            "at": rfc3339(delivery.received_at),
            "service": one.service,
            "reaction": reaction and reaction.id,
            "result": one.result,
            "text": reaction and reaction.text.format(one.to),
            "event_type": one.event.event_type,
            "routing_key": delivery.published_key,
            "message_id": delivery.message_id,
            "ids": dict(Seen(0, one.event).ids),
            "rules": [str(each.rule) for each in one.event.problems],
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        one, delivery = self.handled, self.handled.event.delivery
        event = masked("event_type", one.event.event_type or delivery.published_key)
        cause = masked("message_id", one.cause)  # a digest may stand for an id
        led = f"{delivery.received_at:%H:%M:%S}  {event} {sheet.shorten(cause)}"
        colour = "red" if one.result is Result.REFUSED else ""
        yield from sheet.sentence(f"{led}  {one.service}-SERVICE: {_done(one, sheet)}", colour)


def _done(one: Handled, sheet: Sheet) -> str:
    if one.reaction is not None:
        to = masked_value(one.reaction.to, one.to)
        text = one.reaction.text.format(sheet.shorten(to) if to == one.to else to)
        return text + ": there already" * (one.result is Result.EXISTS)
    match one.result:
        case Result.REPEATED:
            return "nothing, it has handled an event of this id before"
        case Result.FAILED:
            return "failed, as --fail-rate says; it comes again"
        case _:
            rules = ", ".join(dict.fromkeys(str(each.rule) for each in one.event.problems))
            return f"invalid ({rules}), now a dead letter"


def masked_value(name: str, value: str) -> str:
    """Show a value as far as it may be seen, an address as s***@e***.com."""
    user, at, domain = value.partition("@")
    host, dot, top = domain.rpartition(".")
    if name == "email" and user and at and host and top.isascii() and top.isalpha():
        return f"{user[0]}***@{host[0]}***{dot}{top}"
    return masked(name, value)


class ShownSimulated(NamedTuple):
    """Why a run ended, and what was done."""

    summary: Summary

    def records(self) -> Iterator[Record]:
        one = self.summary
        yield {
            "kind": Kind.SIMULATED,
            **{each.value: one.counts[each] for each in Result},
            "emitted": one.emitted,
            "reactions": dict(one.reactions),
            "interruptions": one.interruptions,
            "seconds": round(one.seconds, 3),
            "ended": one.ended,
            "exit_code": one.exit_code,
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        one = self.summary
        if sheet.quiet:
            return
        told = [f"{one.counts[each]:,} {word}" for each, word in _WORDS.items() if one.counts[each]]
        told += [f"{one.emitted:,} {EVENT_TYPE} sent"] * bool(one.emitted)
        numbers = ", ".join(told) or "no event came"
        yield from sheet.sentence(f"{one.ended}: {numbers}, in {one.seconds:.1f} s", "dim")
        if one.counts[Result.REFUSED]:
            way = f"medtrack replay --from-queue {DEAD_LETTERS} --dry-run"
            yield from sheet.sentence(f"`{way}` looks at what is invalid", "dim")
        stays = "the queues keep what is published for an hour; `medtrack simulate reset` removes"
        yield from sheet.sentence(f"{stays} them", "dim")


class ShownEffects(NamedTuple):
    """Rows of the services' state, by their tables."""

    tables: Mapping[str, Sequence[Mapping[str, Any]]]

    def records(self) -> Iterator[Record]:
        for table, rows in self.tables.items():
            for row in rows:
                first = {name: row[name] for name in _FIRST}
                values = {name: each for name, each in row.items() if name not in {*_FIRST, "id"}}
                yield {"kind": Kind.EFFECT, "table": table, **first, **values}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        for table, rows in self.tables.items():
            if not rows:
                continue
            if len(self.tables) > 1:
                yield sheet.style(table, "bold")
            shown = [name for name in rows[0] if name not in {*_FIRST, *_UNSEEN}]
            names = [*_FIRST, *(name for name in shown if any(row[name] for row in rows))]
            titles = [name.replace("_", " ") for name in names]
            cells = ([_cell(name, row[name], sheet) for name in names] for row in rows)
            yield from sheet.table(titles, cells)


def _cell(name: str, value: object, sheet: Sheet) -> str:
    if value is None:
        return "-"
    text = str(value)
    if name == "at":
        return f"{text[:19]}Z"
    if name in {"service", "sort", "channel"}:
        return text  # words of ours
    return safe_text(sheet.shorten(masked_value(name, text)))


class ShownCompletion(NamedTuple):
    """A stage.completed that was sent, or not."""

    made: Completion
    outcome: str

    def records(self) -> Iterator[Record]:
        made = picked(self.made, "stage_id", "student_id", "message_id", "made_at", "sent_at")
        yield {"kind": Kind.COMPLETION, **made, "outcome": self.outcome}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        one = self.made
        stage = sheet.shorten(masked("stage_id", one.stage_id))
        student = sheet.shorten(masked("student_id", one.student_id))
        told = f"MedTrack: {EVENT_TYPE} of stage {stage}, student {student}: {self.outcome}"
        when = datetime.fromisoformat(one.sent_at or one.made_at)
        yield from sheet.sentence(f"{when:%H:%M:%S}  {told}")


class ShownReset(NamedTuple):
    """What a reset has removed, and what it has left."""

    state: str | None
    queues: Sequence[str]

    def records(self) -> Iterator[Record]:
        yield {"kind": Kind.RESET, "state": self.state, "queues": list(self.queues)}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        gone = [*filter(None, [self.state]), *(f"queue {each}" for each in self.queues)]
        yield from sheet.sentence(f"removed: {', '.join(gone)}" if gone else "nothing was there")
