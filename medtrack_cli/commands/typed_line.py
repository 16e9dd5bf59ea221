"""A command line that is still being typed: where its cursor is, and what may come there.

Typer's own completion knows this, too, but its scripts execute the answer (zsh), split it at blanks
and expand its wildcards (bash), and load rich for a meaning.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import typer

from medtrack_cli.commands.completing import FILES, commands_of
from medtrack_cli.commands.options import runtime_of
from medtrack_cli.output.shown.candidates import Completions, Word
from medtrack_cli.world import World

# Typer's classes of commands, options and arguments are not public.
Command = Any
Parameter = Any


class _Own(NamedTuple):
    """The words of one command, from its name on, and what is still open.

    `option` waits for its value; `ended`: by --, so that no more options come.
    """

    words: Sequence[str]
    inner: Sequence[str] = ()
    option: Parameter | None = None
    ended: bool = False


def completions(command: Command, world: World, words: Sequence[str], last: str) -> Completions:
    """Complete the last word, by the words before it."""
    name, context = "medtrack", None
    while True:
        own = _own(command, words)
        context = command.make_context(
            name, list(own.words), parent=context, resilient_parsing=True
        )
        if not own.inner:
            break
        name, *words = own.inner
        command = command.commands.get(name)
        if command is None:
            return Completions()
    context.obj = runtime_of(context, world)
    if own.option:
        return _values(context, own.option, last)
    if last.startswith("-") and not own.ended:
        option_name, equals, value = last.partition("=")
        if not equals:
            return Completions(_options(context, last))
        option = _option(command, option_name)
        return _values(context, option, value, f"{option_name}=") if option else Completions()
    if hasattr(command, "commands"):
        return Completions(_beginning(commands_of(command), last))
    operand = next((each for each in command.params if _is_open(context, each)), None)
    return _values(context, operand, last) if operand else Completions()


def _own(command: Command, words: Sequence[str]) -> _Own:
    left = iter(enumerate(words))
    for at, word in left:
        if word == "--":
            return _Own(words, ended=True)
        if word.startswith("-") and word != "-":
            option = _before_value(command, word)
            if option and next(left, None) is None:
                return _Own(words[:at], option=option)
        elif hasattr(command, "commands"):
            return _Own(words[:at], words[at:])
    return _Own(words)


def _before_value(command: Command, word: str) -> Parameter | None:
    """Find the option whose value comes next: --output, -o, and -qo as well."""
    names = [word] if word.startswith("--") else [f"-{letter}" for letter in word[1:]]
    for at, name in enumerate(names, 1):
        option = _option(command, name)
        if option and not (option.is_flag or option.count):
            return option if at == len(names) else None
    return None


def _option(command: Command, name: str) -> Parameter | None:
    return next((each for each in _options_of(command) if name in each.opts), None)


def _options_of(command: Command) -> list[Parameter]:
    return [each for each in command.params if each.param_type_name == "option"]


def _options(context: typer.Context, last: str) -> list[Word]:
    """List the options that can still be given."""
    left = [
        each
        for each in _options_of(context.command)
        if each.multiple or not _is_given(context, each)
    ]
    return _beginning([(name, each.help) for each in left for name in each.opts], last)


def _is_open(context: typer.Context, parameter: Parameter) -> bool:
    """Return whether the next operand is this one's."""
    is_argument = parameter.param_type_name == "argument"
    return is_argument and (parameter.nargs == -1 or not _is_given(context, parameter))


def _is_given(context: typer.Context, parameter: Parameter) -> bool:
    source = context.get_parameter_source(parameter.name)
    return source is not None and source.name == "COMMANDLINE"


def _beginning(rows: Sequence[tuple[str, str]], last: str) -> list[Word]:
    return [Word(*each) for each in rows if each[0].startswith(last)]


def _values(
    context: typer.Context, parameter: Parameter, last: str, before: str = ""
) -> Completions:
    """Ask an option or an argument for its values."""
    found = parameter.shell_complete(context, last)
    words = [each for each in found if not (each.help or "").startswith(FILES)]
    file = next((each for each in found if each not in words), None)
    return Completions(
        [Word(f"{before}{each.value}", each.help or "") for each in words if _fits(each.value)],
        takes_files=file is not None,
        before_file=len(before) + int(file.help.removeprefix(FILES)) if file else 0,
    )


def _fits(text: str) -> bool:
    """Return whether a program can get this word as an argument."""
    return "\0" not in text and text.encode(errors="replace").decode() == text
