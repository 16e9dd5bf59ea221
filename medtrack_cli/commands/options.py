"""How options and commands are declared, and the options that all commands share."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Annotated, Any, get_type_hints

import typer

from medtrack_cli.command_line import Effect
from medtrack_cli.commands.boundary import guarded
from medtrack_cli.commands.completing import COMPLETED_BY, profiles
from medtrack_cli.commands.forms import Output, form_of
from medtrack_cli.commands.numbers import READ_BY
from medtrack_cli.commands.runtimes import runtime_for
from medtrack_cli.core.choices import Colour


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


def option(panel: Panel, typed: str, help: str, *, default: Any = None, **more: Any) -> Any:  # noqa: A002, ANN401 -- typer's own words
    """Declare an option as its help shows it, "--file, -f FILE", below a heading.

    It is given as the default of a parameter, or of a field of a dataclass of options. The metavar
    decides how its value is read and completed, unless something else is given.
    """
    *names, last = typed.split(", ")
    name, _, metavar = last.partition(" ")
    by_metavar = {
        "metavar": metavar or None,
        "autocompletion": COMPLETED_BY.get(metavar),
        "parser": READ_BY.get(metavar),
    }
    info = typer.Option(*names, name, help=help, rich_help_panel=panel, **by_metavar | more)
    return field(default=default, metadata={"info": info})


def flag(panel: Panel, typed: str, help: str) -> Any:  # noqa: A002, ANN401
    """Declare an option without a value, as `option` does."""
    return option(panel, typed, help, default=False)


def argument(metavar: str, help: str, completed_by: Any = None, *, default: Any = ...) -> Any:  # noqa: A002, ANN401
    """Declare an argument, required unless there is a default, as `option` does."""
    completed_by = completed_by or COMPLETED_BY.get(metavar)  # which Typer keeps, and never calls
    info = typer.Argument(
        metavar=metavar,
        help=help,
        rich_help_panel=Panel.WHAT,
        show_default=False,
        autocompletion=completed_by,
    )
    return field(default=default, metadata={"info": info})


def _print_help(context: typer.Context, wanted: bool) -> None:  # noqa: FBT001 -- typer's callback
    if wanted and not context.resilient_parsing:
        context.obj.print_help(context)
        raise typer.Exit


HELP = option(
    *(Panel.GENERAL, "--help, -h", "Print this help."),
    default=False,
    callback=_print_help,
    is_eager=True,
)
GLOBAL_OPTIONS: dict[str, tuple[Any, Any]] = {
    "config": (str | None, option(Panel.GENERAL, "--config FILE", "Use this configuration alone.")),
    "profile": (
        str | None,
        option(
            Panel.GENERAL, "--profile NAME", "Use this profile [local].", autocompletion=profiles
        ),
    ),
    "quiet": (bool, flag(Panel.GENERAL, "--quiet, -q", "Say only what went wrong.")),
    "verbose": (
        int,
        option(Panel.GENERAL, "--verbose, -v", "Say more; repeatable.", default=0, count=True),
    ),
    # Read by `typed_colour` before all others: help and errors have colours, too.
    "color": (
        Colour | None,
        option(Panel.GENERAL, "--color", "Colours: auto is on terminals that want them."),
    ),
    "no_color": (bool, flag(Panel.GENERAL, "--no-color", "As --color never.")),
    "help": (bool, HELP),
}
"""Name -> (type, what declares it). They are also accepted before the command."""

_CONNECTION = {
    "--url URL": "All in one: amqp[s]://user@host:port/vhost",
    "--host NAME": "The broker's host.",
    "--port N": "The broker's port.",
    "--vhost NAME": "The virtual host.",
    "--username NAME": "Who to log in as.",
    "--exchange NAME": "The exchange of the events [medtrack.events].",
    "--ca-file FILE": "Trust these CAs (PEM).",
    "--cert-file FILE": "A client certificate (PEM).",
    "--key-file FILE": "Its private key (PEM).",
}
_INSECURE = "Accept any certificate. Any server that answers gets the password."
CONNECTION_OPTIONS: dict[str, tuple[Any, Any]] = {
    **{
        typed.split()[0][2:].replace("-", "_"): (str | None, option(Panel.CONNECTION, typed, text))
        for typed, text in _CONNECTION.items()
    },
    "insecure": (bool, flag(Panel.CONNECTION, "--insecure", _INSECURE)),
}
OUTPUT = option(Panel.OUTPUT, "--output, -o", "Text for people, or JSON lines for programs.")

Body = Callable[..., int]
"""A command's own function: takes the Runtime first, returns the exit code."""


