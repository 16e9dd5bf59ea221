"""Keep personal data off screens."""

import re

from medtrack_cli.events.envelope import PERSONAL_FIELDS

_HARMLESS = re.compile(r"[0-9a-fA-F-]{36}|[0-9]{4}-[0-9]{2}-[0-9]{2}")


def mask_shape(text: str) -> str:
    """Keep a text's shape and nothing else: letters become x, digits 9, the rest stays."""
    return "".join("x" if c.isalpha() else "9" if c.isnumeric() else c for c in text)


def masked(field: str, value: str, *, is_known: bool) -> str:
    """Show a payload value as far as it may be seen.

    A personal field is masked, and so is whatever stands in a field that isn't known to be
    harmless (`is_known` False: an invalid event), unless it looks like an id or a date.
    """
    if field not in PERSONAL_FIELDS and (is_known or _HARMLESS.fullmatch(value)):
        return value
    return mask_shape(value)
