"""A command line that is still being typed: where its cursor is, and what may come there.

It is read by what `spec` says of it. Typer's own completion has scripts that execute the answer
(zsh), split it at blanks and expand its wildcards (bash), and loads rich for a meaning.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from medtrack_cli.command_line import Command, Parameter, command_of, inner
from medtrack_cli.commands import completing
from medtrack_cli.commands.completing import FILES, Typed, Words, words_of
from medtrack_cli.commands.options import Panel
from medtrack_cli.output.shown.candidates import Completions, Word
from medtrack_cli.runtime import Runtime
from medtrack_cli.world import World

Values = dict[str, list[str]]
"""What was typed, by the names of options and arguments; a flag has an empty text."""


class _Line(NamedTuple):
    """A line's command with what was given to it, and what came before it.

    `waiting` is the option whose value comes next; `has_ended`: by --, after which no options come.
    """

    command: Command
    own: Values
    before: Values
    waiting: Parameter | None = None
    has_ended: bool = False


def completions(world: World, words: Sequence[str], last: str) -> Completions:
    """Complete the last word, by the words before it."""
    line = _read(words)
    if line is None:
        return Completions()
    command, own = line.command, line.own
    typed = Typed(Runtime(world, flags=_of_configuration(line)), own, last)
    if line.waiting:
        return _values(typed, line.waiting)
    if last.startswith("-") and not line.has_ended:
        name, equals, value = last.partition("=")
        if not equals:
            return Completions(_beginning(_options_left(line), last))
        option = _option(command, name)
        typed = typed._replace(last=value)
        return _values(typed, option, f"{name}=") if option else Completions()
    if inner(command):
        return Completions(_beginning(words_of(command), last))
    operand = _open_operand(command, own)
    return _values(typed, operand) if operand else Completions()


def _read(words: Sequence[str]) -> _Line | None:
    """Read the words before the cursor; None: there is no such command."""
    line = _Line(command_of("medtrack"), {}, {})
    for word in words:
        command, own = line.command, line.own
        if line.waiting:
            own.setdefault(_key(line.waiting), []).append(word)
            line = line._replace(waiting=None)
        elif word == "--":
            line = line._replace(has_ended=True)
        elif word.startswith("-") and word != "-" and not line.has_ended:
            line = line._replace(waiting=_read_option(command, word, own))
        elif commands := inner(command):
            found = next((each for each in commands if each["name"].endswith(f" {word}")), None)
            if found is None:
                return None
            line = _Line(found, {}, line.before | own)
        elif operand := _open_operand(command, own):
            own.setdefault(_key(operand), []).append(word)
    return line


def _options_left(line: _Line) -> Iterator[tuple[str, str]]:
    """List the options that can still be given."""
    for each in line.command["options"]:
        if each["repeatable"] or _key(each) not in line.own:
            yield from ((name, each["help"]) for name in each["names"])


def _key(parameter: Parameter) -> str:
    names = parameter["names"] or [parameter["metavar"].rstrip("…").lower()]
    return names[-1].lstrip("-").replace("-", "_")


def _option(command: Command, name: str) -> Parameter | None:
    return next((each for each in command["options"] if name in each["names"]), None)


def _read_option(command: Command, word: str, own: Values) -> Parameter | None:
    """Keep an option's value, and return it if that comes next: --output, -o, and -qo as well."""
    name, equals, value = word.partition("=")
    names = [name] if word.startswith("--") else [f"-{letter}" for letter in word[1:]]
    for at, each in enumerate(names, 1):
        option = _option(command, each)
        if option and option["metavar"]:
            if at == len(names) and not equals:
                return option
            own.setdefault(_key(option), []).append(value if equals else word[at + 1 :])
            break
        if option:
            own.setdefault(_key(option), []).append("")
    return None


def _open_operand(command: Command, own: Values) -> Parameter | None:
    """Find the argument that the next operand is for."""
    return next((e for e in command["arguments"] if e["repeatable"] or _key(e) not in own), None)


def _of_configuration(line: _Line) -> Mapping[str, str]:
    """Choose what says where the broker is, and which files say so."""
    panels = {Panel.CONNECTION, Panel.GENERAL}
    names = {_key(each) for each in line.command["options"] if each["group"] in panels}
    given = line.before | line.own
    return {name: texts[-1] for name, texts in given.items() if name in names}


def _beginning(rows: Iterable[tuple[str, str]], last: str) -> list[Word]:
    return [Word(*each) for each in rows if each[0].startswith(last)]


def _values(typed: Typed, parameter: Parameter, before: str = "") -> Completions:
    """List an option's or an argument's values."""
    listed: Words = [(each, "") for each in parameter["choices"]]
    if name := parameter["completed_by"]:
        known = getattr(completing, name)
        listed = known(typed) if known.__code__.co_argcount else known()
    found = _beginning(listed, typed.last)
    file = next((each for each in found if each.meaning.startswith(FILES)), None)
    return Completions(
        [Word(f"{before}{e.text}", e.meaning) for e in found if e != file and _fits(e.text)],
        takes_files=file is not None,
        before_file=len(before) + int(file.meaning.removeprefix(FILES)) if file else 0,
    )


def _fits(text: str) -> bool:
    """Return whether a program can get this word as an argument."""
    return "\0" not in text and text.encode(errors="replace").decode() == text