@dataclass(frozen=True)
class RunnableCommand:
    """A function as a command: with the shared options, a Runtime, and the error boundary.

    `effect` is the most that it does by any option. Files that the user names for its output don't
    count, nor what is undone at its end; destructive is what takes away what nothing brings back.
    `examples` begin its help, `panel` is its place in that of its group. A body with an `output` of
    its own gets no other; one with a `context` gets Typer's. A parameter that is a dataclass is a
    group of options, one for each field. `connects` adds the connection options, and `more` of
    them. `piped` decides by the options the default format when stdout is no terminal.
    """

    body: Body
    name: str
    examples: Sequence[str]
    effect: Effect
    panel: Panel = Panel.COMMANDS
    connects: bool = False
    more: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    piped: Callable[[Mapping[str, Any]], Output] = lambda _options: Output.HUMAN

    def __call__(self, *given: Any, **options: Any) -> int:  # noqa: ANN401 -- its body's
        return self.body(*given, **options)

    def add_to(self, app: typer.Typer) -> None:
        """Add it to the commands of a group."""
        app.command(
            self.name,
            help=inspect.cleandoc(self.body.__doc__ or ""),
            epilog="\n".join(self.examples),
            rich_help_panel=self.panel,
            add_help_option=False,
        )(self._entry())

    def _entry(self) -> Callable[..., None]:
        """Make the function that Typer calls, whose signature it reads."""
        shared = {**GLOBAL_OPTIONS, **(CONNECTION_OPTIONS if self.connects else {}), **self.more}
        asked = list(inspect.signature(self.body, eval_str=True).parameters.values())[1:]
        groups: dict[str, Any] = {
            each.name: each.annotation for each in asked if is_dataclass(each.annotation)
        }
        own = [one for each in asked if each.name != "context" for one in _ungrouped(each)]
        wants_context = any(each.name == "context" for each in asked)
        has_output = any(each.name == "output" for each in own)

        def run(context: typer.Context, **values: Any) -> None:  # noqa: ANN401 -- typer's values
            typed = {option: values.pop(option) for option in shared}
            output = values["output"] if has_output else values.pop("output")
            runtime = runtime_for(context.obj, typed, form_of(output), self.piped(values))
            for key, group in groups.items():
                values[key] = group(**{each.name: values.pop(each.name) for each in fields(group)})
            if wants_context:
                values["context"] = context
            if self.connects:
                runtime.tell_what_is_set_aside()
            raise typer.Exit(guarded(runtime, lambda: self.body(runtime, **values)))

        added = [
            *([] if has_output else [as_parameter("output", Output | None, OUTPUT)]),
            *(as_parameter(key, *declared) for key, declared in shared.items()),
        ]
        run.piped = self.piped  # type: ignore[attr-defined] # for who has no options to ask it by
        run.effect = self.effect  # type: ignore[attr-defined] # for the spec
        return signed(run, [*own, *added])


def command(
    name: str,
    *examples: str,
    effect: Effect,
    **more: Any,  # noqa: ANN401 -- as in RunnableCommand
) -> Callable[[Body], RunnableCommand]:
    """Make a function a command; see `RunnableCommand`."""
    return lambda body: RunnableCommand(body, name, examples, effect, **more)


@dataclass(frozen=True)
class Group:
    """A group of commands, which prints its help when it is typed alone."""

    name: str
    summary: str
    examples: Sequence[str]
    panel: Panel
    commands: Sequence[RunnableCommand]

    def add_to(self, app: typer.Typer) -> None:
        """Add it, with its commands, to those of another."""
        added = typer.Typer(
            callback=signed(help_when_alone, [as_parameter("help", bool, HELP)]),
            invoke_without_command=True,
            help=self.summary,
            epilog="\n".join(self.examples),
            rich_markup_mode=None,
            add_help_option=False,
        )
        app.add_typer(added, name=self.name, rich_help_panel=self.panel)
        for each in self.commands:
            each.add_to(added)


def help_when_alone(context: typer.Context, **_options: object) -> None:
    """Print the help of what was typed without a command."""
    if context.invoked_subcommand is None:
        context.obj.print_help(context)


def signed(
    run: Callable[..., None], parameters: Sequence[inspect.Parameter]
) -> Callable[..., None]:
    """Give a function the signature that Typer reads: its context, and these."""
    context = as_parameter("context", typer.Context, inspect.Parameter.empty)
    run.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    return run


def _ungrouped(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """Give the parameters of a group of options; any other parameter alone."""
    group = parameter.annotation
    if not is_dataclass(group):
        return [as_parameter(parameter.name, group, parameter.default)]
    types = get_type_hints(group)
    return [as_parameter(each.name, types[each.name], each) for each in fields(group)]


def as_parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:  # noqa: ANN401
    """Make a parameter as Typer reads it; `default` may be what `option` declares."""
    if isinstance(default, Field):
        annotation, default = Annotated[annotation, default.metadata["info"]], default.default
    default = inspect.Parameter.empty if default is ... else default
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )
