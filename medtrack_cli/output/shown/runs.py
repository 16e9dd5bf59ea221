"""Replay runs in a table, or one by itself."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.publishing.runs import Run
from medtrack_cli.output.masking import mask_shape
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.plans import ShownPlan
from medtrack_cli.output.shown.shown import Record, Sheet, picked

_QUOTED = re.compile(r"""(["']).*?\1""")
_TITLES = ("run", "state", "started", "events", "source")
_LEFT_OUT_FIRST = ("started", "source", "events", "state")


class ShownRuns(NamedTuple):
    """Some runs, in the order given."""

    runs: Sequence[Run]

    def records(self) -> Iterator[Record]:
        return map(record, self.runs)

    def lines(self, sheet: Sheet) -> Iterator[str]:
        return sheet.table(_TITLES, map(_row, self.runs), _LEFT_OUT_FIRST, ("source",))


class ShownRun(NamedTuple):
    """One run in detail."""

    run: Run

    def records(self) -> Iterator[Record]:
        yield record(self.run)

    def lines(self, sheet: Sheet) -> Iterator[str]:
        run = self.run
        state = f"{run.state} ({run.reason})" if run.reason else str(run.state)
        counts = ", ".join(f"{count:,} {name}" for name, count in run.counts.items() if count)
        plan = ShownPlan(run.plan).facts() if run.plan else ()
        told = {
            "run": run.name,
            "state": state,
            "started": _moment(run.started),
            "ended": _moment(run.ended) if run.ended else "",
            "source": " ".join(run.sources),
            "broker": run.target.get("broker", ""),
            "exchange": run.target.get("exchange", ""),
            "options": " ".join(_options(run)),
            "events": "" if run.events is None else f"{run.events:,}",
            **{name: text for name, text in plan if name != "to"},
            "outcomes": counts,
            "to go on": f"medtrack replay --resume {run.name}" if run.is_unfinished else "",
        }
        return sheet.aligned([(name, safe_text(text)) for name, text in told.items() if text])


def record(run: Run) -> Record:
    """Give a run as an object for programs."""
    return {
        "kind": Kind.RUN,
        **picked(run, "name", "state", "reason", "started", "ended", "pid"),
        "sources": [*run.sources],
        **run.target,
        "options": run.options,
        "can_be_resumed": run.is_unfinished,
        **picked(run, "events", "plan"),
        "cursor": run.cursor and run.cursor._asdict(),
        "counts": run.counts,
    }


def _row(run: Run) -> tuple[str, ...]:
    done = f"{run.counts.get('confirmed', 0):,}"
    events = done if run.events is None else f"{done} of {run.events:,}"
    source = safe_text(" ".join(run.sources))
    return run.name, str(run.state), _moment(run.started), events, source


def _moment(text: str) -> str:
    return safe_text(f"{text[:10]} {text[11:19]}")


def _options(run: Run) -> Iterator[str]:
    """Name the options that were set."""
    for group in run.options.values():
        for name, value in group.items():
            if name in {"set_", "header"} and value:  # a value set with --set may be personal
                for place, _, text in (each.partition("=") for each in value):
                    yield f"{name.strip('_')}={place}={mask_shape(text)}"
            elif name == "where" and value:
                yield f"where={_QUOTED.sub(lambda found: mask_shape(found[0]), value)}"
            elif name == "id_" and value:
                yield f"id={','.join(mask_shape(each) if '@' in each else each for each in value)}"
            elif value not in (None, False, "", []):
                text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
                yield f"{name.strip('_').replace('_', '-')}={text}"
