"""Made-up values in place of personal ones: with the same key, the same one for the same value.

A value's kind is recognised by its form and its field's name, never by its event type, so that a
person is the same in all types. Each kind has a subkey of its own.
"""

import hmac
import re
from datetime import date, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from math import isqrt, prod
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final
from uuid import UUID

from medtrack_cli.events import formats

NAMES: Final = (
    *("Testine", "Fakir", "Mockson", "Dummett", "Samplette", "Specimo", "Fictia", "Exampla"),
    *("Testard", "Fakeline", "Mockina", "Dummia", "Samplin", "Specimelle", "Fictor", "Nobody"),
    *("Testova", "Fakeman", "Mockett", "Dummert", "Samplon", "Placebo", "Fictione", "Anonyma"),
)
"""Names of nobody, visibly made up."""

_EMAIL, _PHONE, _CIN = (re.compile(each) for each in (formats.EMAIL, formats.PHONE, formats.CIN))
_UUID = re.compile(formats.UUID)
_DAY = re.compile(f"{formats.DATE}|{formats.TIMESTAMP}")
_FIRST_DAY, _DAYS = date(1900, 1, 1), 36_500
_PHONE_FIELD = re.compile("phone|mobile|gsm|fax|(?:^|_)tel", re.IGNORECASE)
_NAME_FIELD = re.compile("name|nom(?:_|$)", re.IGNORECASE)
_LEAD = re.compile(r"(?:[^0-9]*[0-9]){1,3}")  # of a phone: the country, or the dialling prefix
_WORD = re.compile(r"[^\s.,'\u2019()-]+")
_NUMBER = re.compile(r"(-?)(0?)([0-9.]*)(.*)", re.DOTALL)

_ROUNDS = 4  # Luby and Rackoff: as good as random
_PIECE = 64  # characters that are changed as one number


class Kind(StrEnum):
    """The kinds of a person's values; each has its own subkey."""

    EMAIL = "email"
    PHONE = "phone"
    CIN = "cin"
    NAME = "name"
    ID = "id"
    DAY = "day"
    TEXT = "text"
    NUMBER = "number"


def kind_of(field: str, value: str) -> Kind:
    """Recognise a text's kind."""
    if "@" in value and _EMAIL.fullmatch(value):
        return Kind.EMAIL
    if value.count("-") > 3 and _UUID.fullmatch(value):
        return Kind.ID
    if value.count("-") > 1 and _DAY.fullmatch(value):
        return Kind.DAY
    if _PHONE.fullmatch(value) or _PHONE_FIELD.search(field):
        return Kind.PHONE
    is_cin = field.endswith("cin")
    if _NAME_FIELD.search(field) and not is_cin:
        return Kind.NAME
    is_cin = is_cin or (_CIN.fullmatch(value) is not None and not value.isalpha())
    return Kind.CIN if is_cin else Kind.TEXT


