"""Every shell block of README.md and docs/ is typed, top to bottom, and what it prints compared."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.broker.witness import client
from tests.cel import HAS_CEL
from tests.conftest import Broker
from tests.project.pages import README, ROOT
from tests.project.playing import Typist, blocks_of, environment_of_a_reader
from tests.running import run_json

MANAGEMENT = "http://127.0.0.1:15672"  # RabbitMQ's own, of a broker that isn't the suite's
PAGES = [README, *sorted(ROOT.glob("docs/**/*.md")), ROOT / ".github/CONTRIBUTING.md"]
TEXTS = {page.name: page.read_text() for page in PAGES}
TYPED = [
    name
    for name, text in TEXTS.items()
    if any(each.is_shell and not each.excuse for each in blocks_of(text))
]
# What a page speaks of and doesn't make itself.
QUEUE = "```sh\nmedtrack queue declare everything --bind '#'\n```\n"
GIVEN = {
    "cheat.md": QUEUE,
    "client.md": QUEUE,
    "guide.md": QUEUE,
    "listen.md": QUEUE,
    "queues.md": QUEUE.replace("everything", "student-service"),
    "recordings.md": QUEUE.replace("everything", "student-service.dead"),
}
BARE = {"schemas.md"}  # pages that write all their files


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Make an environment in which `medtrack` is this checkout, with nobody's configuration."""
    return environment_of_a_reader(tmp_path / "home")


@contextmanager
def shared(broker: Broker, environ: dict[str, str]) -> Iterator[None]:
    """Lead to the broker that tests share, and delete the queues that a page makes there."""
    environ["MEDTRACK_URL"] = broker.amqp_url
    environ["MEDTRACK_MANAGEMENT_URL"] = getattr(broker, "web_address", MANAGEMENT)
    before = queues(environ)
    yield
    with client(broker.amqp_url) as channel:
        for name in queues(environ) - before:
            channel.queue_delete(name)


def queues(environ: dict[str, str]) -> set[str]:
    """Name the queues of a broker."""
    return {each["name"] for each in run_json("queue", "list", environ=environ).of_kind("queue")}


@contextmanager
def own(typist: Typist) -> Iterator[None]:
    """Stop the broker that a page has started, whatever else it does."""
    try:
        yield
    finally:
        typist.type("```sh\nmedtrack broker stop\n```\n")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", TYPED)
def test_a_page_does_what_it_says(
    page: str, tmp_path: Path, environ: dict[str, str], request: pytest.FixtureRequest
) -> None:
    """Each command of a page prints what is shown below it, and ends with 0 or the code said.

    A page works in a folder with the files of `medtrack samples`, and with a broker, or starts its
    own.
    """
    text, folder = TEXTS[page], tmp_path / "folder"
    typed = "".join(each.text for each in blocks_of(text) if each.is_shell and not each.excuse)
    if not HAS_CEL and ("--where " in typed or "cel_expr_python" in typed):
        pytest.skip("cel-expr-python has no wheel for this Python")
    folder.mkdir()
    typist = Typist(folder, environ)
    if page == "README.md":
        shutil.copytree(ROOT / "sample-events", folder / "sample-events")
    elif "medtrack samples" not in typed and page not in BARE:
        assert typist.type("```sh\nmedtrack samples\n```\n") == ""
    starts = "medtrack broker start" in typed
    with own(typist) if starts else shared(request.getfixturevalue("broker"), environ):
        typist = Typist(folder, environ)
        typist.type(GIVEN.get(page, ""))
        said = typist.type(text)
    if said:
        pytest.fail(f"{page} says something else than:\n{said}", pytrace=False)


def test_every_shell_block_is_typed_or_says_why_not() -> None:
    """No block is without a language, and none that is text holds commands."""
    found = [(name, each) for name, text in TEXTS.items() for each in blocks_of(text)]
    shells = [each for _, each in found if each.is_shell]
    typed = [each for each in shells if not each.excuse]
    sys.stdout.write(f"{len(typed)} of {len(shells)} shell blocks are run\n")

    assert [(name, each.text) for name, each in found if not each.language] == []
    texts = [(name, each.text) for name, each in found if each.language == "text"]
    assert [text for _, text in texts if text.startswith("$ ")] == []
    assert len(typed) > 40
