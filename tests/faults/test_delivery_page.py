"""docs/delivery.md names tests: they exist, and so does every fault's row."""

import re

from tests.cli.tool import ROOT

PAGE = (ROOT / "docs/delivery.md").read_text()


def test_the_tests_that_the_page_names_exist() -> None:
    """Each test named on the page is a function of the suite."""
    sources = "\n".join(each.read_text() for each in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert named - defined == set()


def test_each_claim_names_its_test() -> None:
    """No row of a table is without a test."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    claims = [row for row in rows if not re.match(r"\| (promise|row) \|", row)]
    assert len(claims) > 40
    assert [row for row in claims if "`test_" not in row] == []
