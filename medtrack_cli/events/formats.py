r"""The string formats of MedTrack's fields: one ASCII pattern each, and what values may be shown.

The same pattern checks the event and stands in the exported schema, so both say the same in every
regex engine: only classes like `[0-9]`, never `\d` or `\s`, `\x7f` and never `\u007f`, which RE2
(all of Go) doesn't know, and `^…$` without newlines.

`format` is added to a pattern, for code generators, where every engine that asserts formats accepts
all that the pattern does: not for email, whose engines differ on `é@b.c`, nor for timestamps, which
may have no offset here.
"""

from enum import Enum, auto
from typing import Final

from medtrack_cli.events.versions import VERSION

UUID: Final = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

# Month lengths and leap years: 2023-02-29 is no date, 2000-02-29 is one, 1900-02-29 isn't.
_ANY_DAY: Final = (
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_LEAP_YEAR: Final = r"[0-9]{2}(?:0[48]|[2468][048]|[13579][26])"

# Python and .NET have no year 0, and so no `format: date` for it; RFC 3339 has one.
_YEAR: Final = r"(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_LEAP_CENTURY: Final = r"(?:[2468][048]|0[48]|[13579][26])00"
DATE: Final = rf"^(?:{_YEAR}-{_ANY_DAY}|(?:{_LEAP_YEAR}|{_LEAP_CENTURY})-02-29)$"

# RFC 3339 with upper-case T and Z; without an offset it counts as UTC, with a warning.
TIMESTAMP: Final = (
    rf"^(?:[0-9]{{4}}-{_ANY_DAY}|(?:{_LEAP_YEAR}|0000|{_LEAP_CENTURY})-02-29)"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?$"
)

_LABEL: Final = r"[^@.\x00-\x20\x7f]+"
EMAIL: Final = rf"^[^@\x00-\x20\x7f]+@{_LABEL}(?:\.{_LABEL})+$"
PHONE: Final = r"^\+[0-9]{7,15}$"
CIN: Final = r"^[A-Za-z0-9]{4,20}$"
SCHEMA_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

EXPLANATIONS: Final = {
    UUID: ("uuid", "a hyphenated UUID, such as 550e8400-e29b-41d4-a716-446655440000"),
    DATE: ("date", "an ISO 8601 date that exists, such as 2025-02-01"),
    TIMESTAMP: ("timestamp", "an RFC 3339 time, such as 2025-01-15T10:00:00Z"),
    EMAIL: ("email", "an e-mail address, with one @ and a dotted domain"),
    PHONE: ("phone", "a phone number: + and 7 to 15 digits"),
    CIN: ("cin", "4 to 20 letters and digits"),
    VERSION: ("version", "MAJOR.MINOR, such as 1.0"),
}
"""Pattern -> (the format's name, what it requires in words)."""

GIVEN_NAMES: Final = ["Amina", "Bilal", "Chloé", "Driss", "Emma", "Farid", "Ghita", "Hugo", "Inès"]
FAMILY_NAMES: Final = ["Example", "Sample", "Specimen", "Placeholder", "Testcase", "Demo"]
"""Nobody's names, used in generated events."""


class Mark(Enum):
    """What a field's type says of its values beside their format: who may see them.

    Without a mark, ids, dates and numbers are shown, and texts are masked wherever people look.
    """

    PERSONAL = auto()
    WORD = auto()  # a lower-case word may be shown
    FIELD_NAME = auto()  # the name of a field may be shown


MARKED_PERSONAL: Final = "x-personal"
"""The keyword in a document that marks a value, and all inside it, as personal: true."""
