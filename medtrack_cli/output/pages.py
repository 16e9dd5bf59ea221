"""Pages of text that describe one thing whole."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medtrack_cli.core.contracts import Compared
    from medtrack_cli.events.event_type import EventType


def event_type_page(event_type: "EventType", example: Any) -> str:  # noqa: ANN401 -- JSON
    """Describe an event type in a terminal's width: purpose, fields, reactions, an example."""
    width = max((len(field.name) for field in event_type.fields), default=0)
    kinds = max((len(field.kind) for field in event_type.fields), default=0)
    fields = [
        f"  {field.name:<{width}}  {field.kind:<{kinds}}  {field.description}"
        f"{'' if field.required else ' (optional)'}"
        for field in event_type.fields
    ]
    services = max((len(name) for name in event_type.reactions), default=0)
    reactions = [
        f"  {name:<{services}}  {deed}" for name, deed in event_type.reactions.items()
    ] or ["  nothing is promised"]
    lines = [
        f"{event_type.name}  version {event_type.version}",
        event_type.description,
        "",
        f"Published by {event_type.published_by or 'whoever: its schema does not say'}.",
        "",
        "Payload",
        *fields,
        "",
        "What happens then",
        *reactions,
    ]
    if example is not None:
        shown = json.dumps(example, indent=2, ensure_ascii=False).splitlines()
        lines += ["", "Example", *(f"  {line}" for line in shown), ""]
        lines.append(f"  medtrack schema example {event_type.name} | medtrack publish -f -")
    return "\n".join(lines)


def comparison_page(compared: "Compared") -> str:
    """Say what a change means for readers and writers, change by change."""
    result = compared.comparison
    if result is None or compared.new is None:
        return f"{compared.old.name} is gone: events that are still sent are not understood"
    answers = f"backward {result.backward}, forward {result.forward}, full {result.full}"
    lines = [f"{compared.old.name} -> {compared.new.name}: {answers}"]
    for change in result.changes:
        verdicts = {"breaking": change.breaks, "undecided": change.undecided}
        said = [f"{each} {' and '.join(sorted(of))}" for each, of in verdicts.items() if of]
        label = ", ".join(said) or "compatible"
        place = compared.pointer(change)
        lines.append(f"  {label}: {change.rule} at {place}: {change.message}")
        if first := result.deploy_first(change):
            lines.append(f"    deploy the {first} first, everywhere")
        if (event := compared.event(change)) is not None:
            shown = json.dumps(event, ensure_ascii=False)
            lines.append(f"    no longer understood: {shown}")
    return "\n".join(lines)
