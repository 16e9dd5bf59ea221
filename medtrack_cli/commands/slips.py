"""The probable meaning of a command line that can't be read: the same line with typos corrected."""

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from medtrack_cli.commands.foreign_words import (
    COMMANDS,
    EXTRA,
    OPTIONS,
    PASSWORD,
    TYPE,
    VALUES,
    Words,
)
from medtrack_cli.suggestions import nearest

Typers = Any
"""Typer's commands, parameters and errors: their classes are not public."""

NEAR = 0.75
"""How similar a word must be to be suggested: `send` is not `listen`."""

_USER_INFO = re.compile(r"""(?s)^((?:\w+://)?[^:@/\s={"']*:).*@""")

_VALUE = re.compile("(?s)=.*")  # of a field

MOST_SLIPS = 6

MOST_LETTERS = 300
"""Of a hint: a glob may have named thousands of files."""


class _Line(NamedTuple):
    """A command line, and the command it names, whose own words begin at `start`."""

    words: list[str]
    path: str
    command: Typers
    start: int

    def put(self, start: int, end: int, new: Iterable[str]) -> list[str]:
        """Give the words with those from `start` to `end` replaced."""
        return [*self.words[:start], *new, *self.words[end:]]


def meant(root: Typers, problem: Typers, arguments: Sequence[str]) -> str:
    """Correct a command line until it can be read; right parts stay as typed."""
    line = _standing(root, list(arguments))
    helping = _example(line, problem) or f"{line.path.removesuffix(' help')} --help"
    for _ in range(MOST_SLIPS):
        mend = _MENDERS.get(type(problem).__name__)
        mended = mend and mend(line, problem)
        if not isinstance(mended, list):
            return mended or helping
        line = _standing(root, mended)
        problem = _read(line)
        if isinstance(problem, list) and problem != list(arguments):
            text = written(problem)
            return text if len(text) <= MOST_LETTERS else helping
    return helping


def _example(line: _Line, problem: Typers) -> str | None:
    """Give the first example of a command that lacks an operand, or has a wrong one."""
    is_operand = getattr(getattr(problem, "param", None), "param_type_name", "") == "argument"
    is_lacking = type(problem).__name__ == "MissingParameter"
    example = line.command.epilog.partition("\n")[0].partition(" > ")[0]
    return str(example) if is_operand or is_lacking else None


def with_source(words: Sequence[str], named: str | None, *, has_count: bool) -> list[str]:
    """Add to a `publish` without a source a file, or a type and a count."""
    typed = named or "publish"
    at = len(words) - 1 - words[::-1].index(typed)
    count = [] if has_count else ["--count", "1"]
    new = ["-f", typed] if named and is_file(typed) else [named or TYPE, *count]
    return [*words[: at + (named is None)], *new, *words[at + 1 :]]


def written(words: Iterable[str]) -> str:
    """Write a command line for a shell, without what a log shouldn't contain.

    A password in a URL is removed, and values of events are replaced by their places.
    """
    shown = [_USER_INFO.sub(r"\1***@", each) for each in words]
    for at, word in enumerate(shown):
        option, equals, value = word.partition("=")
        if option in {"-d", "--data"} and (equals or shown[at + 1 :]):
            shown[at : at + 2 - len(equals)] = [option, "JSON"]
        elif option == "--set" and equals:
            shown[at] = f"--set={_VALUE.sub('=VALUE', value)}"
        elif shown[at - 1 : at] == ["--set"]:
            shown[at] = _VALUE.sub("=VALUE", word)
    return shlex.join(["medtrack", *shown])


def is_file(word: str) -> bool:
    """Return whether a word is meant as a file."""
    try:
        path = Path(word)
        return path.suffix in {".json", ".yaml", ".yml", ".ndjson"} or (
            word != "" and path.exists()
        )
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def _standing(root: Typers, words: list[str]) -> _Line:
    path, command, start = "medtrack", root, 0
    while hasattr(command, "commands"):
        valued = {name for each in command.params if not _is_flag(each) for name in each.opts}
        while words[start : start + 1] and words[start].startswith("-"):
            start += 2 if words[start] in valued else 1
        word = "".join(words[start : start + 1])
        if word not in command.commands:
            break
        path, command, start = f"{path} {word}", command.commands[word], start + 1
    return _Line(words, path, command, start)


def _read(line: _Line) -> Typers:
    """Return what can be read, completed, or the next problem. Nothing of it is run.

    A help and the version would be printed while they are read, and need nothing else.
    """
    if {"--help", "-h", "--version"} & {*line.words} or hasattr(line.command, "commands"):
        return line.words
    try:
        given = line.command.make_context(line.path, line.words[line.start :]).params
    except Exception as problem:  # noqa: BLE001 -- the class of what typer raises is not public
        return problem
    if line.path != "medtrack publish":
        return line.words
    named, has_count = given["event_type"], bool(given["set_"] or given["count"])
    if (given["file"] or given["data"] or (has_count and named)) and not is_file(named or ""):
        return line.words
    return with_source(line.words, named, has_count=has_count)


