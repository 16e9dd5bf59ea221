"""Unmet expectations: what came instead, what nearly matched, and the time line."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from medtrack_cli.core.kinds import Kind
from medtrack_cli.core.simulating.expectations import Expectation, Expectations
from medtrack_cli.core.simulating.patterns import ABSENT, Difference, Miss, Seen
from medtrack_cli.output.masking import masked, masked_json, masked_pointer
from medtrack_cli.output.safe_text import safe_text
from medtrack_cli.output.shown.shown import Record, Sheet
from medtrack_cli.output.wrapping import kept
from medtrack_cli.plural import counted


class ShownExpectations(NamedTuple):
    """Whether what was expected came; a failure is told even when quiet."""

    expected: Expectations
    seconds: float
    reveal: bool = False

    def records(self) -> Iterator[Record]:
        unmet = self.expected.unmet
        for each in self.expected.wanted:
            yield {
                "kind": Kind.EXPECTATION,
                "expected": each.text,
                "place": each.place,
                "met": each not in unmet,
                "came": each.came if each in unmet else None,
                "doubt": self.expected.doubt or None if each in unmet else None,
                "near_misses": list(near_misses(each, reveal=self.reveal)),
            }

    def lines(self, sheet: Sheet) -> Iterator[str]:
        if self.expected.unmet:
            for line in failure(self.expected, reveal=self.reveal):
                yield from kept(line, sheet.room)
        elif not sheet.quiet:
            told = f"{counted(len(self.expected.wanted), 'expectation')} met"
            yield from sheet.sentence(f"{told}, in {self.seconds:.1f} s", "dim")


def failure(expected: Expectations, *, reveal: bool) -> Iterator[str]:
    """Explain in lines what isn't met and why; personal values are masked unless `reveal`."""
    if expected.doubt:
        yield safe_text(expected.doubt)
    for each in expected.unmet:
        place = f" ({safe_text(each.place)})" if each.place else ""
        yield f"not met: {safe_text(each.text)}{place}; {safe_text(each.came)}"
        yield from (f"  {line}" for line in near_misses(each, reveal=reveal))
    yield from time_line(expected)


def near_misses(expectation: Expectation, *, reveal: bool) -> Iterator[str]:
    """Explain what was nearly what was expected, and in what it differs."""
    return (_nearly(each, reveal=reveal) for each in expectation.misses)


def time_line(expected: Expectations) -> Iterator[str]:
    """List what was seen, and when."""
    if not expected.count:
        yield "nothing was seen"
        return
    left_out = expected.count - len(expected.seen)
    yield f"seen{f' (the last of {expected.count:,})' if left_out else ''}:"
    yield from (f"  {_moment(each)}" for each in expected.seen)


def _nearly(miss: Miss, *, reveal: bool) -> str:
    why = "; ".join(_differs(each, reveal=reveal) for each in miss.differences) or miss.reason
    if not (miss.seen.event.is_valid or miss.differences):
        why += _finding(miss.seen)
    return f"{_name(miss.seen)} came at {miss.seen.seconds:.3f} s, but {why}"


def _differs(found: Difference, *, reveal: bool) -> str:
    path = found.path[1:] if found.path[0] == "payload" else found.path
    field = safe_text(".".join(path))
    if found.got is ABSENT:
        return f"{field} is missing"
    wanted, got = (_value(found.path[-1], each, reveal=reveal) for each in found[1:])
    is_masked = "" if reveal or wanted != got else ", both masked"
    return f"{field} differs: wanted {wanted}, got {got}{is_masked}"


def _value(field: str, value: Any, *, reveal: bool) -> str:  # noqa: ANN401 -- JSON
    shown = value if reveal else masked_json(value, field)
    return safe_text(json.dumps(shown, ensure_ascii=False))


def _finding(seen: Seen) -> str:
    """Name the first finding that makes an event invalid."""
    for problem in seen.event.problems[:1]:
        at = f" at {safe_text(masked_pointer(problem.pointer))}" if problem.pointer else ""
        return f": {problem.rule}{at}"
    return ""


def _moment(seen: Seen) -> str:
    ids = "  ".join(f"{key} {masked(key, each)}" for key, each in seen.ids.items())
    invalid = "" if seen.event.is_valid else f"  invalid{_finding(seen)}"
    return f"{seen.seconds:8.3f} s  {_name(seen)}{invalid}  {safe_text(ids)}".rstrip()


def _name(seen: Seen) -> str:
    return safe_text(seen.reaction or masked("routing_key", seen.name))
