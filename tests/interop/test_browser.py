"""The page of `medtrack stats --html` in a real browser: it finds nothing to run or to refuse."""

import re
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from tests.stats.recordings import mixed, recording, stats
from tests.stats.test_html import ATTACKS, attacks

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars"),
)


def browse(page: Path, profile: Path, *more: str) -> tuple[str, list[str]]:
    """Open a page; give its DOM and what the browser's console says."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    assert program, "make test-interop needs a browser: apt-get install chromium"
    own = ("--enable-logging=stderr", f"--user-data-dir={profile}", "--dump-dom")
    done = subprocess.run(
        [program, *QUIET, *own, *more, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout, re.findall(r'CONSOLE.*?"(.*)"', done.stderr)


def test_the_console_gets_it(tmp_path: Path) -> None:
    """A page that breaks its own policy is told of: the next test could fail."""
    page = tmp_path / "bad.html"
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    page.write_text(f"<!doctype html>{policy}<style>p {{}}</style><script>alert(1)</script>")
    _, said = browse(page, tmp_path / "profile")
    assert any("Content Security Policy" in line for line in said), said


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_runs_nothing_and_refuses_nothing(tmp_path: Path, width: int) -> None:
    """With attacks in every field the DOM holds no script, image or handler; all styles apply."""
    recorded, page = tmp_path / "a.ndjson", tmp_path / "page.html"
    recorded.write_bytes(recording([*mixed(Random(1), 500), *attacks()]))
    assert stats(recorded, "--html", page).code == 0
    dom, said = browse(page, tmp_path / "profile", f"--window-size={width},900")
    assert said == []
    assert dom.count("<rect") > 50
    assert dom.count("<table>") == dom.count("<caption>") == 6
    assert re.findall(r"<(?:script|img|iframe|link|a|object)\b|<[^>]*\son\w+=", dom) == []
    assert [text for text in ATTACKS if text.startswith("<s") and text in dom] == []
