"""Options that several commands have, word for word."""

from medtrack_cli.commands.numbers import LEAST, MOST, number, offset_word
from medtrack_cli.commands.options import Panel, flag, option

TIME = "2025-01-15T10:00:00Z (UTC without an offset), or -2h, -3d"

ALLOW_EMPTY = flag(Panel.WHAT, "--allow-empty", "An input without any event is fine.")
BIND = option(
    Panel.WHAT,
    "--bind PATTERN",
    "Routing keys it gets from the event exchange; repeatable.",
    default=...,
)
DEFINITIONS = option(
    Panel.HOW,
    "--definitions FILE",
    "Ask no broker but a file of `rabbitmqctl export_definitions`; - for stdin.",
)
DRY_RUN = flag(Panel.HOW, "--dry-run", "Print what would be sent; send nothing.")
INSTALL = flag(Panel.HOW, "--install", "Install RabbitMQ where there is none.")
LIST_RULES = flag(Panel.OUTPUT, "--list-rules", "List the rules; check nothing.")
OFFSET = option(
    Panel.WHAT,
    "--offset OFFSET",
    "Where a stream is read from: first, last, next or a number [first].",
    parser=offset_word,
)
RATE = option(Panel.HOW, "--rate N", "At most N events a second.", parser=number(LEAST, MOST))
REPORTS = option(
    Panel.OUTPUT,
    "--output, -o FORMAT[=PATH]",
    "human, json, github, junit, sarif or gitlab; with =PATH into a file; repeatable.",
)
RETRY_FOR = option(
    Panel.CONNECTION,
    "--retry-for SECONDS",
    "How long to try again without a connection, or where a queue refuses [60; the first "
    "connection: one try].",
)
REVEAL = flag(Panel.OUTPUT, "--reveal", "Show personal data, and texts that are no event.")
SET = option(
    Panel.HOW,
    "--set PATH=VALUE",
    "Set a field of each event, such as payload.score=85; repeatable.",
)
SHOW_BODY = flag(Panel.OUTPUT, "--body", "Show the JSON body below each line.")
STREAM_SINCE = option(Panel.WHAT, "--since TIME", f"Of a stream, only events from then on: {TIME}.")
STRICT = flag(Panel.HOW, "--strict", "Warnings fail, too.")
WHERE = option(
    Panel.WHAT,
    "--where EXPR",
    "Only events for which this expression (CEL) is true: 'event.payload.score < 10'.",
)
YES_PROTECTED = flag(Panel.HOW, "--yes", "Don't ask first where the profile is protected.")
