"""Conditions in the Common Expression Language; the only module that knows its library."""

import re
from collections.abc import Mapping
from math import inf
from typing import Any

from cel_expr_python import cel

from medtrack_cli.core.conditions import Answer, Condition
from medtrack_cli.errors import UsageError, WrongExpression
from medtrack_cli.suggestions import did_you_mean

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
"""What an expression can use: `core.conditions.names`, with their types."""

# The library cuts a text at its first NUL: values get this noncharacter instead.
NUL, NO_NUL = "\0", "\ufdd0"
_ASKS_FOR_NUL = re.compile(r"\\(u0000|U00000000|x00|X00|000)")
_RANGE = re.compile(r"<input>:1:([0-9]+): expression of type 'dyn' cannot be the range")
MOST_RANGES = 20  # of one expression

FUNCTIONS = ("has", "size", "contains", "startsWith", "endsWith", "matches", "exists", "all")
"""The functions named to people; the language has more."""

# "ERROR: <input>:1:5: Syntax error: …", then the line and a caret.
_FAULT = re.compile(r"ERROR: <input>:([0-9]+):([0-9]+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^']*)'")
# A list of all possible tokens, and where the library's own parts end.
_NOISE = re.compile(r" expecting \{.*| \(in container ''\)| \[[A-Z_]+\]$")


def compiled(expression: str) -> Condition:
    """Check an expression as far as that is possible without an event.

    Raises UsageError with the place of the mistake: syntax, an unknown name, types that don't
    match, or a value that is no boolean.
    """
    if len(expression) > LONGEST or any("\ud800" <= char <= "\udfff" for char in expression):
        raise UsageError("--where is too long, or no text", expression[:40], hint=_hint(""))
    if NUL in expression or _ASKS_FOR_NUL.search(expression):
        raise UsageError("--where can't ask for the character NUL", expression, hint=_hint(""))
    program = _program(expression)
    kind = program.return_type()
    if kind not in (_FLAG, _ANY):
        what = f"--where asks for a yes or no, and this gives {kind.name().lower()}"
        raise UsageError(what, expression, hint="compare it: event.payload.score > 80")

    def judge(names: Mapping[str, Any]) -> Answer:
        try:
            value = program.eval(data=_evaluable(names)).value()
        except RuntimeError:  # half of a surrogate pair, which UTF-8 can't encode
            return Answer.UNEVALUABLE
        if not isinstance(value, bool):  # an error is a value, too
            return Answer.UNEVALUABLE
        return Answer.YES if value else Answer.NO

    return judge


def _program(expression: str) -> Any:  # noqa: ANN401 -- the library's own
    """Compile, telling the library that indexed values may be lists: `event["a"].all(…)`."""
    for _ in range(MOST_RANGES):
        try:
            return cel.NewEnv(variables=NAMES).compile(expression)
        except RuntimeError as error:
            found = _RANGE.search(str(error))
            if found is None:
                raise _wrong(expression, str(error)) from None
            start, end = _indexed(expression, int(found[1]) - 1)
            expression = f"{expression[:start]}dyn({expression[start:end]}){expression[end:]}"
    raise UsageError("--where goes through too many lists", expression, hint=_hint(""))


def _indexed(expression: str, bracket: int) -> tuple[int, int]:
    """Find where the indexed value begins, and where the index with this bracket ends."""
    start, depth = bracket, 0
    while start and (depth or re.match(r"[\w.\])]", expression[start - 1])):
        start -= 1
        depth += (expression[start] in "])") - (expression[start] in "[(")
    end, depth = bracket, 0
    while end < len(expression):
        depth += (expression[end] == "[") - (expression[end] == "]")
        end += 1
        if not depth:
            break
    return start, end


def _evaluable(value: Any) -> Any:  # noqa: ANN401 -- JSON, and bytes
    """Replace what the library cuts or refuses: NUL, and integers of more than 64 bits."""
    match value:
        case str():
            return value.replace(NUL, NO_NUL)
        case bytes():
            return value.replace(NUL.encode(), NO_NUL.encode())
        case int() if not -(2**63) <= value < 2**63:
            return _as_float(value)
        case dict():
            return {_evaluable(name): _evaluable(item) for name, item in value.items()}
        case list():
            return [_evaluable(item) for item in value]
    return value


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return inf if value > 0 else -inf


def _wrong(expression: str, said: str) -> WrongExpression:
    """Make an error of the library's first message about an expression."""
    found = _FAULT.search(said)
    line, column, fault = (int(found[1]), int(found[2]), found[3]) if found else (1, 1, said)
    name = unknown[1] if (unknown := _UNKNOWN.match(fault)) else ""
    column -= _length_before(expression.split("\n")[line - 1 : line], column, name)
    root = name.partition(".")[0]
    fault = f"there is no {root}" if root else _NOISE.sub("", fault)
    if "'<EOF>'" in fault:
        hint = "write all of it: --where 'event.payload.score < 10'"
        what = f"--where, column {column}: the expression ends too early"
        return WrongExpression(what, expression, line, column, hint=hint)
    operator = _operator(expression, fault)
    hint = operator or _hint(root, is_called=f"{root}(" in expression)
    what = f"--where, column {column}: {'no such operator' if operator else fault}"
    return WrongExpression(what, expression, line, column, hint=hint)


def _operator(expression: str, fault: str) -> str:
    """Name our operator for that of another language, if the expression can't be read."""
    if not fault.startswith("Syntax error"):
        return ""
    words = re.sub(r"'[^']*'|\"[^\"]*\"", "", expression)
    if re.search(r"(?<![=!<>])=(?!=)", words):
        return "compare with ==: --where 'event.payload.score == 10'"
    if re.search(r"\b(and|or|not)\b", words, re.IGNORECASE):
        return "and is &&, or is ||, not is !: --where 'valid && event.payload.score < 10'"
    return ""


def _length_before(lines: list[str], column: int, name: str) -> int:
    """Return how far before the place, a dot or a parenthesis, its name begins."""
    before = lines[0][: column - 1] if lines else ""
    names = (name, name.rpartition(".")[0])
    return next((len(each) for each in names if each and before.endswith(each)), 0)


def _hint(unknown: str, *, is_called: bool = False) -> str:
    near = did_you_mean(unknown, [*NAMES, *FUNCTIONS]) if unknown else ""
    if unknown and not near and not is_called:
        place = "event.payload" if unknown == "payload" else f"event.payload.{unknown}"
        near = f"a field is asked for by its place: {place}"
    return near or f"it may ask for {', '.join(NAMES)}, with {', '.join(FUNCTIONS)} …"
