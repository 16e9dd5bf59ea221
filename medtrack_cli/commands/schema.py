"""medtrack schema list, show, example, export."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from medtrack_cli.commands.options import Group, Panel, argument, command, option
from medtrack_cli.commands.schema_diff import check, diff
from medtrack_cli.core.kinds import Kind
from medtrack_cli.errors import ExitCode, UsageError
from medtrack_cli.output.shown.shown import Rows
from medtrack_cli.runtime import Runtime

if TYPE_CHECKING:
    from medtrack_cli.events.event_type import EventType


class Form(StrEnum):
    """What `schema export` writes."""

    JSONSCHEMA = "jsonschema"
    ASYNCAPI = "asyncapi"


class AsyncApi(StrEnum):
    """The versions of AsyncAPI that `schema export` writes."""

    V3_0 = "3.0.0"
    V3_1 = "3.1.0"


EVENT_TYPE = argument("EVENT_TYPE", "A type that `medtrack schema list` names.")
VERSION = option(Panel.WHAT, "--version MAJOR.MINOR", "This version, not the newest.")


@command("list", "medtrack schema list", effect="read")
def show_list(runtime: Runtime) -> int:
    """List the known event types."""
    columns = ("event_type", "version", "description", "published_by")
    rows = [(t.name, t.version, t.description, t.published_by) for t in runtime.registry]
    runtime.printer.show(Rows(Kind.EVENT_TYPE, columns, rows))
    return ExitCode.DONE


@command("show", "medtrack schema show student.created", effect="read")
def show(runtime: Runtime, event_type: str = EVENT_TYPE, *, version: str | None = VERSION) -> int:
    """Describe an event type.

    Its fields, who publishes it, what happens then, an example.
    """
    known = runtime.registry.find(event_type, version)
    from medtrack_cli.output.shown.event_types import ShownEventType
    from medtrack_cli.wiring import inputs

    runtime.printer.show(ShownEventType(known, inputs.example(runtime, known)))
    return ExitCode.DONE


@command("example", "medtrack schema example user.created | medtrack publish -f -", effect="read")
def example(
    runtime: Runtime, event_type: str = EVENT_TYPE, *, version: str | None = VERSION
) -> int:
    """Print a complete event, ready to publish."""
    import json

    from medtrack_cli.wiring import inputs

    known = runtime.registry.find(event_type, version)
    event = inputs.shown_example(runtime, known)
    stdout = runtime.world.stdout  # on a terminal a project's schema could steer it
    stdout.write(json.dumps(event, indent=2, ensure_ascii=stdout.isatty()) + "\n")
    return ExitCode.DONE


@command(
    "export",
    "medtrack schema export student.created > student.created.schema.json",
    "medtrack schema export --format asyncapi > asyncapi.json",
    effect="read",
)
def export(
    runtime: Runtime,
    event_type: str | None = argument(
        "EVENT_TYPE", "A type that `medtrack schema list` names [all].", default=None
    ),
    *,
    version: str | None = VERSION,
    form: Form = option(
        Panel.OUTPUT,
        "--format",
        "JSON Schema, or one AsyncAPI 3 document.",
        default=Form.JSONSCHEMA,
    ),
    asyncapi_version: AsyncApi | None = option(
        Panel.OUTPUT, "--asyncapi-version", "The version of --format asyncapi [3.0.0]."
    ),
) -> int:
    """Print the JSON Schema of events.

    The schema (2020-12) is that of a whole event; without a type, one a line for each. With
    --format asyncapi it is one AsyncAPI document of all, for generators and portals.
    """
    import json

    from medtrack_cli.wiring import inputs

    if asyncapi_version and form is not Form.ASYNCAPI:
        raise UsageError("--asyncapi-version needs --format asyncapi", hint="add it")
    registry = runtime.registry
    wanted = [registry.find(event_type, version)] if event_type else list(registry)
    if form is Form.ASYNCAPI:
        documents = [_asyncapi(runtime, wanted, asyncapi_version or AsyncApi.V3_0)]
    else:
        from medtrack_cli.events.export import json_schema

        documents = [json_schema(each, inputs.example(runtime, each)) for each in wanted]
    indent = 2 if len(documents) == 1 else None
    for document in documents:
        runtime.world.stdout.write(json.dumps(document, indent=indent) + "\n")
    return ExitCode.DONE


def _asyncapi(runtime: Runtime, wanted: "list[EventType]", asyncapi_version: str) -> dict[str, Any]:
    from medtrack_cli import __version__
    from medtrack_cli.events.asyncapi import asyncapi_document
    from medtrack_cli.wiring import inputs

    return asyncapi_document(
        wanted,
        exchange=runtime.config.exchange,
        version=__version__,
        asyncapi=str(asyncapi_version),
        examples={each.name: event for each in wanted if (event := inputs.example(runtime, each))},
    )


schema = Group(
    "schema",
    "List, check and compare event types.",
    ["medtrack schema list", "medtrack schema show student.created"],
    Panel.SCHEMAS,
    (show_list, show, example, export, check, diff),
)
