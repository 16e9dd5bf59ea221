"""Ids cut to what a person can read and still distinguish."""

from collections import OrderedDict

LENGTHS = (8, 13, 18, 36)
"""Where a UUID is cut: after its first, second or third group, or not at all."""

REMEMBERED = 10_000


class ShortIds:
    """Cuts ids; two of the last 10,000 never look the same.

    The first id with a short form keeps it. Ids that begin alike, such as UUIDv7 made in the same
    minute, get more groups.
    """

    def __init__(self) -> None:
        self._owners: OrderedDict[str, str] = OrderedDict()

    def __call__(self, full: str) -> str:
        for length in LENGTHS:
            short = full[:length]
            if self._owners.setdefault(short, full) == full:
                break
        self._owners.move_to_end(short)
        if len(self._owners) > REMEMBERED:
            self._owners.popitem(last=False)
        return short
