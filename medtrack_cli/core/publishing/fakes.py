"""Made-up values in the place of a person's: by a key, the same one for the same value.

A value's kind is seen by what it looks like and by its field's name, never by its event type, so
that a person is the same in all types. Each kind has a subkey of its own.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from math import isqrt
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final
from uuid import UUID

from medtrack_cli.events import formats

NAMES: Final = (
    *("Testine", "Fakir", "Mockson", "Dummett", "Samplette", "Specimo", "Fictia", "Exampla"),
    *("Testard", "Fakeline", "Mockina", "Dummia", "Samplin", "Specimelle", "Fictor", "Nobody"),
    *("Testova", "Fakeman", "Mockett", "Dummert", "Samplon", "Placebo", "Fictione", "Anonyma"),
)
"""What nobody is called, and everybody sees."""

_EMAIL, _PHONE, _CIN = (re.compile(each) for each in (formats.EMAIL, formats.PHONE, formats.CIN))
_UUID = re.compile(formats.UUID)
_DAY = re.compile(f"{formats.DATE}|{formats.TIMESTAMP}")
_FIRST_DAY, _DAYS = date(1900, 1, 1), 36_500
_PHONE_FIELD = re.compile("phone|mobile|gsm|fax|(?:^|_)tel", re.IGNORECASE)
_NAME_FIELD = re.compile("name|nom(?:_|$)", re.IGNORECASE)
_LEAD = re.compile(r"(?:[^0-9]*[0-9]){1,3}")  # of a phone: the country, or what dials out
_WORD = re.compile(r"[^\s.,'\u2019()-]+")
_NUMBER = re.compile(r"(-?)(0?)([0-9.]*)(.*)", re.DOTALL)

_ROUNDS = 4  # Luby and Rackoff: as good as random
_PIECE = 64  # characters that are changed as one number


class Kind(StrEnum):
    """What a value is of a person; each has its own subkey."""

    EMAIL = "email"
    PHONE = "phone"
    CIN = "cin"
    NAME = "name"
    ID = "id"
    DAY = "day"
    TEXT = "text"
    NUMBER = "number"


def kind_of(field: str, value: str) -> Kind:
    """Tell what a text is."""
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

    def _text(self, field: str, value: str, *, keeps_shape: bool = False) -> str:
        """Make a text; with `keeps_shape` a name has its own length."""
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

    def number(self, text: str) -> str:
        """Make a number with as many digits, in the same places."""
        sign, zero, main, exponent = _NUMBER.fullmatch(text).groups()  # type: ignore[union-attr] # any text is one
        alphabets = [digits if each in digits else "" for each in main]
        if alphabets and not zero:
            alphabets[0] = digits[1:]
        return f"{sign}{zero}{self._changed(Kind.NUMBER, main, alphabets, '')}{exponent}"

    def _uuid(self, text: str) -> str:
        made = str(UUID(bytes=self._of[Kind.ID].digest(text.lower().encode())[:16], version=5))
        return made.upper() if text.isupper() else made

    def _day(self, text: str) -> str:
        """Make a day of the last century; of a time the rest is zeros."""
        number = self._of[Kind.DAY].number(text[:10].encode(), _DAYS)
        day = (_FIRST_DAY + timedelta(number)).isoformat()
        if day == text[:10]:
            day = (_FIRST_DAY + timedelta(number + 1)).isoformat()
        return day + re.sub("[0-9]", "0", text[10:])

    def _phone(self, text: str) -> str:
        """Make one of +999…, which is no country; no two of one country and length are the same."""
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
        """Change letters into letters and digits into digits; ASCII's punctuation stays."""
        return self._changed(kind, text, [*map(_alphabet, text)], beside)

    def _changed(self, kind: Kind, text: str, alphabets: Sequence[str], beside: str) -> str:
        """Change each character of an alphabet, all as one number; the same `beside` is another.

        What is changed alike has the same shape: of those no two become the same.
        """
        if len(text) > _PIECE:
            beside += text
        return "".join(
            self._piece(kind, text[at : at + _PIECE], alphabets[at : at + _PIECE], beside)
            for at in range(0, len(text), _PIECE)
        )

    def _piece(self, kind: Kind, text: str, alphabets: Sequence[str], beside: str) -> str:
        number, size, shape = 0, 1, ""
        for char, alphabet in zip(text, alphabets, strict=True):
            if alphabet:
                base, at = len(alphabet), alphabet.find(char)
                number = number * base + (at if at >= 0 else ord(char) % base)
                size *= base
                char = alphabet[0] if at >= 0 else char  # noqa: PLW2901
            shape += char
        if size == 1:
            return text
        made = _permuted(self._of[kind], f"{beside}\0{shape}".encode(), number, size)
        if made == number:
            made = (number + 1) % size
        chars = []
        for char, alphabet in zip(reversed(text), reversed(alphabets), strict=True):
            if alphabet:
                made, place = divmod(made, len(alphabet))
            chars.append(alphabet[place] if alphabet else char)
        return "".join(reversed(chars))


@cache
def _alphabet(char: str) -> str:
    """Give what may stand in a character's place; nothing: it stays."""
    if char in digits:
        return digits
    if char.isascii() and not char.isalpha():
        return ""
    return ascii_uppercase if char.isupper() else ascii_lowercase


def _permuted(key: "_Hmac", about: bytes, number: int, size: int) -> int:
    """Change a number below `size` into another one, each into a different one.

    A Feistel network over the two digits of a number, walked on until it is below `size`.
    """
    width = isqrt(size - 1) + 1
    while True:
        left, right = divmod(number, width)
        for turn in range(_ROUNDS):
            mixed = key.number(b"%b\0%d\0%d" % (about, turn, right), width)
            left, right = right, (left + mixed) % width
        number = left * width + right
        if number < size:
            return number


class _Hmac:
    """HMAC-SHA256 of one key, which is worked in only once."""

    def __init__(self, key: bytes) -> None:
        key = hashlib.sha256(key).digest() if len(key) > 64 else key
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(each ^ 0x36 for each in block))
        self._outer = hashlib.sha256(bytes(each ^ 0x5C for each in block))

    def digest(self, text: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()

    def number(self, text: bytes, size: int) -> int:
        """Give a number below `size`, each as likely as the others to within 2^-64."""
        made = self.digest(text)
        while 8 * len(made) < size.bit_length() + 64:
            made += self.digest(made)
        return int.from_bytes(made) % size
