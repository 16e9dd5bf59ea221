"""Whether readers and writers of two versions of a schema still understand each other.

A writer is closed: it sends only the fields that its version names. A reader is open: it ignores
fields that it doesn't know. So a new optional field breaks nobody.
"""

from medtrack_cli.events.compatibility.changes import SENTENCES, Answer, ChangeRule, Direction
from medtrack_cli.events.compatibility.comparison import Change, Comparison, compare
from medtrack_cli.events.compatibility.instances import instance

__all__ = [
    "SENTENCES",
    "Answer",
    "Change",
    "ChangeRule",
    "Comparison",
    "Direction",
    "compare",
    "instance",
]
