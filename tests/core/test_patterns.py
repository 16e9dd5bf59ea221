"""Patterns that no known event type matches, and what was meant by them."""

import pytest

from medtrack_cli.core.topics import doubt, key_matches

KNOWN = ["student.created", "student.deleted", "user.updated", "stage.student.accepted"]

MEANT = {
    "student": "'student.*'",
    "student*": "'student.*'",
    "students*": "'student.*'",
    "student#": "'student.#'",
    "student.>": "'student.#'",
    "student.**": "'student.#'",
    "**": "'#'",
    "*": "'#'",
    "stage*.#": "'stage.#'",
    "*created": "'#'",
    "students.*": "'student.*'",
    "Student.Created": "'student.created'",
    "student.create": "'student.created'",
    "student/+": "'student.*'",
    "student.*,user.#": "'student.*' 'user.#'",
    "student.* user.*": "'student.*' 'user.*'",
    "a,b": None,
    "student.created,": "'student.created'",
    "x.*.y": None,
    "": None,
}


@pytest.mark.parametrize(("pattern", "meant"), MEANT.items())
def test_a_pattern_that_no_type_matches_is_doubted(pattern: str, meant: str | None) -> None:
    """It is said that no known type matches it, and which pattern that one does may be meant."""
    said = doubt(pattern, KNOWN)
    assert said is not None
    assert said.startswith(f"no known event type matches {pattern!r}")
    assert said.partition("did you mean ")[2] == (f"{meant}?" if meant else "")
    for each in (meant or "").replace("'", "").split():
        assert any(key_matches(each, key) for key in KNOWN)


@pytest.mark.parametrize(
    "pattern", ["#", "*.*", "student.#", "student.created", "#.accepted", "*.#"]
)
def test_a_pattern_that_a_type_matches_is_left_alone(pattern: str) -> None:
    """What lets a known type through is no mistake."""
    assert doubt(pattern, KNOWN) is None