def _word(line: _Line, problem: Typers) -> list[str] | str | None:
    """Correct an unknown command, or remove extra words."""
    if not hasattr(line.command, "commands"):
        extra = problem.format_message().partition("(s) (")[2].removesuffix(")")
        words = [*extra.split(), *(each for each in line.words if " " in each and each in extra)]
        return [new for each in line.words for new in _as_option(line.path, each, words)]
    word = "".join(line.words[line.start : line.start + 1])
    known = _known(COMMANDS.get(line.path, {}), word, line.command.commands)
    if known is None and line.path == "medtrack schema" and "." in word:
        known = f"show {word}"
    if known is None and is_file(word):
        known = f"validate {shlex.quote(word)}"
    if known is None or known.startswith("medtrack "):
        return known
    return line.put(line.start, line.start + 1, shlex.split(known))


def _as_option(path: str, word: str, extra: Sequence[str]) -> list[str]:
    """Give an extra word its option, where it can only be the value of one."""
    if word not in extra:
        return [word]
    for command, pattern, option in EXTRA:
        if path == command and re.match(pattern, word):
            name, *start = option.split()
            return [name, "".join([*start, word])]
    return ["-f", word] if path == "medtrack publish" and is_file(word) else []


def _option(line: _Line, problem: Typers) -> list[str] | str | None:
    """Correct an unknown option."""
    name = problem.option_name
    own = [each for param in line.command.params for each in param.opts]
    spot = _spot(line.words, [name])
    if spot is None:  # one of several letters: -version, -profile
        return [f"-{each}" if f"-{each}" in own else each for each in line.words]
    start, end, value = spot
    known = _known(OPTIONS.get(line.path, {}) | OPTIONS[""], name, own)
    known = "--host" if known == "--url" and "://" not in value else known
    if known == PASSWORD:
        return PASSWORD
    if known is None or known.startswith("medtrack "):
        return known or _moved(line, start, end)
    kept = value.partition(":")[0] if known == "--username" else value  # USER:PASSWORD
    return line.put(start, end, [*known.split(), *([kept] if kept else [])])


def _moved(line: _Line, start: int, end: int) -> list[str] | None:
    """Move an option from before its command to after it."""
    commands = getattr(line.command, "commands", {})
    at = next((i for i in range(start, len(line.words)) if line.words[i] in commands), None)
    if at is None:
        return None
    end = min(end, at)
    return line.put(start, at + 1, [*line.words[end : at + 1], *line.words[start:end]])


def _value(line: _Line, problem: Typers) -> list[str] | None:
    """Correct an option's value, or add a missing one."""
    name = getattr(problem, "option_name", "")
    of_it = (each for each in line.command.params if name in each.opts)
    param = next(of_it, None) or getattr(problem, "param", None)
    spot = param and _spot(line.words, param.opts)
    if not spot:
        return None
    start, end, value = spot
    new = [] if _is_flag(param) else [_better(param, value)]
    return line.put(start, end, [line.words[start].partition("=")[0], *new])


def _better(param: Typers, value: str) -> str:
    """Read 10sec, 1,000 and 2x as meant, and a choice as the nearest; else give an example."""
    choices = [str(each) for each in getattr(param.type, "choices", ())]
    number = re.fullmatch(r"([\d.]+)(?:x|/s\w*| *(ms|[smhd])[a-z]*)?", re.sub("[,_]", "", value))
    if near := nearest(value, choices, NEAR):
        return near
    if number and number[1] != value:
        unit = number[2] if param.metavar == "SECONDS" else None
        return f"{number[1]}{unit or ''}"
    example = _said(VALUES, *param.opts, param.metavar)
    return str(example or next(iter(choices), param.metavar))


def _missing(line: _Line, problem: Typers) -> list[str]:
    """Add an example of what a command requires."""
    example = _said(VALUES, problem.param.metavar) or problem.param.metavar
    return [*line.words, *(each for each in example.split() if each not in line.words)]


def _known(table: Words, word: str, own: Iterable[str]) -> str | None:
    """Find the meaning of another tool's word, or of a misspelled one."""
    spelled = word.replace("_", "-").lower() if word.startswith("--") else word.lower()
    words = [*own, *chain(*(table[each].split() for each in table if each[:9] != "medtrack "))]
    alike = [each for each in words if each[:3] == spelled[:3] or not spelled.startswith("-")]
    near = nearest(spelled, alike, NEAR)
    known = _said(table, word, *([near] if near else []))
    return near if known is None else known


def _said(table: Words, *said: str) -> str | None:
    return next((each for word in said for each in table if word in table[each].split()), None)


def _spot(words: Sequence[str], names: Sequence[str]) -> tuple[int, int, str] | None:
    """Find the index of the last use of an option, where its value ends, and the value."""
    for at in reversed(range(len(words))):
        name, equals, value = words[at].partition("=")
        if name in names and equals:
            return at, at + 1, value
        if name in names:
            value = "".join(words[at + 1 : at + 2])
            has_value = value and not re.match(r"-\D", value)
            return (at, at + 2, value) if has_value else (at, at + 1, "")
    return None


def _is_flag(param: Typers) -> bool:
    return bool(getattr(param, "is_flag", False) or getattr(param, "count", False))


_MENDERS = {
    "UsageError": _word,
    "NoSuchOption": _option,
    "BadOptionUsage": _value,
    "BadParameter": _value,
    "MissingParameter": _missing,
}
