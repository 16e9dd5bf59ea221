"""What may be seen of a value, and what the rest looks like."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.output.masking import mask_shape, masked, masked_pointer
from medtrack_cli.output.snippet import mask_line

WIDE_X, WIDE_9 = "\uff58\uff19"
ID = "550e8400-e29b-41d4-a716-446655440000"


def width(text: str) -> int:
    """Count columns, combining characters left out of account."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("Amina O'Brien-Zoë, 24", "xxxxx x'xxxxx-xxx, 99"),
        ("+212 600-00.00", "+999 999-99.99"),
        ("日本 \uff12", f"{WIDE_X}{WIDE_X} {WIDE_9}"),
        ("e\u0301", "xx"),
        ("", ""),
    ],
)
def test_shape(text: str, shape: str) -> None:
    """Letters become x, digits 9; punctuation and width stay."""
    assert mask_shape(text) == shape


@given(st.text())
def test_shape_keeps_nothing_but_width(text: str) -> None:
    """Of any text the width is left, and of its letters and digits none but x and 9."""
    shape = mask_shape(text)
    assert len(shape) == len(text)
    assert width(shape) == width(text)
    assert {char for char in shape if char.isalnum()} <= {"x", "9", WIDE_X, WIDE_9}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("student_id", ID),
        ("studnet_id", ID),
        ("score", "85.5"),
        ("start_date", "2025-01-15"),
        ("timestamp", "2025-01-15T10:00:00.123456789+01:00"),
        ("event_type", "student.craeted"),
        ("service", "external-registration-service"),
        ("version", "1.0"),
        ("role", "student"),
        ("updated_fields", "first_name"),
        ("content_encoding", "gzip"),
        ("x-first-death-reason", "rejected"),
        ("x-first-death-queue", "student-service.dead"),
        ("delivery_mode", "2"),
    ],
)
def test_what_may_be_seen(field: str, value: str) -> None:
    """A value that looks as it should in a field that isn't personal is shown."""
    assert masked(field, value) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first_name", "student"),
        ("frist_name", "student"),
        ("cin", "ZZ123456"),
        ("student_id", "Amina Example"),
        ("score", "0612345678"),
        ("service", "amina@example.org"),
        ("role", "Amina"),
        ("updated_fields", "Amina"),
        ("content_encoding", "amina"),
        ("x-first-death-reason", "amina"),
        ("x-first-death-queue", "Amina Example"),
        ("delivery_mode", "24"),
        ("traceparent", "amina"),
        ("", "Amina"),
    ],
)
def test_what_stays_hidden(field: str, value: str) -> None:
    """A personal value, or one that isn't what its field is for, is shown as its shape."""
    assert masked(field, value) == mask_shape(value) != value


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            '  "first_name": "Amina", "role": "student",',
            '  "first_name": "xxxxx", "role": "student",',
        ),
        ('{"score":85,"cin":"A\\"1"}', '{"score":85,"cin":"x\\"9"}'),
        ("phone: +212600000000 # Amina", "phone: +999999999999 # xxxxx"),
        ("service: reg # Amina", "service: xxx # xxxxx"),
        ("- event_type: student.created", "- event_type: student.created"),
        ("updated_fields: [email, Amina]", "updated_fields: [email, xxxxx]"),
        ('{"service": "a", "Amina", "b": 1}', '{"service": "a", "xxxxx", "b": 9}'),
        ("  Amina Example", "  xxxxx xxxxxxx"),
        ('"first_name": "Amina, "role": "student"', '"first_name": "xxxxx, "xxxx": "xxxxxxx"'),
        (f"student_id: {ID}", f"student_id: {ID}"),
    ],
)
def test_line(line: str, shown: str) -> None:
    """A line keeps its keys and its structure; what is personal, or can't be placed, is masked."""
    assert mask_line(line) == shown


@given(st.text(st.sampled_from("ab\"'{}[]:,\\ -?#\t1é")))
def test_line_keeps_its_columns(line: str) -> None:
    """Masking never moves what stands in a line, however broken it is."""
    shown = mask_line(line)
    assert len(shown) == len(line)
    assert all(a == b for a, b in zip(line, shown, strict=True) if a in "\"'{}[]:,\\ ")


def test_pointer() -> None:
    """A pointer shows names; a key that is a sentence or an address is masked."""
    assert masked_pointer("/payload/studnet_id/0") == "/payload/studnet_id/0"
    assert masked_pointer("/payload/a@b.org: x") == "/payload/x@x.xxx: x"
