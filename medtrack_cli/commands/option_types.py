"""Options that several commands have, word for word."""

from typing import Annotated

from medtrack_cli.commands import numbers
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.commands.numbers import offset_word, seconds
from medtrack_cli.commands.options import option

TIME = "2025-01-15T10:00:00Z (UTC without an offset), or -2h, -3d"

AllowEmpty = Annotated[
    bool, option(Panel.WHAT, "--allow-empty", "An input without any event is fine.")
]
Bind = Annotated[
    list[str],
    option(Panel.WHAT, "--bind PATTERN", "Routing keys it gets from our exchange; repeatable."),
]
DryRun = Annotated[bool, option(Panel.HOW, "--dry-run", "Print what would be sent; send nothing.")]
Install = Annotated[bool, option(Panel.HOW, "--install", "Install RabbitMQ where there is none.")]
ListRules = Annotated[bool, option(Panel.OUTPUT, "--list-rules", "List the rules; check nothing.")]
Offset = Annotated[
    str | None,
    option(
        Panel.WHAT,
        "--offset OFFSET",
        "Where a stream is read from: first, last, next or a number [first].",
        parser=offset_word,
    ),
]
Rate = Annotated[
    float | None,
    option(Panel.HOW, "--rate N", "At most N a second.", parser=numbers.rate),
]
Reports = Annotated[
    list[str] | None,
    option(
        Panel.OUTPUT,
        "--output, -o FORMAT[=PATH]",
        "human, json, github, junit, sarif or gitlab; with =PATH into a file; repeatable.",
    ),
]
RetryFor = Annotated[
    float | None,
    option(
        Panel.CONNECTION,
        "--retry-for SECONDS",
        "How long to try again for a connection [only a lost one: 60].",
        parser=seconds,
    ),
]
Reveal = Annotated[
    bool, option(Panel.OUTPUT, "--reveal", "Show personal data, and texts that are no event.")
]
ShowBody = Annotated[bool, option(Panel.OUTPUT, "--body", "Show the JSON body below each line.")]
StreamSince = Annotated[
    str | None,
    option(Panel.WHAT, "--since TIME", f"Of a stream, only events from then on: {TIME}."),
]
Strict = Annotated[bool, option(Panel.HOW, "--strict", "Warnings fail, too.")]
Where = Annotated[
    str | None,
    option(
        Panel.WHAT,
        "--where EXPR",
        "Only events for which this expression (CEL) is true: 'event.payload.score < 10'.",
    ),
]
YesProtected = Annotated[bool, option(Panel.HOW, "--yes", "Don't ask on a protected profile.")]
