"""Training and validation: whole theorems, reproducible, and held-out ones stay held out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_ebm.data.splits import split_theorems

from proofsearch.errors import InputError
from proofsearch.types import Theorem


def dataset_of(*theorems):
    return SimpleNamespace(theorems=[SimpleNamespace(theorem=theorem) for theorem in theorems])


def numbered(count, validation=()):
    return [
        Theorem(f"t{number}", "", position=3 * number, split="validation" if number in validation else "train")
        for number in range(count)
    ]


@given(
    count=st.integers(2, 40),
    held=st.sets(st.integers(0, 39), max_size=5),
    by=st.sampled_from(["theorem", "position"]),
    fraction=st.floats(0.01, 0.7),
    seed=st.integers(0, 9),
)
def test_every_theorem_is_on_exactly_one_side(count, held, by, fraction, seed):
    held = {number for number in held if number < count - 1}
    theorems = numbered(count, held)
    try:
        train, validation = split_theorems(dataset_of(*theorems), by, fraction, seed)
    except InputError:
        assert fraction * count > count - 1 or len(held) >= count
        return
    assert sorted([*train, *validation]) == list(range(count))
    assert held <= set(validation)
    assert len(validation) >= len(held) and len(validation) - 1 < max(fraction * count, len(held))


def test_the_draw_depends_on_names_and_seed_not_on_order():
    theorems = numbered(30)
    drawn = {theorems[index].name for index in split_theorems(dataset_of(*theorems), "theorem", 0.3, 1)[1]}
    back = theorems[::-1]
    assert drawn == {back[index].name for index in split_theorems(dataset_of(*back), "theorem", 0.3, 1)[1]}
    assert drawn != {theorems[index].name for index in split_theorems(dataset_of(*theorems), "theorem", 0.3, 2)[1]}


def test_by_position_the_last_in_the_library_validate():
    theorems = numbered(10)[::-1]
    train, validation = split_theorems(dataset_of(*theorems), "position", 0.3, 0)
    assert min(theorems[index].position for index in validation) > max(theorems[index].position for index in train)
    assert len(validation) == 3


def test_enough_recorded_validation_theorems_are_not_joined_by_others():
    train, validation = split_theorems(dataset_of(*numbered(10, {1, 4, 7})), "theorem", 0.2, 0)
    assert validation.tolist() == [1, 4, 7]
    assert len(train) == 7


def test_a_split_that_all_theorems_are_of_tells_none_apart():
    train, validation = split_theorems(dataset_of(*numbered(10, set(range(10)))), "theorem", 0.2, 0)
    assert (len(train), len(validation)) == (8, 2)
    drawn = split_theorems(dataset_of(*numbered(10)), "theorem", 0.2, 0)[1]
    assert validation.tolist() == drawn.tolist()


@pytest.mark.parametrize("by", ["theorem", "position"])
def test_what_is_known_from_the_beginning_is_not_drawn(by):
    theorems = numbered(20, {3})
    drawn = set(split_theorems(dataset_of(*theorems), by, 0.3, 0)[1].tolist()) - {3}
    known = {theorems[index].name for index in sorted(drawn)[:2]}
    train, validation = split_theorems(dataset_of(*theorems), by, 0.3, 0, known)
    assert len(validation) == 6
    assert 3 in validation
    assert not known & {theorems[index].name for index in validation.tolist()}
    assert drawn - set(validation.tolist()) == {int(name[1:]) for name in known}, "the others are drawn as ever"
    assert sorted([*train, *validation]) == list(range(20))


def test_if_all_is_known_nothing_validates_and_it_is_said():
    with pytest.raises(InputError, match=r"0 validate and 4 are left to train on.*--ebm-start"):
        split_theorems(dataset_of(*numbered(4)), "theorem", 0.3, 0, {f"t{number}" for number in range(4)})


def test_a_theorem_without_a_position_is_named():
    theorems = [*numbered(3), Theorem("lost", "")]
    with pytest.raises(InputError, match="'lost' has no position"):
        split_theorems(dataset_of(*theorems), "position", 0.3, 0)


def test_one_theorem_is_not_enough():
    with pytest.raises(InputError, match=r"prove 1 theorem, .*at least one for each"):
        split_theorems(dataset_of(*numbered(1)), "theorem", 0.2, 0)


def test_a_share_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"1\.5"):
        split_theorems(dataset_of(*numbered(3)), "theorem", 1.5, 0)
