"""Which routing keys match a topic pattern, as the broker decides."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Translate a binding pattern: `*` is one word, `#` any number of words, none included."""
    # Each word includes the dot before it; the key is matched with a dot in front.
    words = {"*": r"\.[^.]*", "#": r"(?:\.[^.]*)*"}
    parts = pattern.split(".") if pattern else []
    return re.compile("".join(words.get(each, re.escape(f".{each}")) for each in parts))


def key_matches(pattern: str, routing_key: str) -> bool:
    """Return whether a topic exchange would route this key to a queue bound with this pattern.

    `stage.#` matches `stage` and `stage.a.b`; `*` matches a word, even an empty one. An empty
    key or pattern has no word at all.
    """
    if not ("*" in pattern or "#" in pattern):  # most bindings of a large broker
        return pattern == routing_key
    return _compiled(pattern).fullmatch(f".{routing_key}" if routing_key else "") is not None


def doubt(pattern: str, known: Sequence[str]) -> str | None:
    """Warn that a pattern matches no known key, and suggest one; None: it matches."""
    if _matches_any(pattern, known):
        return None
    parts = re.split(r"[,;\s]+", pattern)
    why = ""
    if len(parts) > 1:
        why = ": several patterns are several arguments"
    elif (meant := list(as_topic(pattern))) != pattern.split("."):
        why = ": * is one whole word, # any number of them, and nothing else stands for others"
        parts = [".".join(meant)]
    near = [_nearest(each, known) for each in parts if each]
    did_you = "; did you mean {}?".format(" ".join(map(repr, near))) if near and all(near) else ""
    return f"no known event type matches {pattern!r}{why}{did_you}"


def as_topic(pattern: str) -> Iterator[str]:
    """Translate wildcards of others (shells, NATS, MQTT), word by word."""
    words = re.split("[./]", pattern)
    if set(words) == {"*"}:
        words = ["#"]
    for number, word in enumerate(words, 1):
        stem = word.rstrip("*#")
        if word in {"*", "#"} or not {"*", "#", "+", ">"} & set(word):
            yield word
        elif word in {">", "**"}:
            yield "#"
        elif not stem or {"*", "#", "+", ">"} & set(stem):
            yield "*"
        else:
            yield stem
            if number == len(words):
                yield word[-1]


def _nearest(pattern: str, known: Sequence[str]) -> str | None:
    """Find the most similar pattern with words of known keys, if it matches any."""
    from medtrack_cli.suggestions import nearest

    pattern = ".".join(as_topic(pattern))
    for each in (pattern, f"{pattern}.*"):
        if _matches_any(each, known):
            return each
    vocabulary = {word for key in known for word in key.split(".")} | {"*", "#"}
    words = (
        word if word in vocabulary else nearest(word, vocabulary) or word
        for word in pattern.split(".")
    )
    near = ".".join(words)
    return near if _matches_any(near, known) else None


def _matches_any(pattern: str, keys: Sequence[str]) -> bool:
    return any(key_matches(pattern, key) for key in keys)
