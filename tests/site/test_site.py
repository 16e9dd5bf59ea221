"""The built site, page by page, in Chromium: on a desktop's window and on a phone's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from tests.site.browser import Page, chromium

WIDTHS = {"desktop": 1280, "phone": 390}
SITE = Path(os.environ["MEDTRACK_TEST_SITE"])
Pages = dict[str, Page]

pytestmark = pytest.mark.timeout(400)


class Silent(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def looked_at(folder: Path, width: int, profile: Path) -> Pages:
    """Open every page of a folder; each by its address, all of which begin alike."""
    pictures = os.environ.get("MEDTRACK_TEST_PICTURES")
    with served(folder) as address, chromium(profile, width) as browser:
        return {
            address + path: browser.look(
                address + path,
                Path(pictures, f"{path.replace('/', '-')}.{width}.png") if pictures else None,
            )
            for path in sorted(str(each.relative_to(folder)) for each in folder.rglob("*.html"))
        }


@pytest.fixture(scope="session", params=WIDTHS)
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """Give the pages of the site as they are in a window of this width."""
    profile = tmp_path_factory.mktemp("profile")
    return looked_at(SITE, WIDTHS[request.param], profile)


def faults(pages: Pages, folder: Path = SITE) -> dict[str, list[str]]:
    """Find what is wrong: by its kind, each with its page."""
    home = next(iter(pages)).partition("/")[0] + "//" + urlsplit(next(iter(pages))).netloc + "/"
    found: dict[str, list[str]] = {
        name: [] for name in ("link", "picture", "console", "width", "host")
    }
    for address, page in pages.items():
        name = address.removeprefix(home)
        found["link"] += [
            f"{name}: {link}" for link in page.links if leads_nowhere(link, pages, home, folder)
        ]
        found["picture"] += [f"{name}: {each}" for each in page.lacking]
        found["console"] += [f"{name}: {each}" for each in page.said]
        found["width"] += [f"{name}: {each}" for each in page.wide]
        found["width"] += [f"{name}: {page.excess} pixels"] * (page.excess > 0)
        found["host"] += [f"{name}: {each}" for each in page.asked if goes_out(each, home)]
    return found


def goes_out(asked: str, home: str) -> bool:
    """Tell whether a request leaves the site; those to the browser itself don't."""
    return urlsplit(asked).scheme not in {"blob", "chrome", "data"} and not asked.startswith(home)


def leads_nowhere(link: str, pages: Pages, home: str, folder: Path) -> bool:
    """Tell whether a link of the site has no page, or its anchor no place on it."""
    target, anchor = urldefrag(link)
    if not target.startswith(home):
        return False
    if target.endswith("/"):
        target += "index.html"
    if target not in pages:
        return not (folder / target.removeprefix(home)).is_file()
    return bool(anchor) and unquote(anchor) not in pages[target].anchors


@pytest.mark.parametrize("kind", ["link", "picture", "console", "width", "host"])
def test_nothing_is_wrong_with_a_page(pages: Pages, kind: str) -> None:
    """Links lead somewhere, pictures are there, the console is silent, nothing is too wide."""
    assert len(pages) > 30
    assert faults(pages)[kind] == []


BAD = """<!doctype html><link rel=icon href="data:,"><article>
<a href="#there" id="there">good</a> <a href="#nowhere">bad</a> <a href="no.html">bad</a>
<img src="no.png"><div style="width: 2000px">wide</div>
<script src="http://localhost:1/a.js"></script>"""


def test_each_fault_is_seen(tmp_path: Path) -> None:
    """A page with a fault of each kind is told of: the tests above could fail."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text(BAD)
    site = tmp_path / "site"
    found = faults(looked_at(site, 390, tmp_path / "profile"), site)
    assert [link.rpartition("/")[2] for link in found["link"]] == ["index.html#nowhere", "no.html"]
    assert [len(found[kind]) for kind in ("picture", "width", "host")] == [1, 2, 1]
    assert len(found["console"]) == 2
