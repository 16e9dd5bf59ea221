"""Which routing keys match a topic pattern, as the broker would decide; which times are wanted."""

import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple


class Window(NamedTuple):
    """From `since` on, up to but without `until`; None: no bound. Aware times."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment is in it."""
        return (self.since is None or moment >= self.since) and (
            self.until is None or moment < self.until
        )


EVER = Window()


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Translate a binding pattern: `*` is one word, `#` any number of words, none included."""
    # Each word carries the dot before it; the key is matched with a dot put in front.
    words = {"*": r"\.[^.]*", "#": r"(?:\.[^.]*)*"}
    parts = pattern.split(".") if pattern else []
    return re.compile("".join(words.get(each, re.escape(f".{each}")) for each in parts))


def key_matches(pattern: str, routing_key: str) -> bool:
    """Tell whether a topic exchange would route this key to a queue bound with this pattern.

    `stage.#` matches `stage` and `stage.a.b`; `*` matches a word, even an empty one. An empty
    key or pattern has no word at all.
    """
    return _compiled(pattern).fullmatch(f".{routing_key}" if routing_key else "") is not None
