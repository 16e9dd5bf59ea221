"""Keep personal data off screens."""

from medtrack_cli.events.envelope import PERSONAL_FIELDS


def mask_shape(text: str) -> str:
    """Keep a text's shape and nothing else: letters become x, digits 9, the rest stays."""
    return "".join("x" if c.isalpha() else "9" if c.isnumeric() else c for c in text)


def is_personal(field: str) -> bool:
    """Tell whether a payload field holds personal data."""
    return field in PERSONAL_FIELDS
