"""Everything medtrack says in JSON, as objects with `kind` first: docs/json-output.md."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from medtrack_cli.core.listen import Listened, Seen
from medtrack_cli.core.messages import Message, Receipt
from medtrack_cli.core.ports import Interrupted, Listening, Resumed
from medtrack_cli.core.record import to_record
from medtrack_cli.core.times import rfc3339
from medtrack_cli.errors import MedtrackError
from medtrack_cli.events.findings import Finding

if TYPE_CHECKING:
    from medtrack_cli.core.contracts import Compared
    from medtrack_cli.events.registry import EventType

Record = dict[str, Any]


def event(seen: Seen) -> Record:
    return to_record(seen.delivery, seen.problems, is_valid=seen.is_valid)


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
        "message_id": verdict.message_id,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
    }


def message(planned: Message) -> Record:
    return {
        "kind": "message",
        "index": planned.position,
        "file": planned.file,
        "line": planned.line,
        "routing_key": planned.routing_key,
        "message_id": planned.message_id,
        "body_text": planned.body.decode("utf-8", "replace"),
    }


def happening(happened: Listening | Interrupted | Resumed) -> Record:
    match happened:
        case Listening(since, queue, patterns):
            return {
                "kind": "listening",
                "since": rfc3339(since),
                "queue": queue,
                "patterns": list(patterns),
            }
        case Interrupted(since, reason):
            return {"kind": "interrupted", "since": rfc3339(since), "reason": reason}
        case Resumed(since, until, may_have_missed):
            return {
                "kind": "resumed",
                "since": rfc3339(since),
                "until": rfc3339(until),
                "may_have_missed": may_have_missed,
            }


def listened(heard: Listened) -> Record:
    return {
        "kind": "listened",
        "received": heard.received,
        "valid": heard.valid,
        "invalid": heard.invalid,
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


def summary(kind: str, numbers: Mapping[str, float]) -> Record:
    return {"kind": kind, **numbers}


def error(failure: MedtrackError) -> Record:
    return {
        "kind": "error",
        "code": failure.code,
        "message": failure.message,
        "hint": failure.hint,
        "exit_code": int(failure.exit_code),
    }
