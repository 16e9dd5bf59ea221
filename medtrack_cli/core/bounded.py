"""Counting by names that anybody may choose, in bounded memory."""

from collections.abc import Callable
from typing import Generic, TypeVar

OTHERS = "others"  # the rest's name where it is among others

Name = TypeVar("Name")
Counted = TypeVar("Counted")


class BoundedCounts(Generic[Name, Counted]):
    """Counts for the first names apart, up to a bound, and one for all further ones together."""

    def __init__(self, most: int, make: Callable[[], Counted]) -> None:
        self._most, self._make = most, make
        self.apart: dict[Name, Counted] = {}
        self.others = make()
        self.has_others = False

    def of(self, name: Name, *, is_wanted: bool = False) -> Counted:
        """Give a name's own count, or that of the rest; a `wanted` name always has its own."""
        count = self.apart.get(name)
        if count is None:
            if len(self.apart) >= self._most and not is_wanted:
                self.has_others = True
                return self.others
            count = self.apart[name] = self._make()
        return count


def named(counts: BoundedCounts[str, Counted]) -> dict[str, Counted]:
    """Give all counts by their names, the rest last, under a name that nothing else has."""
    rest = OTHERS
    while rest in counts.apart:
        rest = f"({rest})"
    return {**counts.apart, rest: counts.others} if counts.has_others else counts.apart
