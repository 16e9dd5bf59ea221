"""A change of a topology."""

from collections.abc import Iterator
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.topology.diff import Change, Facts, Sort
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet, picked

_SIGNS = {Sort.ADDED: ("+", "green"), Sort.REMOVED: ("-", "red"), Sort.CHANGED: ("~", "yellow")}


class ShownChange(NamedTuple):
    """What was added, removed or changed, and whether an event type now reaches fewer queues."""

    change: Change

    def records(self) -> Iterator[Record]:
        change = self.change
        yield {
            "kind": Kind.CHANGE,
            **picked(change, "thing", "name"),
            "change": change.sort,
            **picked(change, "before", "after", "breaking"),
        }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        change, style = self.change, sheet.style
        sign, colour = _SIGNS[change.sort]
        name = f"{change.thing.replace('_', ' ')} {safe_text(change.name)}"
        before, after = change.before, change.after
        if before is None or after is None:
            yield style(f"{sign} {name}", colour)
        elif change.thing != "event_type":
            yield style(f"{sign} {name}", colour) + f": {safe_text(_differences(before, after))}"
        else:
            yield from self._of_type(sheet, name, before["queues"], after["queues"])

    def _of_type(self, sheet: Sheet, name: str, had: list[str], has: list[str]) -> Iterator[str]:
        lost, gained = ([q for q in a if q not in b] for a, b in ((had, has), (has, had)))
        parts = [f"no longer reaches {', '.join(lost)}"] if lost else []
        parts += [f"reaches {', '.join(gained)}, too"] if gained else []
        if self.change.breaking is None:
            parts.append("whether it loses a queue is unknown")
        breaks = {
            True: ("breaking: ", "red"),
            None: ("undecided: ", "yellow"),
            False: ("", "green"),
        }
        label, colour = breaks[self.change.breaking]
        yield sheet.style(f"{label}{name}", colour) + f" {safe_text('; '.join(parts))}"


def _differences(before: Facts, after: Facts) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {before[name]!r} is now {after[name]!r}"
        for name in before
        if before[name] != after[name]
    )
