"""Node and the packages that `make test-interop` installs; without these nothing here is run."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

FOLDER = Path(__file__).parent
PACKAGES = os.environ.get("MEDTRACK_TEST_NODE_PACKAGES")

collect_ignore_glob = [] if PACKAGES else ["*"]


class Node(NamedTuple):
    """Node with the packages."""

    packages: str

    def start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["node", str(FOLDER / script), *arguments],
            env={**os.environ, "NODE_PATH": self.packages},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            bufsize=1,  # lines
        )

    def answer(self, script: str, question: object, *arguments: str) -> Any:
        """Ask a script that reads one JSON value and writes one."""
        with self.start(script, *arguments) as process:
            output, _ = process.communicate(json.dumps(question), timeout=60)
        assert process.returncode == 0
        return json.loads(output)


class Ajv(NamedTuple):
    """A process that validates with Ajv."""

    process: subprocess.Popen[str]

    def is_valid(self, event_type: str, body: bytes) -> bool:
        assert self.process.stdin
        assert self.process.stdout
        question = json.dumps({"type": event_type, "body": body.decode()})
        self.process.stdin.write(question + "\n")
        answer = self.process.stdout.readline()
        assert answer in {"true\n", "false\n"}
        return answer == "true\n"


@pytest.fixture(scope="session")
def node() -> Node:
    """Give Node with the packages."""
    assert PACKAGES
    return Node(PACKAGES)


@pytest.fixture(scope="session")
def ajv(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ajv]:
    """Give a process that validates events by the exported schemas."""
    from medtrack_cli.events.export import json_schema
    from medtrack_cli.events.registry import event_types

    schemas = tmp_path_factory.mktemp("ajv") / "schemas.json"
    exported = {name: json_schema(each) for name, each in event_types().items()}
    schemas.write_text(json.dumps(exported))
    with node.start("ajv.cjs", str(schemas)) as process:
        yield Ajv(process)
