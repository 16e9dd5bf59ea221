"""The options that commands share, added to a command's own by `command`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any

import typer

from medtrack_cli.commands.boundary import guarded
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World


class Output(StrEnum):
    """The forms of output that every command has."""

    HUMAN = "human"
    JSON = "json"


def _option(*names: str, help: str, **more: Any) -> Any:  # noqa: A002, ANN401 -- typer's own words
    return typer.Option(*names, help=help, show_default=False, **more)


ConfigOption = Annotated[str | None, _option("--config", help="Use this configuration file.")]
ProfileOption = Annotated[str | None, _option("--profile", help="Use this profile.")]
QuietOption = Annotated[bool, _option("--quiet", "-q", help="Say only what went wrong.")]
VerboseOption = Annotated[int, _option("--verbose", "-v", count=True, help="Say more; repeatable.")]
NoColorOption = Annotated[bool, _option("--no-color", help="Print without colours.")]

GLOBAL_OPTIONS: dict[str, tuple[Any, Any]] = {
    "config": (ConfigOption, None),
    "profile": (ProfileOption, None),
    "quiet": (QuietOption, False),
    "verbose": (VerboseOption, 0),
    "no_color": (NoColorOption, False),
}
"""Name -> (type, default). They are taken before the command, too."""

_CONNECTION_HELP = {
    "url": "amqp[s]://user@host:port/vhost",
    "host": "The broker's host.",
    "port": "The broker's port.",
    "vhost": "The virtual host.",
    "username": "Who to log in as.",
    "exchange": "The topic exchange.",
    "ca_file": "Trust these CAs (PEM).",
    "cert_file": "Our certificate (PEM).",
    "key_file": "Our private key (PEM).",
}
CONNECTION_OPTIONS: dict[str, tuple[Any, Any]] = {
    name: (Annotated[str | None, _option(f"--{name.replace('_', '-')}", help=text)], None)
    for name, text in _CONNECTION_HELP.items()
}
_INSECURE_HELP = "Accept any certificate. Whoever answers gets the password."
CONNECTION_OPTIONS["insecure"] = (
    Annotated[bool, _option("--insecure", help=_INSECURE_HELP)],
    False,
)
OUTPUT_OPTION = Annotated[Output | None, _option("--output", "-o", help="human or json.")]

Body = Callable[..., int]
"""A command's own function: takes the Runtime first, returns the exit code."""


def command(
    app: typer.Typer,
    name: str,
    *,
    examples: Sequence[str],
    connects: bool = False,
    piped: Callable[[Mapping[str, Any]], Output] = lambda _options: Output.HUMAN,
) -> Callable[[Body], Body]:
    """Register a function as a command, with the shared options and the error boundary.

    `examples` open the command's help. A body with an `output` of its own gets no other.
    `connects` adds the connection options. `piped` tells by the options what the output
    is when stdout is no terminal and none was asked for.
    """
    shared = {**GLOBAL_OPTIONS, **(CONNECTION_OPTIONS if connects else {})}

    def register(body: Body) -> Body:
        @wraps(body)
        def run(context: typer.Context, **values: Any) -> None:  # noqa: ANN401 -- typer's values
            typed = {option: values.pop(option) for option in shared}
            output = values["output"] if has_output else values.pop("output")
            runtime = _runtime(context.obj, typed, _form(output), piped(values))
            if connects:
                runtime.tell_what_is_set_aside()
            raise typer.Exit(guarded(runtime, lambda: body(runtime, **values)))

        own = list(inspect.signature(body, eval_str=True).parameters.values())[1:]
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
        app.command(name, help=with_examples(inspect.cleandoc(body.__doc__ or ""), examples))(run)
        return body

    return register


def group(app: typer.Typer, name: str, summary: str, *, examples: Sequence[str]) -> typer.Typer:
    """Add a group of commands, which prints its help when it is typed alone."""
    added = typer.Typer(
        callback=help_when_alone,
        invoke_without_command=True,
        help=with_examples(summary, examples),
        rich_markup_mode=None,
    )
    app.add_typer(added, name=name)
    return added


def help_when_alone(context: typer.Context) -> None:
    """Print the help of what was typed without a command."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def with_examples(text: str, examples: Sequence[str]) -> str:
    """Put the examples behind a help's first line; a backspace keeps lines as they are."""
    summary, _, rest = text.partition("\n")
    lines = "\n".join(f"  {example}" for example in examples)
    return f"{summary}\n\n\b\nExamples:\n{lines}\n\n{rest.strip()}"


def _form(output: StrEnum | list[str] | None) -> StrEnum | None:
    """Choose the form of notes and errors when a command has outputs of its own."""
    if isinstance(output, list):
        return Output.JSON if Output.JSON in output else Output.HUMAN
    return output


def forms(world: World, output: StrEnum | None, piped: StrEnum) -> tuple[StrEnum, StrEnum]:
    """Choose the forms of stdout and stderr by what was asked for, and by where they lead.

    Without a wish, a person before stderr reads sentences there whatever stdout gets.
    """
    if output is not None:
        return output, output
    out = Output.HUMAN if world.stdout.isatty() else piped
    return out, Output.HUMAN if world.stderr.isatty() else out


def asked_for(arguments: Sequence[str]) -> Output | None:
    """Find the form that a command line asks for, be the rest of it as it may."""
    asked = None
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        if word in {"-o", "--output"}:
            asked = next(words, None)
        elif word.startswith("--output="):
            asked = word.partition("=")[2]
        elif word.startswith("-o"):
            asked = word.removeprefix("-o").removeprefix("=")
    if asked is None:
        return None
    return Output.JSON if asked == Output.JSON else Output.HUMAN


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:  # noqa: ANN401
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, annotation=annotation, default=default)


class Shared:
    """What stood before the command: the world, and the global options typed there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.before: dict[str, Any] = {}


def _runtime(
    shared: Shared, typed: dict[str, Any], output: StrEnum | None, piped: Output
) -> Runtime:
    before = shared.before
    # A text typed as "" stays: it is a vhost's name, or an error, but never a default.
    merged = {
        name: before.get(name) if value in {None, False} else value for name, value in typed.items()
    }
    out, err = forms(shared.world, output, piped)
    return Runtime(
        world=shared.world,
        flags={
            name: str(value)
            for name, value in merged.items()
            if name not in {"quiet", "verbose", "no_color"} and value not in {None, False}
        },
        output=out,
        told=err,
        quiet=bool(merged["quiet"]),
        verbose=typed["verbose"] + before.get("verbose", 0),
        no_color=bool(merged["no_color"]),
    )
