"""Which binding passes on all that another one does."""

from collections.abc import Iterator, Sequence
from itertools import chain, product

from medtrack_cli.core.topics import key_matches
from medtrack_cli.core.topology.model import Binding

_ANY = "\N{WORD JOINER}"  # stands for a word that no binding contains
_MOST = 4096  # keys that are tested


def is_wild(binding: Binding) -> bool:
    """Return whether a topic binding has wildcards."""
    return not {"*", "#"}.isdisjoint(binding.routing_key.split("."))


def covered(exchange_type: str, bindings: Sequence[Binding]) -> Iterator[tuple[Binding, Binding]]:
    """Pair each redundant binding of a destination with one that covers it.

    Of several equal ones the first counts.
    """
    kept: dict[object, Binding] = {}
    for each in bindings:
        same = _what_counts(exchange_type, each)
        if same in kept:
            yield each, kept[same]
        else:
            kept[same] = each
    if exchange_type != "topic":
        return
    wild = [each for each in kept.values() if is_wild(each)]
    for each in kept.values():
        for wider in wild:
            if wider is not each and covers(wider.routing_key, each.routing_key):
                if not covers(each.routing_key, wider.routing_key):
                    yield each, wider
                break


def _what_counts(exchange_type: str, binding: Binding) -> object:
    if exchange_type == "fanout":
        return None
    if exchange_type in {"topic", "direct"}:
        return binding.routing_key
    return binding.routing_key, repr(sorted(binding.arguments.items()))


def covers(wider: str, other: str) -> bool:
    """Return whether a topic pattern matches every key that the other does.

    It is tested with words that neither contains; for `#` with more of them than the wider pattern
    has words.
    """
    longest = len(wider.split(".")) + 1
    parts = other.split(".") if other else []
    if (longest + 1) ** parts.count("#") > _MOST:
        return wider == other
    choices = [
        [[_ANY] * count for count in range(longest + 1)] if part == "#" else [[part]]
        for part in (_ANY if each == "*" else each for each in parts)
    ]
    keys = (".".join(chain.from_iterable(chosen)) for chosen in product(*choices))
    return all(key_matches(wider, key) for key in keys)
