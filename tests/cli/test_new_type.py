"""A new built-in type is one class and one sample: every command knows it then."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.tool import ROOT, Ran, Tool

CLASS = '''
from typing import Annotated, Literal  # noqa: E402
from medtrack_cli.events.field_types import Date, FieldNames  # noqa: E402
from medtrack_cli.events.formats import Mark  # noqa: E402


class WardAssigned(Payload):
    """A student has been assigned to a ward."""

    event_type = "ward.assigned"
    colour = "blue"
    published_by = "the service that assigns wards"

    student_id: Uuid = Field(description="the student")
    ward: str = Field(description="its name")
    contact: Email = Field(description="where the ward is written to")
    birth_date: Annotated[Date, Mark.PERSONAL] = Field(description="when the student was born")
    first_day: Date = Field(description="from when on")
    beds: Annotated[int, Field(ge=1, le=40)] = Field(description="how many there are")
    grade: Annotated[float, Field(ge=0.25, le=0.75)] = Field(description="of the ward")
    shift: Literal["day", "night"] = Field(description="when")
    is_open: bool = Field(description="whether it takes others")
    changed: FieldNames = Field(description="what has changed")
    days: list[Date] = Field(description="the days there")
    hours: float = Field(default=8, description="how many a day")
'''
PAYLOAD: dict[str, Any] = {
    "student_id": "550e8400-e29b-41d4-a716-446655440000",
    "ward": "Pneumology",
    "contact": "ward.example@example.org",
    "birth_date": "2001-02-03",
    "first_day": "2025-02-01",
    "beds": 12,
    "grade": 0.5,
    "shift": "night",
    "is_open": True,
    "changed": ["first_day"],
    "days": ["2025-02-01"],
}
EVENT: dict[str, Any] = {
    "event_type": "ward.assigned",
    "payload": PAYLOAD,
    "service": "ward-service",
    "timestamp": "2025-01-15T10:00:00Z",
    "version": "1.0",
}


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    """Copy the project, and add the type as CONTRIBUTING says: `make docs` runs the script."""
    folder = tmp_path_factory.mktemp("changed")
    unmade = shutil.ignore_patterns("__pycache__")
    for name in ("medtrack_cli", "sample-events", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=unmade)
    with (folder / "medtrack_cli/events/types.py").open("a") as family:
        family.write(CLASS)
    (folder / "sample-events/ward.assigned.json").write_text(json.dumps(EVENT))
    script = [sys.executable, "scripts/make_event_types.py"]
    subprocess.run(script, cwd=folder, env={"PYTHONPATH": str(folder)}, check=True)
    with Tool(folder, PYTHONPATH=str(folder)) as tool:
        yield tool


def validated(tool: Tool, body: object, *options: str) -> Ran:
    """Validate one event from stdin."""
    text = body if isinstance(body, str) else json.dumps(body)
    return tool.run("validate", *options, "-", stdin=text.encode())


def test_its_generated_events_are_valid(changed: Tool) -> None:
    """A plain text, a whole number, a choice, a flag and a narrow range get what is valid."""
    ran = changed.run("publish", "ward.assigned", "--count", "200", "--dry-run", "-o", "json")
    assert ran.code == 0, ran.err
    assert ran.summary["total"] == 200
    assert (ran.summary["invalid"], ran.summary["would_send"]) == (0, 200)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"beds": "12"}, "wrong_type"),
        ({"beds": 41}, "out_of_range"),
        ({"is_open": "yes"}, "wrong_type"),
        ({"shift": "evening"}, "invalid_value"),
        ({"ward": 7}, "wrong_type"),
        ({"days": ["2025-02-30"]}, "bad_format"),
    ],
)
def test_its_findings_have_their_rules(changed: Tool, change: dict[str, Any], rule: str) -> None:
    """What such a field refuses is a finding with its place, and never a bug of ours."""
    ran = validated(changed, {**EVENT, "payload": {**PAYLOAD, **change}}, "-o", "json")
    found = [(each["rule"], each["pointer"].split("/")[2]) for each in ran.of_kind("finding")]
    assert (ran.code, found) == (1, [(rule, *change)])


@pytest.mark.parametrize("name", ["hours", "beds", "is_open", "student_id", "event_type"])
def test_its_duplicate_keys_are_found(changed: Tool, name: str) -> None:
    """A key that comes twice is found, whatever the type's fields are."""
    whole = json.dumps({**EVENT, "payload": {**PAYLOAD, "hours": 7.5}})
    value = json.dumps({**EVENT, **PAYLOAD, "hours": 7.5}[name])
    twice = whole.replace(f'"{name}": {value}', f'"{name}": {value}, "{name}": {value}')
    ran = validated(changed, twice, "-o", "json")
    assert [each["rule"] for each in ran.of_kind("finding")] == ["duplicate_key"]


def answer(tool: Tool, script: str) -> Any:
    """Ask the changed project's own code."""
    ran = subprocess.run(
        [sys.executable, "-c", f"import json; {script}"],
        cwd=tool.folder,
        env=tool.environ,
        capture_output=True,
        check=True,
    )
    return json.loads(ran.stdout)


def test_its_personal_fields_are_masked(changed: Tool) -> None:
    """The type says what is personal: a date it marks is masked, another one is shown."""
    masked = answer(
        changed,
        "from medtrack_cli.output.masking import masked_json;"
        f"print(json.dumps(masked_json(json.loads({json.dumps(PAYLOAD)!r}))))",
    )
    hidden: dict[str, Any] = {"birth_date": "9999-99-99", "ward": "xxxxxxxxxx", "shift": "xxxxx"}
    hidden |= {"contact": "xxxx.xxxxxxx@xxxxxxx.xxx", "days": ["9999-99-99"]}
    assert masked == {**PAYLOAD, **hidden}


def test_its_colour_is_its_own(changed: Tool) -> None:
    """Its family has the colour that the class says; others keep theirs, unknown ones have none."""
    keys = ["ward.assigned", "ward.left", "student.created", "x.y"]
    script = "from medtrack_cli.output.event_rows import family_colour as colour;"
    found = answer(changed, f"{script} print(json.dumps([colour(key) for key in {keys}]))")
    assert found == ["blue", "blue", "cyan", "default"]
