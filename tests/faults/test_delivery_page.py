"""Pages that promise name tests: they exist, and so does every claim's."""

import re

import pytest

from tests.cli.tool import ROOT

PAGES = {"docs/delivery-proof.md": 40, ".github/SECURITY.md": 7}
"""Each page, with the least number of its claims."""


@pytest.mark.parametrize("page", PAGES)
def test_the_tests_that_the_page_names_exist(page: str) -> None:
    """Each test named on the page is a function of the suite."""
    sources = "\n".join(each.read_text() for each in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    named = set(re.findall(r"`(test_\w+)`", (ROOT / page).read_text()))
    assert len(named) >= PAGES[page]
    assert named - defined == set()


@pytest.mark.parametrize("page", PAGES)
def test_each_claim_names_its_test(page: str) -> None:
    """No row of a table is without a test."""
    rows = [line for line in (ROOT / page).read_text().splitlines() if line.startswith("| ")]
    claims = [row for row in rows if not re.match(r"\| (promise|row|from) \|", row)]
    assert len(claims) >= PAGES[page]
    assert [row for row in claims if "`test_" not in row] == []
