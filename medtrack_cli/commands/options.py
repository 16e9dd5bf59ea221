"""The options that commands share, added to a command's own by `command`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import wraps
from types import MappingProxyType
from typing import Annotated, Any, get_type_hints

import typer

from medtrack_cli.command_line import Effect
from medtrack_cli.commands.boundary import guarded
from medtrack_cli.commands.completing import COMPLETED_BY, profiles
from medtrack_cli.commands.forms import Output, form_of, forms
from medtrack_cli.commands.help_pages import Panel
from medtrack_cli.core.choices import Colour
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World


def option(panel: Panel, typed: str, help: str, **more: Any) -> Any:  # noqa: A002, ANN401 -- typer's own words
    """Declare an option as its help shows it, "--file, -f FILE", below a heading."""
    *names, last = typed.split(", ")
    name, _, metavar = last.partition(" ")
    completed = {"metavar": metavar or None, "autocompletion": COMPLETED_BY.get(metavar)}
    return typer.Option(*names, name, help=help, rich_help_panel=panel, **completed | more)


def argument(metavar: str, help: str, completed_by: Any = None) -> Any:  # noqa: A002, ANN401
    """Declare an argument; its metavar decides its completion unless one is given."""
    completed_by = completed_by or COMPLETED_BY.get(metavar)  # which Typer keeps, and never calls
    return typer.Argument(
        metavar=metavar,
        help=help,
        rich_help_panel=Panel.WHAT,
        show_default=False,
        autocompletion=completed_by,
    )


def _print_help(context: typer.Context, wanted: bool) -> None:  # noqa: FBT001 -- typer's callback
    if wanted and not context.resilient_parsing:
        context.obj.print_help(context)
        raise typer.Exit


ConfigOption = Annotated[
    str | None, option(Panel.GENERAL, "--config FILE", "Use this configuration file.")
]
ProfileOption = Annotated[
    str | None,
    option(Panel.GENERAL, "--profile NAME", "Use this profile.", autocompletion=profiles),
]
QuietOption = Annotated[bool, option(Panel.GENERAL, "--quiet, -q", "Say only what went wrong.")]
VerboseOption = Annotated[
    int, option(Panel.GENERAL, "--verbose, -v", "Say more; repeatable.", count=True)
]
# Read by `typed_colour` before all others: help and errors have colours, too.
ColorOption = Annotated[
    Colour | None, option(Panel.GENERAL, "--color", "Colours: auto is on terminals that want them.")
]
NoColorOption = Annotated[bool, option(Panel.GENERAL, "--no-color", "As --color never.")]
HelpOption = Annotated[
    bool,
    option(Panel.GENERAL, "--help, -h", "Print this help.", callback=_print_help, is_eager=True),
]

GLOBAL_OPTIONS: dict[str, tuple[Any, Any]] = {
    "config": (ConfigOption, None),
    "profile": (ProfileOption, None),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, 0),
    "color": (ColorOption, None),
    "no_color": (NoColorOption, False),
    "help": (HelpOption, False),
}
"""Name -> (type, default). They are also accepted before the command."""
_NO_FLAGS = frozenset(GLOBAL_OPTIONS) - {"config", "profile"}  # of the configuration

_CONNECTION = {
    "url": ("URL", "amqp[s]://user@host:port/vhost"),
    "host": ("NAME", "The broker's host."),
    "port": ("N", "The broker's port."),
    "vhost": ("NAME", "The virtual host."),
    "username": ("NAME", "Who to log in as."),
    "exchange": ("NAME", "The topic exchange."),
    "ca_file": ("FILE", "Trust these CAs (PEM)."),
    "cert_file": ("FILE", "Our certificate (PEM)."),
    "key_file": ("FILE", "Our private key (PEM)."),
}
CONNECTION_OPTIONS: dict[str, tuple[Any, Any]] = {
    name: (
        Annotated[
            str | None,
            option(Panel.CONNECTION, f"--{name.replace('_', '-')} {metavar}", explanation),
        ],
        None,
    )
    for name, (metavar, explanation) in _CONNECTION.items()
}
_INSECURE_HELP = "Accept any certificate. Any server that answers gets the password."
CONNECTION_OPTIONS["insecure"] = (
    Annotated[bool, option(Panel.CONNECTION, "--insecure", _INSECURE_HELP)],
    False,
)
_OUTPUT_HELP = "Text for people, or JSON lines for programs."
OUTPUT_OPTION = Annotated[Output | None, option(Panel.OUTPUT, "--output, -o", _OUTPUT_HELP)]

Body = Callable[..., int]
"""A command's own function: takes the Runtime first, returns the exit code."""


