"""Would catch: a theorem that two shards search, or none; shards of different sizes; a wrong shard that is taken."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.config import RunConfig, SelectionConfig
from proofsearch.config.shard import Shards
from proofsearch.config.toml import from_toml, to_toml


@given(st.integers(0, 200), st.integers(1, 40))
def test_shards_part_a_selection_evenly(size: int, of: int) -> None:
    selected = list(range(size))
    parts = [Shards((number,), of).of_them(selected) for number in range(1, of + 1)]
    assert sorted(place for part in parts for place in part) == selected
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert all(part == sorted(part) for part in parts)
    # Theorems that stand together are hard together, so neighbours go to different shards.
    assert not any(abs(one - two) < min(of, 2) for part in parts for one, two in pairwise(part))


@given(st.integers(0, 60), st.integers(1, 12), st.sets(st.integers(1, 12), min_size=1))
def test_several_shards_are_their_theorems_in_order(size: int, of: int, numbers: set[int]) -> None:
    numbers = {(number - 1) % of + 1 for number in numbers}
    shards = Shards(tuple(sorted(numbers)), of)
    selected = list(range(size))
    expected = sorted(place for number in numbers for place in Shards((number,), of).of_them(selected))
    assert shards.of_them(selected) == expected
    assert Shards.parse(str(shards)) == shards
    others = shards.others(size)
    missing = [] if others is None else others.of_them(selected)
    assert sorted(expected + missing) == selected
    assert others is None or all(Shards((number,), of).of_them(selected) for number in others.numbers)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("3/16", "3/16"), (" 3 / 16 ", "3/16"), ("1,2,3,5/8", "1-3,5/8"), ("5,1-3,2/8", "1-3,5/8"), ("8-8/8", "8/8")],
)
def test_what_is_said_is_kept_in_one_form(text: str, canonical: str) -> None:
    config = SelectionConfig(shard=text)
    assert config.shard == canonical
    assert from_toml(to_toml(RunConfig(select=config)), "config.toml").select.shards == Shards.parse(text)


@pytest.mark.parametrize("text", ["1/1", "1-4/4", "2,1/2"])
def test_all_shards_are_none(text: str) -> None:
    assert SelectionConfig(shard=text) == SelectionConfig()
    assert SelectionConfig().shards == Shards((1,), 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected I/N, such as 3/16"),
        ("3", "expected I/N"),
        ("3/", "expected I/N"),
        ("-1/4", "expected I/N"),
        ("1.5/4", "expected I/N"),
        ("१/४", "expected I/N"),
        ("0/4", "numbered from 1 to 4, found '0'"),
        ("5/4", "numbered from 1 to 4, found '5'"),
        ("3-2/4", "found '3-2'"),
        ("1/0", "1 to 100,000 shards"),
        ("1/100001", "1 to 100,000 shards"),
        ("1/" + "9" * 5000, "1 to 100,000 shards"),
        ("9" * 5000 + "/4", "numbered from 1 to 4"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SelectionConfig(shard=text)
