"""Chromium without a window, steered through chromedriver."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import urllib3

QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

# What can be known of a page once it is there. A part that scrolls by itself may be wider than it.
LOOK = """
const own = element => element.closest('pre, .md-typeset__scrollwrap, .md-typeset__table, svg');
return {
  links: [...document.querySelectorAll('a[href]')].map(link => link.href),
  anchors: [...document.querySelectorAll('[id], a[name]')].map(each => each.id || each.name),
  lacking: [...document.images].filter(image => !image.naturalWidth).map(image => image.src),
  excess: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  wide: [...document.querySelectorAll('article *')].filter(each => !own(each)
    && each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(each => each.outerHTML.slice(0, 120)),
};
"""


class Page(NamedTuple):
    """What was seen of a page."""

    links: list[str]
    anchors: list[str]
    lacking: list[str]
    excess: int
    wide: list[str]
    said: list[str]
    asked: list[str]


class Browser:
    """A session of a chromedriver."""

    def __init__(self, address: str) -> None:
        self._http = urllib3.PoolManager()
        self._address = address

    def ask(self, way: str, **given: Any) -> Any:
        """Send a command of the WebDriver protocol."""
        answer = self._http.request("POST", f"{self._address}/{way}", json=given, timeout=60.0)
        value = answer.json()["value"]
        assert answer.status == 200, value
        return value

    def look(self, address: str, picture: Path | None = None) -> Page:
        """Open a page; tell what it holds, what the console said and which addresses it asked."""
        self.ask("url", url=address)
        found = self.ask("execute/sync", script=LOOK, args=[])
        if picture:
            shot = self._http.request("GET", f"{self._address}/screenshot").json()["value"]
            picture.write_bytes(base64.b64decode(shot))
        said = [entry["message"] for entry in self.ask("se/log", type="browser")]
        events = [json.loads(entry["message"])["message"] for entry in self._performance()]
        asked = [
            each["params"]["request"]["url"]
            for each in events
            if each["method"] == "Network.requestWillBeSent"
        ]
        return Page(**found, said=said, asked=asked)

    def _performance(self) -> list[dict[str, str]]:
        entries: list[dict[str, str]] = self.ask("se/log", type="performance")
        return entries


@contextmanager
def chromium(profile: Path, width: int) -> Iterator[Browser]:
    """Start a browser, a phone's below 500 pixels; skip the test where there is none."""
    driver = shutil.which("chromedriver")
    if not driver:
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    metrics = {"width": width, "height": 844, "pixelRatio": 1, "mobile": True, "touch": True}
    own = [*QUIET, f"--user-data-dir={profile}", f"--window-size={width},900"]
    options: dict[str, Any] = {"args": own, "perfLoggingPrefs": {"enableNetwork": True}}
    if width < 500:
        options["mobileEmulation"] = {"deviceMetrics": metrics}
    wanted = {
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
    }
    with subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        (port,) = next(filter(None, map(re.compile(r"on port (\d+)\.").findall, process.stdout)))
        server = f"http://127.0.0.1:{port}"
        try:
            made = Browser(server).ask("session", capabilities={"alwaysMatch": wanted})
            session = f"{server}/session/{made['sessionId']}"
            yield Browser(session)
            urllib3.request("DELETE", session)
        finally:
            process.terminate()
