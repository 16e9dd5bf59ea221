"""One place of two schemas side by side, and how a difference there is described."""

from typing import NamedTuple

from medtrack_cli.events.compatibility.changes import ChangeRule, Direction
from medtrack_cli.events.compatibility.normal_form import Schema, as_schema
from medtrack_cli.events.findings import Path

ANY_KEY = "*"
"""In a path: any field that the schema doesn't name."""

BACKWARD = frozenset({Direction.BACKWARD})
FORWARD = frozenset({Direction.FORWARD})
BOTH = BACKWARD | FORWARD
NEITHER: frozenset[Direction] = frozenset()


class Difference(NamedTuple):
    """One difference. `suspect` holds each direction in which the keywords alone prove nothing.

    `keyword` is the one by which a reader would refuse an event because of it; empty if it can be
    any. `old` and `new` are the schemas of the place.
    """

    rule: ChangeRule
    path: Path
    keyword: str
    suspect: frozenset[Direction]
    message: str
    old: Schema
    new: Schema


class Place(NamedTuple):
    """Two schemas of one value.

    `origins` holds the pairs of places from which references led here; `shared` says that other
    schemas apply to the same value.
    """

    path: Path
    old: Schema
    new: Schema
    origins: frozenset[tuple[str, str]]
    shared: bool = False

    def differs(
        self, rule: ChangeRule, keyword: str, suspect: frozenset[Direction], message: str
    ) -> Difference:
        return Difference(rule, self.path, keyword, suspect, message, self.old, self.new)

    def below(self, key: str | int, old: object, new: object) -> "Place":
        return Place((*self.path, key), as_schema(old), as_schema(new), self.origins)

    def beside(self, old: object, new: object) -> "Place":
        return self._replace(old=as_schema(old), new=as_schema(new), shared=True)
