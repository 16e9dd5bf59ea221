"""Conditions in the Common Expression Language; the only module that knows its library."""

import re
from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel

from medtrack_cli.core.where import Answer, Condition
from medtrack_cli.errors import UsageError, WrongExpression
from medtrack_cli.events.suggestions import did_you_mean

LONGEST = 10_000  # characters of an expression

_ANY, _TEXT, _FLAG = cel.Type.DYN, cel.Type.STRING, cel.Type.BOOL
_TABLE = cel.Type.Map(_TEXT, _ANY)
NAMES = {
    "event": _ANY,
    "headers": _TABLE,
    "properties": _TABLE,
    "routing_key": _TEXT,
    "exchange": _TEXT,
    "redelivered": _FLAG,
    "valid": _FLAG,
}
"""What an expression may ask for: `core.where.names`, with their types."""

FUNCTIONS = ("has", "size", "contains", "startsWith", "endsWith", "matches", "exists", "all")
"""What is worth naming to a person; the language has more."""

# "ERROR: <input>:1:5: Syntax error: …", then the line and a caret.
_FAULT = re.compile(r"ERROR: <input>:([0-9]+):([0-9]+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^']*)'")
# A list of all the tokens that could stand there, and where the library's own parts end.
_NOISE = re.compile(r" expecting \{.*| \(in container ''\)| \[[A-Z_]+\]$")


def compiled(expression: str) -> Condition:
    """Check an expression as far as that is possible without an event.

    Raises UsageError with the place of what is wrong: syntax, an unknown name, types that don't
    go together, or a value that is no yes or no.
    """
    if len(expression) > LONGEST or any("\ud800" <= char <= "\udfff" for char in expression):
        raise UsageError("--where is too long, or no text", expression[:40], hint=_hint(""))
    try:
        program = cel.NewEnv(variables=NAMES).compile(expression)
    except RuntimeError as error:
        raise _wrong(expression, str(error)) from None
    kind = program.return_type()
    if kind not in (_FLAG, _ANY):
        what = f"--where asks for a yes or no, and this gives {kind.name().lower()}"
        raise UsageError(what, expression, hint="compare it: event.payload.score > 80")

    def judge(names: Mapping[str, Any]) -> Answer:
        try:
            value = program.eval(data=names).value()
        except RuntimeError:  # half of a surrogate pair, which no UTF-8 holds
            return Answer.UNEVALUABLE
        if not isinstance(value, bool):  # an error is a value, too
            return Answer.UNEVALUABLE
        return Answer.YES if value else Answer.NO

    return judge


def _wrong(expression: str, said: str) -> WrongExpression:
    """Make an error of the first thing that the library has against an expression."""
    found = _FAULT.search(said)
    line, column, fault = (int(found[1]), int(found[2]), found[3]) if found else (1, 1, said)
    name = unknown[1] if (unknown := _UNKNOWN.match(fault)) else ""
    column -= _length_before(expression.split("\n")[line - 1 : line], column, name)
    root = name.partition(".")[0]
    fault = f"there is no {root}" if root else _NOISE.sub("", fault)
    what = f"--where, column {column}: {fault}"
    return WrongExpression(what, expression, line, column, hint=_hint(root))


def _length_before(lines: list[str], column: int, name: str) -> int:
    """Tell how far before the place, a dot or a parenthesis, its name begins."""
    before = lines[0][: column - 1] if lines else ""
    names = (name, name.rpartition(".")[0])
    return next((len(each) for each in names if each and before.endswith(each)), 0)


def _hint(unknown: str) -> str:
    near = did_you_mean(unknown, [*NAMES, *FUNCTIONS]) if unknown else ""
    return near or f"it may ask for {', '.join(NAMES)}, with {', '.join(FUNCTIONS)} …"