class Fakes:
    """Makes fake values by HMAC-SHA256 of a key."""

    def __init__(self, key: bytes) -> None:
        top = _Hmac(key)
        self.mark = top.digest(b"mark").hex()[:16]
        self._of = {kind: _Hmac(top.digest(kind.encode())) for kind in Kind}
        self.text = lru_cache(4096)(self._text)
        self.uuid = lru_cache(4096)(self._uuid)
        self._layout = lru_cache(4096)(self._laid_out)

    def _text(self, field: str, value: str, *, keeps_shape: bool = False) -> str:
        """Make a text; with `keeps_shape` a name keeps its length."""
        match kind_of(field, value):
            case Kind.EMAIL:
                number = self._of[Kind.EMAIL].digest(value.casefold().encode()).hex()[:16]
                return f"person-{number}@example.invalid"
            case Kind.ID:
                return self._uuid(value)
            case Kind.DAY:
                return self._day(value)
            case Kind.PHONE:
                return self._phone(value)
            case Kind.NAME if not keeps_shape:
                return _WORD.sub(lambda word: self._name(word[0]), value)
            case kind:
                return self._shaped(kind, value)

    def _laid_out(self, kind: Kind, shape: str, beside: str) -> "_Layout":
        return _Layout(self._of[kind].after(f"{beside}\0{shape}\0".encode()), shape)

    def number(self, text: str) -> str:
        """Make a number with as many digits, in the same places."""
        sign, zero, main, exponent = _NUMBER.fullmatch(text).groups()  # type: ignore[union-attr] # any text is one
        shape = main.translate(_SHAPES)
        if not zero:
            shape = "1" + shape[1:]  # numbers don't begin with a zero
        return f"{sign}{zero}{self._changed(Kind.NUMBER, main, shape)}{exponent}"

    def _uuid(self, text: str) -> str:
        made = str(UUID(bytes=self._of[Kind.ID].digest(text.lower().encode())[:16], version=5))
        return made.upper() if text.isupper() else made

    def _day(self, text: str) -> str:
        """Make a day of the last century; the time of day, if any, becomes zeros."""
        number = self._of[Kind.DAY].number(text[:10].encode(), _DAYS)
        day = (_FIRST_DAY + timedelta(number)).isoformat()
        if day == text[:10]:
            day = (_FIRST_DAY + timedelta(number + 1)).isoformat()
        return day + re.sub("[0-9]", "0", text[10:])

    def _phone(self, text: str) -> str:
        """Make one of +999…, which is no country; numbers of a country and length stay distinct."""
        lead = _LEAD.match(text)
        if lead is None:
            return self._shaped(Kind.PHONE, text)
        made = re.sub("[0-9]", "9", lead[0])
        rest = text[lead.end() :]
        if re.search(r"[^\W_]", made.replace("9", "")):
            made = self._shaped(Kind.PHONE, lead[0])
        return made + self._shaped(Kind.PHONE, rest, lead[0])

    def _name(self, word: str) -> str:
        number = int.from_bytes(self._of[Kind.NAME].digest(word.casefold().encode())[:8])
        name = NAMES[number % len(NAMES)]
        if name.casefold() == word.casefold():
            name = NAMES[(number + 1) % len(NAMES)]
        if word.islower():
            return name.lower()
        return name.upper() if word.isupper() and len(word) > 1 else name

    def _shaped(self, kind: Kind, text: str, beside: str = "") -> str:
        """Change letters into letters and digits into digits; ASCII punctuation stays."""
        return self._changed(kind, text, text.translate(_SHAPES), beside)

    def _changed(self, kind: Kind, text: str, shape: str, beside: str = "") -> str:
        """Change a text within its shape, as one number; different with another `beside`.

        Texts changed with the same one keep their shape, and none of them become equal.
        """
        if len(text) > _PIECE:
            beside += text
        pieces = (slice(at, at + _PIECE) for at in range(0, len(text), _PIECE))
        return "".join(
            self._layout(kind, shape[each], beside).changed(text[each]) for each in pieces
        )


class _Layout:
    """What all texts of a shape have in common: which characters change, and their alphabets."""

    def __init__(self, key: "_Hmac", shape: str) -> None:
        self._places = [(at, *found) for at, char in enumerate(shape) if (found := _alphabet(char))]
        self._size = prod(base for _, base, _ in self._places)
        self._width = isqrt(self._size - 1) + 1
        self._key = key

    def changed(self, text: str) -> str:
        """Change a text into another one of the shape."""
        if self._size == 1:
            return text
        number = 0
        for at, base, first in self._places:
            number = number * base + (ord(text[at]) - first) % base
        made = self._permuted(number)
        if made == number:
            made = (number + 1) % self._size
        chars = list(text)
        for at, base, first in reversed(self._places):
            made, place = divmod(made, base)
            chars[at] = chr(first + place)
        return "".join(chars)

    def _permuted(self, number: int) -> int:
        """Permute the numbers below the size.

        A Feistel network over the two digits of a number, repeated until the result is below the
        size.
        """
        width, key = self._width, self._key
        while True:
            left, right = divmod(number, width)
            for turn in range(_ROUNDS):
                mixed = key.number(b"%d,%d" % (turn, right), width)
                left, right = right, (left + mixed) % width
            number = left * width + right
            if number < self._size:
                return number


_SHAPES = {
    **dict.fromkeys(map(ord, ascii_lowercase), "a"),
    **dict.fromkeys(map(ord, ascii_uppercase), "A"),
    **dict.fromkeys(map(ord, digits), "0"),
}


@cache
def _alphabet(char: str) -> tuple[int, int] | None:
    """Return the size and the first character of a place's alphabet; None: it stays."""
    if char in "01":
        return (10, ord("0")) if char == "0" else (9, ord("1"))
    if char.isascii() and not char.isalpha():
        return None
    return 26, ord("A" if char.isupper() else "a")


class _Hmac:
    """HMAC-SHA256 of all texts with a beginning, whose key is processed only once."""

    def __init__(self, key: bytes | hmac.HMAC) -> None:
        self._begun = hmac.new(key, digestmod="sha256") if isinstance(key, bytes) else key

    def after(self, text: bytes) -> "_Hmac":
        begun = self._begun.copy()
        begun.update(text)
        return _Hmac(begun)

    def digest(self, text: bytes) -> bytes:
        begun = self._begun.copy()
        begun.update(text)
        return begun.digest()

    def number(self, text: bytes, size: int) -> int:
        """Give a number below `size`, uniform to within 2^-64."""
        made = self.digest(text)
        while 8 * len(made) < size.bit_length() + 64:
            made += self.digest(made)
        return int.from_bytes(made) % size
