"""The set of positions that are done."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from medtrack_cli.core.publishing.positions import Positions

NUMBERS = st.integers(min_value=1, max_value=60)


@given(st.lists(NUMBERS), st.lists(NUMBERS))
def test_it_is_a_set(added: list[int], later: list[int]) -> None:
    """Whatever is added in whatever order, and saved in between: it holds what a set holds."""
    positions = Positions()
    for each in added:
        positions.add(each)
    positions = Positions((first, last) for first, last in positions.ranges)
    for each in later:
        positions.add(each)
    expected = {*added, *later}
    assert len(positions) == len(expected)
    assert {each for each in range(62) if each in positions} == expected


@given(st.lists(NUMBERS))
def test_its_ranges_are_as_few_as_can_be(added: list[int]) -> None:
    """The ranges ascend, and between two of them something is missing."""
    positions = Positions()
    for each in added:
        positions.add(each)
    ends = [end for each in positions.ranges for end in each]
    assert ends == sorted(ends)
    pairs = zip(positions.ranges, positions.ranges[1:], strict=False)
    assert all(before[1] + 1 < after[0] for before, after in pairs)


def test_receipts_nearly_in_order_need_few_ranges() -> None:
    """Confirmed in shuffled batches of 500, a hundred thousand positions stay a few hundred."""
    random = Random(7)
    positions = Positions()
    most = 0
    for start in range(1, 100_001, 500):
        for each in random.sample(range(start, start + 500), 500):
            positions.add(each)
            most = max(most, len(positions.ranges))
    assert positions.ranges == [[1, 100_000]]
    assert most <= 251
