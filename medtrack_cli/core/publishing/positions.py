"""Which positions of an input are done, in as few numbers as possible."""

from bisect import bisect_left
from collections.abc import Iterable


class Positions:
    """A growing set of integers, kept as ranges: cheap when they come nearly in order.

    Made of ranges in any order, which may overlap.
    """

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._ranges: list[list[int]] = []  # [first, last], ascending, with gaps between them
        for first, last in sorted(ranges):
            self.add_range(first, last)

    def __contains__(self, position: int) -> bool:
        if not self._ranges:
            return False
        at = self._at(position)
        return at < len(self._ranges) and self._ranges[at][0] <= position

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._ranges)

    @property
    def ranges(self) -> list[list[int]]:
        return self._ranges

    def add(self, position: int) -> None:
        """Add a position; one that is in already changes nothing."""
        if self._ranges and self._ranges[-1][1] == position - 1:  # as most are
            self._ranges[-1][1] = position
        else:
            self.add_range(position, position)

    def add_range(self, first: int, last: int) -> None:
        begin = end = self._at(first - 1)
        ranges = self._ranges
        while end < len(ranges) and ranges[end][0] <= last + 1:
            first, last = min(first, ranges[end][0]), max(last, ranges[end][1])
            end += 1
        ranges[begin:end] = [[first, last]]

    def _at(self, position: int) -> int:
        """Find the first range that ends at the position or after it."""
        if self._ranges and self._ranges[-1][1] < position:
            return len(self._ranges)
        return bisect_left(self._ranges, position, key=lambda each: each[1])
