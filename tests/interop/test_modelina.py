"""Java classes made of the AsyncAPI document, by the generator that is in @asyncapi/cli."""

import re
import shutil
import subprocess
from pathlib import Path

from medtrack_cli.events.asyncapi import asyncapi_document
from medtrack_cli.events.event_type import EventType, FieldType
from medtrack_cli.events.registry import event_types, extended
from tests.events.asyncapi import ADDED, EXAMPLES
from tests.interop.conftest import Node

JAVA_TYPES = {"uuid": "UUID", "date": "LocalDate", "list of strings": "List<String>"}


def test_a_java_service_gets_its_classes(node: Node, tmp_path: Path) -> None:
    """Each type in each version has two classes of its own, with Java's types, that compile."""
    known = extended([("invoice.sent", "1.0", ADDED), ("invoice.sent", "1.1", ADDED)])
    document = asyncapi_document(known, exchange="e", version="1", examples=EXAMPLES)
    names = node.answer("modelina.cjs", document, str(tmp_path))
    assert len(names) == len({name.lower() for name in names})
    assert len(names) >= 2 * (len(event_types()) + 2)
    for each in event_types().values():
        event = (tmp_path / f"{'Dot'.join(_words(each))}.java").read_text()
        name = f"{''.join(_words(each))}Payload"
        assert f'private final String eventType = "{each.name}";' in event
        assert f"private {name} payload;" in event
        fields = re.findall(r"private ([\w<>]+) (\w+);", (tmp_path / f"{name}.java").read_text())
        assert fields == [_java_field(field) for field in each.fields]
    compiler = shutil.which("javac")
    assert compiler, "make test-interop needs javac: apt-get install default-jdk-headless"
    subprocess.run([compiler, *sorted(tmp_path.glob("*.java"))], cwd=tmp_path, check=True)


def _words(event_type: EventType) -> list[str]:
    return [word.title() for word in event_type.name.split(".")]


def _java_field(field: FieldType) -> tuple[str, str]:
    first, *rest = field.name.split("_")
    number = "double" if field.required else "Double"
    kind = number if field.kind.startswith("number") else JAVA_TYPES.get(field.kind, "String")
    return kind, "".join([first, *(word.title() for word in rest)])
