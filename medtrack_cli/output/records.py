"""Everything medtrack says in JSON, as objects with `kind` first: docs/json-output.md."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from medtrack_cli.core.checked import CheckedDelivery
from medtrack_cli.core.heard import Listened
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.core.record import exact, to_record
from medtrack_cli.core.times import from_seconds, rfc3339
from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.findings import Finding

if TYPE_CHECKING:
    from medtrack_cli.core.contracts import Compared
    from medtrack_cli.core.stats import Names, Stats
    from medtrack_cli.core.timeline import Chart
    from medtrack_cli.events.registry import EventType

Record = dict[str, Any]

MOST_COLUMNS = 120
"""So many spans of time has the chart of `stats` at most."""


def event(seen: CheckedDelivery) -> Record:
    return to_record(seen)


def finding(found: Finding) -> Record:
    return {
        "kind": "finding",
        "file": found.file,
        "line": found.span.line,
        "column": found.span.column,
        "end_column": found.span.end_column,
        "pointer": found.pointer,
        "rule": found.rule,
        "severity": found.severity,
        "message": found.message,
        "suggestion": found.suggestion,
    }


def receipt(verdict: Receipt) -> Record:
    return {
        "kind": "receipt",
        "index": verdict.position,
        "file": verdict.file,
        "line": verdict.line,
        "event_type": verdict.event_type,
        "routing_key": verdict.routing_key,
        "message_id": verdict.message_id,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
    }


def message(planned: Message, queues: Sequence[str] | None) -> Record:
    return {
        "kind": "message",
        "index": planned.position,
        "file": planned.file,
        "line": planned.line,
        "routing_key": planned.routing_key,
        "message_id": planned.message_id,
        **exact(planned.body),
        "queues": queues,
    }


def happening(happened: Listening | Interrupted | Resumed) -> Record:
    match happened:
        case Listening(since, queue, patterns, target, caution):
            return {
                "kind": "listening",
                **target._asdict(),
                "since": rfc3339(since),
                "queue": queue,
                "patterns": list(patterns),
                "caution": caution,
            }
        case Interrupted(since, reason):
            return {"kind": "interrupted", "since": since and rfc3339(since), "reason": reason}
        case Resumed(since, until, may_have_missed):
            return {
                "kind": "resumed",
                "since": since and rfc3339(since),
                "until": rfc3339(until),
                "may_have_missed": may_have_missed,
            }


def listened(heard: Listened) -> Record:
    return {
        "kind": "listened",
        "received": heard.received,
        "valid": heard.valid,
        "invalid": heard.invalid,
        "left_out": heard.left_out,
        "unevaluable": heard.unevaluable,
        "event_types": [{"name": name, **asdict(count)} for name, count in heard.types.items()],
        "missing": [
            {"event_type": each.event_type, "expected": each.expected, "valid": each.came.valid}
            for each in heard.missing
        ],
        "interruptions": heard.interruptions,
        "seconds": round(heard.seconds, 3),
        "ended": heard.ended,
        "exit_code": heard.exit_code,
    }


def event_type(known: "EventType", example: Any) -> Record:  # noqa: ANN401 -- JSON
    return {
        "kind": "event_type",
        "event_type": known.name,
        "version": known.version,
        "description": known.description,
        "published_by": known.published_by,
        "reactions": dict(known.reactions),
        "fields": [
            {"name": f.name, "type": f.kind, "required": f.required, "description": f.description}
            for f in known.fields
        ],
        "example": example,
    }


def comparison(compared: "Compared") -> Record:
    result = compared.comparison
    return {
        "kind": "comparison",
        "old": compared.old.name,
        "new": compared.new.name if compared.new else None,
        "backward": result.backward if result else "no",
        "forward": result.forward if result else "yes",
        "full": result.full if result else "no",
        "changes": [
            {
                "rule": change.rule,
                "pointer": compared.pointer(change),
                "message": change.message,
                "breaks": sorted(change.breaks),
                "undecided": sorted(change.undecided),
                "deploy_first": change.deploy_first or None,
                "event": compared.event(change),
            }
            for change in (result.changes if result else ())
        ],
    }


def stats(found: "Stats") -> Record:
    extent, sizes, duplicates = found.timeline.extent, found.sizes, found.duplicates
    return {
        "kind": "stats",
        "files": found.files,
        "events": found.events,
        "invalid": found.invalid,
        "foreign": found.foreign,
        "unreadable": found.unreadable,
        "redelivered": found.redelivered,
        "duplicates": duplicates.found,
        "duplicates_are_least": duplicates.is_least,
        "without_message_id": duplicates.without_id,
        "without_time": found.untimed,
        "first": rfc3339(from_seconds(extent[0])) if extent else None,
        "last": rfc3339(from_seconds(extent[1])) if extent else None,
        "bytes": {"total": sizes.total, "median": sizes.median, "largest": sizes.largest},
        "event_types": _names(found.types),
        "services": _names(found.services),
        "routing_keys": _names(found.routing_keys),
        "rules": dict(found.rules.most_common()),
        "gaps": [
            {
                "since": rfc3339(from_seconds(gap.since)),
                "until": rfc3339(from_seconds(gap.until)),
                "seconds": round(gap.seconds, 3),
            }
            for gap in found.timeline.gaps()
        ],
        "chart": _chart(found.timeline.chart(MOST_COLUMNS)),
        "exit_code": int(found.exit_code),
    }


def _chart(chart: "Chart | None") -> Record | None:
    return chart and {
        "start": rfc3339(from_seconds(chart.start)),
        "seconds": chart.seconds,
        "events": [column.events for column in chart.columns],
        "invalid": [column.invalid for column in chart.columns],
    }


def _names(names: "Names") -> Record:
    return {
        "names": [{"name": name, **count._asdict()} for name, count in names.most_frequent],
        "others": names.others._asdict(),
    }


def summary(kind: str, numbers: Mapping[str, float | str]) -> Record:
    return {"kind": kind, **numbers}


def error(failure: MedtrackError) -> Record:
    return {
        "kind": "error",
        "code": failure.code,
        "message": failure.message,
        "hint": failure.hint,
        "exit_code": int(failure.exit_code),
    }
