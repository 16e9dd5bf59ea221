"""Whether a person's value is left in texts that are sent beside the replaced ones."""

import re
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import unquote

from medtrack_cli.core.hiding import inside_base64

_MOST_COMPARED = 50_000_000  # characters, times the number of values
_SHORT = 6  # characters: shorter ones are found only where they are no part of a word
_LEAST_WORD, _MOST_WORDS = 4, 20  # of a name of several: `el` says nothing
_NOT_ALNUM = re.compile("[^0-9a-z\n]")
_MAY_BE_ENCODED = re.compile("[A-Z0-9]")
_ADDRESS = re.compile(r"[^\s@](?:@|%40)[^\s@]")
_PHONE = re.compile(r"(?:\+|%2[Bb])[0-9]{7}")


def seems_personal(text: str) -> bool:
    """Return whether a text contains what looks like an e-mail address or a phone number."""
    return _ADDRESS.search(text) is not None or _PHONE.search(text) is not None


def is_left(values: Collection[str], texts: Iterable[str]) -> bool:
    """Return whether one of a person's values is, or may be, in one of the texts, in any case.

    A number may be written with other punctuation, an address without its domain, one of several
    words alone; any of them percent-encoded or in base64.
    """
    whole = "\n".join(texts)
    if not whole:
        return False
    if len(values) * len(whole) > _MOST_COMPARED:
        return True  # in doubt: the search would take too long
    if "%" in whole:
        whole += "\n" + unquote(whole)
    folded = whole.casefold()
    compact = _NOT_ALNUM.sub("", folded)
    may_be_encoded = _MAY_BE_ENCODED.search(whole) is not None
    for value in values:
        plain = value.casefold()
        if any(_stands(form, folded) for form in _plain(plain)):
            return True
        if (may_be_encoded or "@" in value) and not value.isalpha():
            bare = _NOT_ALNUM.sub("", plain)
            if len(bare) >= _SHORT and bare in compact:
                return True
        if may_be_encoded and any(form in folded for form in _encoded(value)):
            return True
    return False


def _plain(value: str) -> list[str]:
    forms = [value]
    if "@" in value and not (local := value.partition("@")[0]).isalpha():
        forms.append(local)
    if " " in value:
        words = value.split(maxsplit=_MOST_WORDS)
        forms += [word for word in words if len(word) >= _LEAST_WORD]
    return forms


def _stands(form: str, text: str) -> bool:
    at = text.find(form)
    while at >= 0:
        if len(form) >= _SHORT:
            return True
        around = text[at - 1 : at] + text[at + len(form) : at + len(form) + 1]
        if not any(map(str.isalnum, around)):
            return True
        at = text.find(form, at + 1)
    return False


def _encoded(value: str) -> Iterator[str]:
    """Give the forms of a value in base64, in lower case."""
    data = value.encode()
    if len(data) < _SHORT - 1:
        return
    for inner in map(str.casefold, inside_base64(data)):
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
