"""What a replay would do, shown before it does it."""

from collections.abc import Container, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.output.masking import masked, masked_id
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet
from medtrack_cli.output.wrapping import wrapped

_MOST_NAMES = 12  # on a line; the others are counted
_INDENT = 12


class ShownPlan(NamedTuple):
    """A plan, as `Outline.to_json` gives it and a run's journal keeps it."""

    plan: Mapping[str, Any]

    def records(self) -> Iterator[Record]:
        yield {"kind": Kind.PLAN, **self.plan}

    def lines(self, sheet: Sheet) -> Iterator[str]:
        yield from wrapped(safe_text(f"replay {self.plan['run']}"), sheet.room)
        for name, text in self.facts():
            start = f"  {name}".ljust(_INDENT)
            first, *others = wrapped(safe_text(text), sheet.room, start, " " * _INDENT)
            yield sheet.style(start, "dim") + first.removeprefix(start)
            yield from others
        yield from self._deaths(sheet)
        time_from = self._same_day()
        rows = [self._row(each, time_from, sheet) for each in self.plan["first_events"]]
        if rows:
            yield "first events" if self.plan["events"] > len(rows) else "events"
            yield from sheet.aligned(rows, "  ")

    def _deaths(self, sheet: Sheet) -> Iterator[str]:
        """List a queue's dead letters by the queue they died in and the reason."""
        deaths = self.plan.get("deaths")
        if deaths is None:
            return
        yield "dead letters" if deaths["causes"] else "no dead letters"
        rows = [_death(each, sheet) for each in deaths["causes"]]
        yield from sheet.aligned(rows, "  ")
        if deaths["others"]:
            yield f"  {deaths['others']:,} of other causes"

    def _queues(self) -> set[str]:
        """Name the queues reached; their names aren't personal, nor the keys sent to one."""
        return {each["name"] for each in (self.plan["queues"] or {"names": ()})["names"]}

    def _row(self, event: Mapping[str, Any], start: int, sheet: Sheet) -> tuple[str, ...]:
        received, key = event["received_at"], event["routing_key"]
        return (
            received.replace("T", " ")[start:23] if received else "-",
            safe_text(key if key in self._queues() else masked("routing_key", key)) or '""',
            masked_id(event["message_id"], sheet.shorten),
            "" if event["valid"] else "no valid event",
        )

    def _same_day(self) -> int:
        """Return where the time of day begins in a time, if all are of one day; else 0."""
        first, last = self.plan["first"], self.plan["last"]
        return 11 if first and first[:10] == last[:10] else 0

    def facts(self) -> Iterator[tuple[str, str]]:
        """Give each fact by its name; it contains untrusted texts."""
        plan = self.plan
        yield "to", where_to(plan)
        odd = f", {plan['invalid']:,} of them no valid event" if plan["invalid"] else ""
        yield "events", f"{plan['events']:,}{odd}"
        if plan["left_out"]:
            yield "besides", listed(plan["left_out"])
        if plan["first"]:
            yield "recorded", span(plan)
        yield "takes", pace(plan)
        if plan["routing_keys"] != plan["event_types"]:
            yield "keys", _names(plan["routing_keys"], "routing_key", self._queues())
        yield "types", _names(plan["event_types"], "event_type")
        yield "services", _names(plan["services"], "service")
        if plan["queues"] is not None:
            nowhere = f"; {plan['unreached']:,} reach no queue" if plan["unreached"] else ""
            yield "queues", _names(plan["queues"]) + nowhere
        if plan["mismatched"]:
            count = f"{plan['mismatched']:,} of {plan['events']:,}"
            yield "mismatch", f"{count} keys are not the event's type (routing_key_mismatch)"


def where_to(plan: Mapping[str, Any]) -> str:
    """Name a plan's target."""
    return f"{plan['broker']}, vhost {plan['vhost']}, exchange {plan['exchange'] or '(default)'}"


def span(plan: Mapping[str, Any]) -> str:
    """Say from when to when its events were recorded."""
    first, last = (plan[name].replace("T", " ")[:19] for name in ("first", "last"))
    return f"{first} UTC" if first == last else f"{first} to {last} UTC"


def pace(plan: Mapping[str, Any]) -> str:
    """Say how long it takes."""
    seconds = plan["seconds"]
    if seconds is None:
        return "as long as the broker takes: nothing is held back"
    return f"{seconds:,.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def listed(counts: Mapping[str, int]) -> str:
    """List what was counted; `left_out` is the sum of what each condition leaves out."""
    return ", ".join(
        f"{count:,} {_condition(name)}"
        for name, count in counts.items()
        if count and name != "left_out"
    )


def _condition(counter: str) -> str:
    name = counter.removeprefix("left_out_").replace("_", "-")
    if name == "time":
        return "of another time"
    is_option = counter.startswith("left_out_")
    return f"left out by --{name}" if is_option else counter.replace("_", " ")


def _names(names: Mapping[str, Any], field: str = "", known: Container[str] = ()) -> str:
    """List names with the number of events of each, masked if the field may be personal."""
    first, rest = names["names"][:_MOST_NAMES], names["names"][_MOST_NAMES:]
    parts = []
    for each in first:
        name = "(none)" if each["name"] is None else each["name"] or '""'
        is_shown = not field or not each["name"] or each["name"] in known
        parts.append(f"{name if is_shown else masked(field, name)} {each['events']:,}")
    others = sum(each["events"] for each in rest) + names["others"]["events"]
    if others:
        parts.append(f"others {others:,}")
    return ", ".join(parts) or "none"


def _death(group: Mapping[str, Any], sheet: Sheet) -> tuple[str, ...]:
    """Say how many messages were dead-lettered where, why and when, and which were first."""
    times = [each.replace("T", " ")[:19] for each in (group["oldest"], group["newest"]) if each]
    kind = masked("event_type", group["event_type"] or "") or "no event"
    ids = [masked_id(each, sheet.shorten) for each in group["message_ids"]]
    return (
        f"{group['messages']:,}",
        f"{safe_text(group['reason'])} in {safe_text(group['queue'])}",
        safe_text(kind) + ("" if group["valid"] else ", invalid"),
        " to ".join(dict.fromkeys(times)),
        " ".join(ids),
    )
