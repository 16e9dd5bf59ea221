"""Texts that match a pattern: a sampler for the regular expressions that schemas are made of."""

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Final

Sampler = Callable[[Random], str]

_MOST_REPEATS: Final = 1_000
_LONGER: Final = 3  # how many more than the fewest, where there is no limit

_PRINTABLE: Final = tuple(map(chr, range(0x20, 0x7F)))
_DIGITS: Final = tuple("0123456789")
_SPACES: Final = tuple(" \t")
_WORD: Final = tuple(each for each in _PRINTABLE if each.isalnum() or each == "_")
_CLASSES: Final = {
    "d": _DIGITS,
    "s": _SPACES,
    "w": _WORD,
    "D": tuple(each for each in _PRINTABLE if each not in _DIGITS),
    "S": tuple(each for each in _PRINTABLE if each not in _SPACES),
    "W": tuple(each for each in _PRINTABLE if each not in _WORD),
}
_CONTROLS: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "0": "\0"}


@lru_cache(maxsize=256)
def sampler(pattern: str) -> Sampler | None:
    """Compile a pattern into a maker of texts; None when it holds what isn't understood.

    Looking around, back references, word borders and Unicode classes aren't. What it makes need
    not match: anchors are passed over.
    """
    try:
        parser = _Parser(pattern)
        made = parser.alternatives()
    except (ValueError, IndexError):
        return None
    return made if parser.at == len(pattern) else None


class _Parser:
    """A recursive descent through one pattern; `at` is the next character."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _take(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]

    def _skip(self, expected: str) -> bool:
        found = self.pattern.startswith(expected, self.at)
        self.at += len(expected) if found else 0
        return found

    def alternatives(self) -> Sampler:
        choices = [self._sequence()]
        while self._skip("|"):
            choices.append(self._sequence())
        return lambda random: random.choice(choices)(random)

    def _sequence(self) -> Sampler:
        parts: list[Sampler] = []
        while self._peek() not in {"", "|", ")"}:
            parts.append(self._repeated(self._atom()))
        return lambda random: "".join(part(random) for part in parts)

    def _atom(self) -> Sampler:
        match self._take():
            case "^" | "$":
                return lambda _: ""
            case "(":
                return self._group()
            case "[":
                return _one_of(self._class())
            case ".":
                return _one_of(_PRINTABLE)
            case "\\":
                return _one_of(self._escape())
            case "*" | "+" | "?":
                raise ValueError
            case literal:
                return lambda _: literal

    def _group(self) -> Sampler:
        if self._skip("?") and not self._skip(":"):
            raise ValueError
        inner = self.alternatives()
        if self._take() != ")":
            raise ValueError
        return inner

    def _repeated(self, atom: Sampler) -> Sampler:
        fewest, most = self._counts()
        self._skip("?")  # lazy or not: the same texts
        if most > _MOST_REPEATS:
            raise ValueError

        def repeat(random: Random) -> str:
            number = random.choice((fewest, most, random.randint(fewest, most)))
            return "".join(atom(random) for _ in range(number))

        return atom if (fewest, most) == (1, 1) else repeat

    def _counts(self) -> tuple[int, int]:
        if self._skip("*"):
            return 0, _LONGER
        if self._skip("+"):
            return 1, 1 + _LONGER
        if self._skip("?"):
            return 0, 1
        if not self._skip("{"):
            return 1, 1
        end = self.pattern.index("}", self.at)
        fewest, comma, most = self.pattern[self.at : end].partition(",")
        self.at = end + 1
        if not comma:
            return int(fewest), int(fewest)
        return int(fewest), int(most) if most else int(fewest) + _LONGER

    def _escape(self) -> tuple[str, ...]:
        letter = self._take()
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter in {"u", "x"}:
            digits = 4 if letter == "u" else 2
            self.at += digits
            return (chr(int(self.pattern[self.at - digits : self.at], 16)),)
        if letter in _CONTROLS:
            return (_CONTROLS[letter],)
        if letter.isalnum():
            raise ValueError
        return (letter,)

    def _class(self) -> tuple[str, ...]:
        negated = self._skip("^")
        members: list[str] = []
        while (character := self._take()) != "]":
            start = self._escape() if character == "\\" else (character,)
            if self._peek() == "-" and self.pattern[self.at + 1] != "]":
                self._take()
                last = self._take()
                end = self._escape() if last == "\\" else (last,)
                members += map(
                    chr, range(ord(start[0]), min(ord(end[0]), ord(start[0]) + 0xFF) + 1)
                )
            else:
                members += start
        return (
            tuple(each for each in _PRINTABLE if each not in members) if negated else tuple(members)
        )


def _one_of(characters: tuple[str, ...]) -> Sampler:
    if not characters:
        raise ValueError
    return lambda random: random.choice(characters)
