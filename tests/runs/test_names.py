"""Would catch: two theorems in one file, on any file system, or a name that a file system refuses."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from proofsearch.runs.names import MAX_LENGTH, safe_name, safe_names

NAMES = st.text(max_size=8) | st.text("aAbB._-/~%1", max_size=6) | st.text(min_size=100, max_size=200)


@given(st.sets(NAMES | st.sampled_from(["CON", "con", "nul.x", "part-00000", "PART-1", ".", "..", "-x", "com1"])))
def test_file_names_are_safe_and_distinct(names):
    files = safe_names(names)
    assert files.keys() == names
    assert len({file.casefold() for file in files.values()}) == len(names)
    for file in files.values():
        assert re.fullmatch(r"[A-Za-z0-9._%~-]+", file)
        assert len(file) <= MAX_LENGTH
        assert not file.startswith((".", "-"))
        assert not file.endswith(".")
        assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d|part-\d+)(\..*)?", file, re.IGNORECASE)


@given(NAMES, NAMES)
def test_one_name_alone_is_distinct_too(left, right):
    assert (safe_name(left) == safe_name(right)) == (left == right)


@given(st.lists(NAMES, max_size=5))
def test_order_does_not_matter(names):
    """A resumed run reads the theorems again; files must not change their names."""
    assert safe_names(names) == safe_names(reversed(names))


def test_ordinary_names_stay_readable():
    assert safe_names(["Nat.add_comm", "2p2e4", "foo/bar"]) == {
        "Nat.add_comm": "Nat.add_comm",
        "2p2e4": "2p2e4",
        "foo/bar": "foo%2Fbar",
    }
