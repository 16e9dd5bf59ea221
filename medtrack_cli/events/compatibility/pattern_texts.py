"""Texts that match a pattern, made by rstr."""

import re
import warnings
from functools import lru_cache
from itertools import chain
from random import Random
from typing import Any, Final

from rstr.xeger import Xeger

_SAMPLES: Final = 60  # texts made for one pattern
_MOST_STEPS: Final = 100_000  # for all of them: a pattern's repeats multiply
_UNBOUNDED: Final = 1_000  # from here on it is no limit
_LONGER: Final = 3  # how many more than the minimum, where there is no limit
_WIDEST: Final = 0x100  # the most characters of a range that are used

_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F)))
_ALPHABETS: Final = {
    "printable": _PRINTABLE,
    "whitespace": " \t",
    "nonword": re.sub(r"\w", "", _PRINTABLE),
    "nondigits": re.sub(r"\d", "", _PRINTABLE),
    "nonwhitespace": _PRINTABLE[1:],
}


@lru_cache(maxsize=256)
def matching(pattern: str) -> tuple[str, ...]:
    """Make texts for a pattern, the same in every run; none if Python can't compile it.

    They need not match: anchors and lookaheads are ignored.
    """
    sampler = _Sampler(Random(pattern), **_ALPHABETS)  # noqa: S311 -- the same in every run
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's warnings about a pattern concern nobody here
            made = {sampler.xeger(pattern): None for _ in range(_SAMPLES)}
    except (re.error, LookupError, ValueError, OverflowError, RecursionError):
        return ()
    return tuple(sorted(made, key=len))


class _Sampler(Xeger):
    """Keeps repeats short, and takes characters in an order of its own.

    It overrides private methods, which is why rstr is pinned to a minor version.
    """

    _left = _MOST_STEPS

    def _handle_state(self, state: Any) -> Any:  # noqa: ANN401 -- rstr's
        self._left -= 1
        if self._left < 0:
            raise ValueError(state)
        return super()._handle_state(state)

    def _handle_in(self, value: Any) -> Any:  # noqa: ANN401 -- rstr's
        parts = [
            map(chr, range(each[0], min(each[1] + 1, each[0] + _WIDEST)))
            if opcode.name == "RANGE"
            else self._handle_state((opcode, each))
            for opcode, each in value
        ]
        characters = list(chain.from_iterable(parts))
        if characters[0] is False:  # negated
            characters = [each for each in _PRINTABLE if each not in characters]
        return self._random.choice(characters)

    def _handle_repeat(self, start_range: int, end_range: int, value: Any) -> str:  # noqa: ANN401
        most = end_range if end_range <= _UNBOUNDED else start_range + _LONGER
        number = self._random.choice((start_range, most, self._random.randint(start_range, most)))
        parts = (self._handle_state(each) for _ in range(number) for each in value)
        return "".join(parts)
