"""The page of HTML: one file, no script, no network, and every foreign text is only text."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from random import Random

import pytest

from medtrack_cli.core.delivery import Delivery
from tests.builders import delivery, encode, event
from tests.stats.recordings import mixed, record_of, recording, stats

ATTACKS = (
    "<script>alert(1)</script>",
    "</style><script>alert(2)</script>",
    "</title><svg onload=alert(3)>",
    "\"><img src=x onerror='alert(4)'>",
    "javascript:alert(5)",
    "<!--",
    "&lt;script&gt;&#x3c;",
    "url(https://evil.example/)",
)
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "i", "dl", "div", "dt"),
    *("caption", "figure", "figcaption", "small", "details", "summary"),
    *("dd", "span", "svg", "rect", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "viewbox", "role", "x", "y"),
    *("preserveaspectratio", "aria-label", "aria-hidden", "scope", "width", "height"),
}


class Page(HTMLParser):
    """A page taken apart, as a browser would."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.meta: dict[str, str] = {}
        self.texts: list[str] = []
        self.style = ""
        self.tables: list[list[list[str]]] = []  # texts of the cells, by rows
        self.unnamed: list[str] = []  # tables without a caption, headings of nothing
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = {name: value or "" for name, value in attrs}
        if tag == "table":
            self.tables.append([])
            self.unnamed.append("table")
        elif tag == "caption":
            assert self.unnamed.pop() == "table"
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"th", "td"}:
            self.tables[-1][-1].append("")
            if tag == "th" and given.get("scope") not in {"col", "row"}:
                self.unnamed.append("th")
        for name, value in given.items():
            self.attributes.setdefault(name, set()).add(value)
        if tag == "meta" and "content" in given:
            self.meta[given.get("http-equiv") or given["name"]] = given["content"]
        elif tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            self.style += data
        else:
            self.texts.append(data)
            if self.open[-1:] in (["th"], ["td"]):
                self.tables[-1][-1][-1] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def attacks() -> list[Delivery]:
    """Put each attack into every field that a page could show."""
    made = []
    for text in ATTACKS:
        whole = event("user.created")
        payload = {**dict.fromkeys(whole["payload"], text), text: text}
        hostile = {**dict.fromkeys(whole, text), "payload": payload, text: text}
        made.append(delivery(encode(hostile), routing_key=text, properties={"message_id": text}))
    return made


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """Give the page of a recording full of attacks, whose own name is one."""
    folder = tmp_path_factory.mktemp("attacks")
    path = folder / "<script>alert(0)<&script>.ndjson"
    path.write_bytes(recording([*mixed(Random(1), 2000), *attacks()]))
    assert stats(path, folder / "*<*", "--html", folder / "page.html").code == 0
    text = (folder / "page.html").read_text()
    assert text.startswith("<!doctype html>")
    return Page(text)


def test_no_text_becomes_markup(page: Page) -> None:
    """Only our own tags and attributes are there, all closed, and the attacks are shown as text."""
    assert page.open == []
    assert page.tags - TAGS == set()
    assert page.attributes.keys() - ATTRIBUTES == set()
    shown = " ".join(page.texts)
    assert "<script>alert(0)<&script>" in shown
    assert "<xxxxxx>xxxxx(9)</xxxxxx>" in shown  # the attacks in the tables, masked as all names


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    """No attribute and no style names another place; the policy allows the style sheet alone."""
    values = [value for values in page.attributes.values() for value in values]
    assert [value for value in values if "//" in value or "javascript:" in value] == []
    assert "url(" not in page.style
    assert "@import" not in page.style
    digest = b64encode(sha256(page.style.encode()).digest()).decode()
    assert page.meta["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert page.meta["referrer"] == "no-referrer"


def test_the_page_says_what_the_terminal_says(tmp_path: Path) -> None:
    """Every fact and every row of the tables on the terminal is on the page, too."""
    path = tmp_path / "a.ndjson"
    path.write_bytes(recording(mixed(Random(1), 500)))
    found = stats(path, "--html", tmp_path / "page.html")
    texts = set(Page((tmp_path / "page.html").read_text()).texts)
    rows = [line.split("  ") for line in found.out.splitlines() if line[:8] == "service-"]
    assert len(rows) == 3
    for cells in rows:
        assert {each.strip() for each in cells if each.strip()[:1].isalnum()} <= texts
    for line in found.out.partition("\n\n")[0].splitlines():
        label, _, text = line.partition("  ")
        assert {label, text.strip()} <= texts
    assert "missing_field" in texts


def test_tables_can_be_read_aloud(page: Page) -> None:
    """Every table has a caption, and every heading says what it heads."""
    assert len(page.tables) == 6
    assert page.unnamed == []


def test_the_page_has_the_charts_as_numbers_and_the_findings_as_json_has(tmp_path: Path) -> None:
    """What is drawn stands in a table, too; numbers and groups of findings are those of JSON."""
    path = tmp_path / "a.ndjson"
    path.write_bytes(recording(mixed(Random(1), 500)))
    stats(path, "--html", tmp_path / "page.html")
    found = record_of(stats(path, "-o", "json"))
    tables = Page((tmp_path / "page.html").read_text()).tables
    numbers = next(table for table in tables if table[0][0] == "begins (UTC)")
    assert [int(row[1]) for row in numbers[1:]] == found["chart"]["events"]
    assert [int(row[2]) for row in numbers[1:]] == found["chart"]["invalid"]
    drawn = {
        each["name"] or "(none)": each["events"] for each in found["chart"]["event_types"]["names"]
    }
    for column, name in enumerate(numbers[0][4:], 4):
        assert [int(row[column]) for row in numbers[1:]] == drawn.pop(name)
    assert drawn == {}
    listed = next(table for table in tables if "field" in table[0])
    assert [(row[0], row[3], int(row[4])) for row in listed[1:]] == [
        (each["rule"], each["service"] or "(none)", each["findings"])
        for each in found["findings"]["groups"][:20]
    ]


def test_a_page_replaces_a_page_and_nothing_else(tmp_path: Path) -> None:
    """--html writes over a page, but never over a recording, through a link or into a folder."""
    recorded = tmp_path / "a.ndjson"
    recorded.write_bytes(recording(mixed(Random(1), 20)))
    before = recorded.read_bytes()
    page, link = tmp_path / "page.html", tmp_path / "link.html"
    for _ in range(2):
        assert stats(recorded, "--html", page).code == 0
    assert Page(page.read_text()).open == []
    link.symlink_to(page)
    nowhere = tmp_path / "no folder/page.html"
    for place in (recorded, link, tmp_path, nowhere):
        refused = stats(recorded, "--html", place)
        assert (refused.code, refused.out) == (73, ""), place
        assert refused.err.endswith("\n")
        assert "hint: " in refused.err
    assert recorded.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("a.ndjson", "link.html", "page.html"),
    ]


def test_no_page_is_made_of_nothing(tmp_path: Path) -> None:
    """When no event could be read there is no page, and an old one stays as it is."""
    page = tmp_path / "page.html"
    page.write_text("<!doctype html>old")
    assert stats("-", "--html", page, stdin=b"no event").code == 65
    assert stats(tmp_path / "missing", "--html", page).code == 66
    assert page.read_text() == "<!doctype html>old"


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A full disk ends with 74; what was written so far is not left behind."""
    recorded = tmp_path / "a.ndjson"
    recorded.write_bytes(recording(mixed(Random(1), 20)))
    found = stats(recorded, "--html", "/dev/full")
    assert found.code == 74
    assert found.err.startswith("error: ")
