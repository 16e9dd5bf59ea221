"""From a command in Typer to the page that its --help prints."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import typer

from medtrack_cli.output.shown.help_page import HelpPage, Section


class Panel(StrEnum):
    """The headings of a help, in order: first of commands, then of options."""

    EVENTS = "Events"
    SCHEMAS = "Schemas"
    BROKER = "Broker"
    SET_UP = "Set up"
    COMMANDS = "Commands"
    WHAT = "What"
    HOW = "How"
    RUNS = "Runs"
    END = "When to end"
    OUTPUT = "Output"
    CONNECTION = "Connection"
    GENERAL = "General"


_LIKE_OPTIONS = ["CONFIG", "PROFILE", "URL", "HOST", "PORT", "VHOST", "USERNAME", "EXCHANGE"]
VARIABLES = {
    "MEDTRACK_PASSWORD": "The password of the broker; there is no option for it.",
    "MEDTRACK_PSEUDONYM_KEY": "Makes the fakes of --pseudonymize the same in every run.",
    "MEDTRACK_SERVICE": "Fills in an event's missing service.",
    "MEDTRACK_MANAGEMENT_URL": "The broker's management API, for dry runs and hints.",
    "MEDTRACK_KEY_PASSPHRASE": "Opens the private key of --key-file.",
    "NO_COLOR, FORCE_COLOR": "As --color never, --color always.",
    "": ", ".join(f"MEDTRACK_{name}" for name in _LIKE_OPTIONS)
    + ": as the options of these names.",
}
_DOCS = (
    "docs/ in medtrack's source: docs/cli.md has every help, docs/configuration.md the profiles, "
    "docs/explain.md what each code means."
)


def _closing() -> list[list[Section]]:
    """End the help of medtrack itself: exit codes, variables, and further documentation."""
    from medtrack_cli.core.explanations.exit_codes import EXIT_CODES

    codes = [(str(int(code)), EXIT_CODES[code].summary) for code in sorted(EXIT_CODES)]
    rest = [Section("Environment", list(VARIABLES.items())), Section("Docs", [("", _DOCS)])]
    return [[Section("Exit codes", codes)], rest]


def help_page(context: typer.Context) -> HelpPage:
    """Read the page from a command. Its examples are in Typer's epilog, one a line."""
    command: Any = context.command
    summary, _, rest = command.help.partition("\n")
    commands = getattr(command, "commands", {})
    return HelpPage(
        summary=summary,
        examples=command.epilog.splitlines(),
        usage=" ".join([context.command_path, *_operands(command), "[OPTIONS]"]),
        text=[" ".join(each.split()) for each in rest.split("\n\n") if each.strip()],
        parts=[
            _sections([(each.rich_help_panel, _command(each)) for each in commands.values()]),
            _sections(
                [
                    (each.rich_help_panel or Panel.GENERAL, _parameter(each))
                    for each in command.params
                ]
            ),
            *([] if context.parent else _closing()),
        ],
        for_newcomers="new here? medtrack demo" if commands else "",
    )


def _operands(command: Any) -> Iterator[str]:  # noqa: ANN401 -- Typer's own class is private
    for each in command.params:
        if each.param_type_name == "argument":
            yield each.metavar if each.required else f"[{each.metavar}]"
    if getattr(command, "commands", None):
        yield "COMMAND"


def _sections(rows: list[tuple[str, tuple[str, str]]]) -> list[Section]:
    panels = [(panel, [row for name, row in rows if name == panel]) for panel in Panel]
    return [Section(panel, found) for panel, found in panels if found]


def _command(command: Any) -> tuple[str, str]:  # noqa: ANN401
    return command.name, command.help.partition("\n")[0]


def _parameter(parameter: Any) -> tuple[str, str]:  # noqa: ANN401
    """Give the names of an option and its value, and its meaning."""
    default = parameter.default if parameter.show_default else None
    text = f"{parameter.help.rstrip('.')} [{default}]." if default else parameter.help
    if parameter.param_type_name == "argument":
        return parameter.metavar, text
    names = sorted(parameter.opts, key=len)
    label = " " * 4 * names[0].startswith("--") + ", ".join(names)  # below "-f, --file"
    if parameter.is_flag or parameter.count:
        return label, text
    value = parameter.metavar or "|".join(parameter.type.choices)
    return f"{label} {value}", text