def command(
    app: typer.Typer,
    name: str,
    *,
    examples: Sequence[str],
    effect: Effect,
    panel: Panel = Panel.COMMANDS,
    connects: bool = False,
    more: Mapping[str, tuple[Any, Any]] = MappingProxyType({}),
    piped: Callable[[Mapping[str, Any]], Output] = lambda _options: Output.HUMAN,
) -> Callable[[Body], Body]:
    """Register a function as a command, with the shared options and the error boundary.

    `effect` is the most that it does by any option. Files that the user names for its output don't
    count, nor what is undone at its end; destructive is what takes away what nothing brings back.
    `examples` begin the command's help, `panel` is its place in that of its group. A body with an
    `output` of its own gets no other; one with a `context` gets Typer's. A parameter that is a
    dataclass is a group of options, one for each field. `connects` adds the connection options, and
    `more` of them. `piped` decides by the options the default format when stdout is no terminal.
    """
    connection = {**(CONNECTION_OPTIONS if connects else {}), **more}
    shared = {**GLOBAL_OPTIONS, **connection}

    def register(body: Body) -> Body:
        @wraps(body)
        def run(context: typer.Context, **values: Any) -> None:  # noqa: ANN401 -- typer's values
            typed = {option: values.pop(option) for option in shared}
            output = values["output"] if has_output else values.pop("output")
            runtime = _runtime(context.obj, typed, form_of(output), piped(values))
            for key, group in groups.items():
                values[key] = group(**{each.name: values.pop(each.name) for each in fields(group)})
            if wants_context:
                values["context"] = context
            if connects:
                runtime.tell_what_is_set_aside()
            raise typer.Exit(guarded(runtime, lambda: body(runtime, **values)))

        asked = list(inspect.signature(body, eval_str=True).parameters.values())[1:]
        groups: dict[str, Any] = {
            each.name: each.annotation for each in asked if is_dataclass(each.annotation)
        }
        own = [one for each in asked if each.name != "context" for one in _ungrouped(each)]
        wants_context = any(each.name == "context" for each in asked)
        has_output = any(each.name == "output" for each in own)
        added = [
            *([] if has_output else [_parameter("output", OUTPUT_OPTION, None)]),
            *(_parameter(key, *option) for key, option in shared.items()),
        ]
        first = inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        )
        parameters = [first, *(each.replace(kind=each.KEYWORD_ONLY) for each in own), *added]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        run.piped = piped  # type: ignore[attr-defined] # for who has no options to ask it by
        run.effect = effect  # type: ignore[attr-defined] # for the spec
        app.command(
            name,
            help=inspect.cleandoc(body.__doc__ or ""),
            epilog="\n".join(examples),
            rich_help_panel=panel,
            add_help_option=False,
        )(run)
        return body

    return register


def group(
    app: typer.Typer, name: str, summary: str, *, examples: Sequence[str], panel: Panel
) -> typer.Typer:
    """Add a group of commands, which prints its help when it is typed alone."""
    added = typer.Typer(
        callback=_group,
        invoke_without_command=True,
        help=summary,
        epilog="\n".join(examples),
        rich_markup_mode=None,
        add_help_option=False,
    )
    app.add_typer(added, name=name, rich_help_panel=panel)
    return added


def _group(context: typer.Context, *, _help: HelpOption = False) -> None:
    help_when_alone(context)


def help_when_alone(context: typer.Context) -> None:
    """Print the help of what was typed without a command."""
    if context.invoked_subcommand is None:
        context.obj.print_help(context)


def _ungrouped(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """Give the parameters of a group of options; any other parameter alone."""
    group = parameter.annotation
    if not is_dataclass(group):
        return [parameter]
    types = get_type_hints(group, include_extras=True)
    return [_parameter(each.name, types[each.name], each.default) for each in fields(group)]


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:  # noqa: ANN401
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, annotation=annotation, default=default)


class Shared:
    """What came before the command: the world, all that was typed, its global options."""

    def __init__(
        self, world: World, colour: Colour = Colour.AUTO, typed: Sequence[str] = ()
    ) -> None:
        self.world, self.colour, self.typed = world, colour, typed
        self.before: dict[str, Any] = {}

    def print_help(self, context: typer.Context) -> None:
        """Print the help of a command or a group."""
        Runtime(self.world, colour=self.colour).print_help(context.command_path)


def _runtime(
    shared: Shared, typed: dict[str, Any], output: StrEnum | None, piped: Output
) -> Runtime:
    before = shared.before
    # A text typed as "" is kept: it is a vhost's name, or an error, but never a default.
    merged = {
        name: before.get(name) if value in {None, False} else value for name, value in typed.items()
    }
    out, err = forms(shared.world, output, piped)
    flags = {name: value for name, value in merged.items() if name not in _NO_FLAGS}
    return Runtime(
        world=shared.world,
        flags={name: str(value) for name, value in flags.items() if value not in {None, False}},
        output=out,
        told=err,
        quiet=bool(merged["quiet"]),
        verbose=typed["verbose"] + before.get("verbose", 0),
        colour=shared.colour,
        typed=shared.typed,
    )
