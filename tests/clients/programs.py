"""The programs that `medtrack client` prints, run as their users run them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.running import run

PACKAGES = os.environ.get("MEDTRACK_TEST_NODE_PACKAGES")
JARS = ":".join(f"/usr/share/java/{name}.jar" for name in ("amqp-client", "slf4j-api"))
MORE = ["node", "java"] if PACKAGES else []  # make test-interop names them
PUBLISHING = ["python", "curl", *MORE]
CONSUMING = ["python", *MORE]
PUBLISHERS = {
    "python": "publisher.py",
    "node": "publisher.js",
    "java": "Publisher.java",
    "curl": "publisher.sh",
}
CONSUMERS = {"python": "consumer.py", "node": "consumer.js", "java": "Consumer.java"}
START = {
    "python": [sys.executable],
    "node": ["node"],
    "java": ["java", "-cp", f"{JARS}:."],
    "curl": ["bash"],
}


class Program(NamedTuple):
    """A client that is written to a folder."""

    folder: Path
    language: str
    file: str
    environ: dict[str, str]

    @property
    def text(self) -> str:
        return (self.folder / self.file).read_text("utf-8")

    @property
    def command(self) -> list[str]:
        file = self.file.removesuffix(".java") if self.language == "java" else self.file
        return [*START[self.language], file]

    def run(self, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.command,
            cwd=self.folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @contextmanager
    def running(self, *command: str) -> Iterator["Process"]:
        """Run it, or another command in its folder, until it is killed."""
        with (self.folder / "said").open("wb") as said:
            process = subprocess.Popen(
                command or self.command,
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        try:
            yield Process(process, self.folder / "said")
        finally:
            process.kill()
            process.wait(10)


class Process(NamedTuple):
    """A program under way, and the file that it prints to."""

    process: subprocess.Popen[bytes]
    file: Path

    @property
    def said(self) -> str:
        return self.file.read_text("utf-8")

    def await_count(self, text: str, count: int = 1, seconds: float = 60) -> None:
        """Wait until it has printed a text so often."""
        until = time.monotonic() + seconds
        while self.said.count(text) < count:
            assert time.monotonic() < until, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.02)


def program(
    folder: Path, language: str, *arguments: str, url: str, api: str, consumes: bool = False
) -> Program:
    """Print a client and write it; it gets the broker by its environment when it runs."""
    file = (CONSUMERS if consumes else PUBLISHERS)[language]
    more = ["--consumer"] if consumes else []
    ran = run("client", language, *arguments, *more, folder=folder)
    assert (ran.code, ran.err) == (0, "")
    (folder / file).write_text(ran.out, "ascii")
    environ = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        "HOME": str(folder),
        "NODE_PATH": PACKAGES or "",
        "MEDTRACK_URL": url,
        "MEDTRACK_MANAGEMENT_URL": api,
    }
    if language == "java":
        compiled(folder, file)
    return Program(folder, language, file, environ)


def compiled(folder: Path, name: str) -> None:
    """Compile Java."""
    subprocess.run(["javac", "-cp", f"{JARS}:.", name], cwd=folder, check=True, timeout=60)


def many(made: Program, count: int) -> Sequence[str]:
    """Give the command that publishes many events with a client, and prints each that it confirms.

    Its ids are id-0, id-1 and so on; curl's are its own.
    """
    if made.language == "java":
        (made.folder / "Many.java").write_text(JAVA % count)
        compiled(made.folder, "Many.java")
        return [*START["java"], "Many"]
    text = {"python": PYTHON, "node": NODE, "curl": BASH}[made.language] % count
    return [START[made.language][0], "-e" if made.language == "node" else "-c", text]


PYTHON = """
import publisher
with publisher.Publisher() as one:
    for number in range(%d):
        id = one.publish(publisher.EVENT_TYPE, publisher.PAYLOAD, f"id-{number}")
        print("confirmed:", id, flush=True)
"""
NODE = """
const { Publisher } = require('./publisher.js');
(async () => {
  const one = new Publisher();
  const payload = { student_id: '550e8400-e29b-41d4-a716-446655440000', updated_fields: ['email'] };
  for (let number = 0; number < %d; number++) {
    console.log('confirmed:', await one.publish('student.updated', payload, `id-${number}`));
  }
  await one.close();
})();
"""
JAVA = """
public final class Many {
    public static void main(String[] arguments) throws Exception {
        try (Publisher one = new Publisher()) {
            for (int number = 0; number < %d; number++) {
                one.publish(Publisher.EVENT_TYPE, Publisher.PAYLOAD, "id-" + number);
                System.out.println("confirmed: id-" + number);
            }
        }
    }
}
"""
BASH = "for ((number = 0; number < %d; number++)); do bash publisher.sh || exit; done"
