"""Definitions exported from a broker by the management API or rabbitmqctl.

Users and their password hashes are not read.
"""

import re
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from medtrack_cli.core.topology.rows import PLACE, Row, Rows
from medtrack_cli.errors import InputMissing, NotDefinitions
from medtrack_cli.events.findings import Rule, Span
from medtrack_cli.events.json_places import locate, span_of
from medtrack_cli.events.json_text import MAX_DEPTH, examine
from medtrack_cli.files.reading.sources import Source, expand
from medtrack_cli.files.reading.streams import open_source

_LARGEST = 256 * 1024 * 1024  # bytes
_LISTS = ("exchanges", "bindings", "queues", "policies", "parameters")
_EXPORT = "`rabbitmqctl export_definitions FILE` writes one, as does GET /api/definitions"


class Definitions(NamedTuple):
    """A file's definitions. In an export of one vhost the rows don't name it."""

    file: str
    text: str
    document: Mapping[str, Any]

    def vhosts(self) -> set[str] | None:
        """Name the vhosts; None for an export of one."""
        if "vhosts" not in self.document and not any("vhost" in row for row in self._all()):
            return None
        listed = {str(row.get("name")) for row in self._rows("vhosts")}
        return listed | {str(row["vhost"]) for row in self._all() if "vhost" in row}

    def rows(self, vhost: str) -> Rows:
        """Give a vhost's objects, each with its place."""
        found = {name: list(self._of(name, vhost)) for name in _LISTS}
        operators = [
            {**row["value"], "name": row.get("name"), PLACE: row[PLACE]}
            for row in found["parameters"]
            if row.get("component") == "operator_policy" and isinstance(row.get("value"), dict)
        ]
        exchanges, bindings, queues, policies = (found[name] for name in _LISTS[:4])
        return Rows(exchanges, bindings, queues, policies, operators)

    def span(self, pointer: str) -> Span:
        """Find the place of a row by our pointer to it."""
        path = tuple(int(part) if part.isdecimal() else part for part in pointer.split("/")[1:])
        start, end = locate(self.text, path)
        ends = _line_ends(self.text)
        line = bisect_left(ends, start)
        before = self.text.index("\n", ends[line - 1]) + 1 if line else 0
        return Span(line + 1, start - before + 1, min(end, ends[line]) - before + 1)

    def _of(self, name: str, vhost: str) -> Iterator[Row]:
        for number, row in enumerate(self._rows(name)):
            if row.get("vhost", vhost) == vhost:
                yield {**row, PLACE: f"/{name}/{number}"}

    def _all(self) -> Iterator[Row]:
        for name in _LISTS:
            yield from self._rows(name)

    def _rows(self, name: str) -> list[Row]:
        rows: list[Row] = self.document.get(name) or []
        return rows


@lru_cache(maxsize=1)
def _line_ends(text: str) -> list[int]:
    return [*(found.start() for found in re.finditer("\\r?\\n", text)), len(text)]


def read_definitions(path: str, open_stdin: Callable[[], BinaryIO]) -> Definitions:
    """Read a definitions file, `-` for stdin.

    Raises InputMissing when it can't be read, NotDefinitions when it holds something else.
    """
    if Path(path).is_dir():
        raise InputMissing("a folder, and no definitions file", path, hint=_EXPORT)
    (source,) = expand([path])
    if not isinstance(source, Source):
        raise source
    try:
        with open_source(source, open_stdin) as stream:
            body = stream.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "the gzip is cut off or damaged"
        raise InputMissing(f"can't be read ({reason})", source.name) from None
    value, problems = examine(body, MAX_DEPTH, _LARGEST)
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    for problem in problems:
        if problem.rule is not Rule.DUPLICATE_KEY and isinstance(problem.where, int):
            span = span_of(text, problem.where, problem.where)
            place = f"{source.name}:{span.line}:{span.column}"
            raise NotDefinitions(f"no JSON: {problem.message}", place, hint=_EXPORT)
    if not _is_definitions(value):
        raise NotDefinitions("no definitions of RabbitMQ", source.name, hint=_EXPORT)
    return Definitions(source.name, text, value)  # type: ignore[arg-type] # as was just seen


def _is_definitions(value: object) -> bool:
    """Return whether the lists of objects in it may have come from RabbitMQ."""
    if not isinstance(value, dict) or not {"exchanges", "queues", "bindings"} & value.keys():
        return False
    lists = [value[name] for name in ("vhosts", *_LISTS) if value.get(name) is not None]
    return all(
        isinstance(rows, list) and all(isinstance(row, dict) for row in rows) for rows in lists
    )
