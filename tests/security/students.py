"""Made-up students whose every value can be found again, and the ways in which events go wrong."""

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import yaml

from tests.builders import event

LATIN = ("Zyx", "Qwo", "Vub", "Kję", "Ünq", "Øvz", "D'Ôx", "Çwk", "Xhň", "Mc'Zw")
ARABIC = ("\u0638\u063a\u062b", "\u0636\u0624\u0632", "\u0626\u0630\u062e", "\u063a\u0634\u0635")
ENDS = ("wqa", "xuj", "vyk", "zoq", "kwû", "jéx", "'oqz", "-Vhw")
SHORT = ("Xq", "Wź", "Vj", "\u0638\u063a")


class Student(NamedTuple):
    """What is personal about a student."""

    first_name: str
    last_name: str
    email: str
    phone: str
    cin: str

    @property
    def secrets(self) -> frozenset[str]:
        """What may be seen nowhere: the values, and the pieces a person could be known by."""
        pieces = re.split(r"[\s'@.-]", f"{self.first_name} {self.last_name} {self.email}")
        longer = {each for each in pieces if len(each) > 3} - {"example"}
        return frozenset({*longer, self.first_name, self.last_name, self.phone[1:], self.cin[2:]})


def students(count: int, chance: Random) -> list[Student]:
    """Make students: Latin and Arabic names, accents, apostrophes, hyphens, very short names."""
    made = []
    for number in range(count):
        first = chance.choice((*LATIN, *ARABIC)) + chance.choice(ENDS)
        last = (
            chance.choice(SHORT) if number % 9 == 0 else chance.choice(LATIN) + chance.choice(ENDS)
        )
        if number % 4 == 1:
            first = "".join(chance.sample(ARABIC, 2))
        name = "".join(chance.choices("bcdfghjkqwxz", k=7))
        made.append(
            Student(
                first,
                f"{last} {chance.choice(LATIN)}",
                f"{name}.{name[::-1]}@example.org",
                f"+2{chance.randrange(10**10, 10**11)}",
                f"{''.join(chance.choices('QXWZ', k=2))}{chance.randrange(10**6, 10**7)}",
            )
        )
    return made


def whole(student: Student) -> dict[str, Any]:
    """Make the valid event that says a student is registered."""
    made = event()
    return {**made, "payload": {**made["payload"], **student._asdict()}}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _with(student: Student, **payload: object) -> str:
    valid = whole(student)
    return _json({**valid, "payload": {**valid["payload"], **payload}})


def _renamed(student: Student, rename: Callable[[str], str]) -> str:
    valid = whole(student)
    return _json({**valid, "payload": {rename(k): v for k, v in valid["payload"].items()}})


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False)


WRONG: dict[str, Callable[[Student], str]] = {
    "valid.json": lambda s: _json(whole(s)),
    "valid.yaml": lambda s: _yaml(whole(s)),
    "names_swapped.json": lambda s: _renamed(s, lambda name: name[1] + name[0] + name[2:]),
    "camel_case.json": lambda s: _renamed(s, lambda name: name.title().replace("_", "")),
    "in_ids.json": lambda s: _with(s, student_id=s.first_name, user_id=s.email),
    "in_keys.json": lambda s: _with(s, **{s.first_name: 1, s.email: {s.cin: s.phone}}),
    "in_envelope.json": lambda s: _json({**whole(s), s.last_name: s.cin, "service": s.email}),
    "in_times.json": lambda s: _json({**whole(s), "timestamp": s.phone, "version": s.cin}),
    "as_event_type.json": lambda s: _json({**whole(s), "event_type": s.first_name}),
    "address_as_event_type.json": lambda s: _json({**whole(s), "event_type": s.email}),
    "lists.json": lambda s: _with(s, **{name: [value] for name, value in s._asdict().items()}),
    "nested.json": lambda s: _with(s, first_name={"value": s.first_name}, address=s.last_name),
    "wrong_formats.json": lambda s: _with(
        s, email=f"{s.email}@", phone=s.phone[1:], cin=f" {s.cin}"
    ),
    "wrapped_twice.json": lambda s: _json({**whole(s), "payload": whole(s)}),
    "wrapped_text.json": lambda s: _json({**whole(s), "payload": _json(whole(s))}),
    "bare.json": lambda s: _json(s._asdict()),
    "array.json": lambda s: _json(list(s)),
    "text.json": ";".join,
    "updated.json": lambda s: _json(
        {**event("student.updated"), "payload": {"updated_fields": [*s]}}
    ),
    "torn.json": lambda s: _json(whole(s))[:-60],
    "torn_in_name.json": lambda s: _json(whole(s)).split(s.last_name, maxsplit=1)[0] + s.last_name,
    "unquoted.json": lambda s: _json(whole(s)).replace('"', ""),
    "single_quotes.json": lambda s: _json(whole(s)).replace('"', "'"),
    "twice.json": lambda s: _json(whole(s)).replace('"cin"', f'"email": "{s.email}", "cin"'),
    "rest.json": lambda s: f"{_json(whole(s))} {s.first_name}: {s.email}",
    "torn.yaml": lambda s: _yaml(whole(s)).replace("email:", "email: ["),
    "anchors.yaml": lambda s: f"&{s.cin} {s.email}: *{s.cin}\nx: !{s.cin} {s.first_name}\n",
    "comment.yaml": lambda s: (
        f"# {s.first_name}\n{_yaml(whole(s))}# {s.email}\n  {s.phone}: {s.cin}"
    ),
    "block.yaml": lambda s: (
        f"payload:\n  notes: |\n    {s.first_name}\n    {s.email}\n  x: @{s.cin}"
    ),
    "scenario.yaml": lambda s: (
        f"vars: {{{s.cin}: [{s.email}]}}\nevents: ['${{{s.email}}}', {s.phone}]"
    ),
}
"""By a file's name, the text that a careless hand leaves there."""
