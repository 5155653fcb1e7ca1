"""States to rows: independent of the batch, each part encoded once, failures refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_ebm.data.parts import PartEncoder, parts_of

from proofsearch.errors import InputError
from proofsearch.types import Goal, State


def row_lists(parts):
    """The rows of each state, spelt out."""
    return [parts.rows[parts.index[start:end]] for start, end in zip(parts.offsets, parts.offsets[1:], strict=False)]


def test_goals_are_parts_of_their_own_and_equal_goals_count_twice(state):
    assert [part.text for part in parts_of(state("p & q & p"), "goals")] == ["p", "q", "p"]
    assert [part.num_goals for part in parts_of(state("p & q"), "goals")] == [1, 1]
    whole = state("p & q")
    assert parts_of(whole, "state") == (whole,)


def test_parts_end_with_their_theorem_where_it_is_read_with_them(state):
    goals = parts_of(state("p & q"), "goals", "show t")
    assert [part.text for part in goals] == ["p\n# theorem: show t", "q\n# theorem: show t"]
    assert [[goal.text for goal in part.goals] for part in goals] == [["p"], ["q"]]
    (whole,) = parts_of(state("p & q"), "state", "show t")
    assert whole.text == "p & q\n# theorem: show t"
    assert whole.goals == state("p & q").goals


@pytest.mark.parametrize("kind", ["state", "goals"])
@pytest.mark.parametrize("keep", [0, 2, 100])
def test_memory_tells_theorems_apart(letters, state, kind, keep):
    encoder = PartEncoder(letters(), kind, keep, with_theorem=True)
    states = [state("p & q"), state("q")]
    rows = {about: encoder.encode(states, about).rows for about in ("show t", "show u")}
    for about, known in rows.items():
        assert np.array_equal(encoder.encode(states, about).rows, known)
    assert not np.isin(rows["show t"], rows["show u"]).any()


def test_a_theorem_counts_only_where_it_is_asked_for_and_then_must_be_given(letters, state):
    plain, about = PartEncoder(letters(), "goals"), PartEncoder(letters(), "goals", with_theorem=True)
    assert np.array_equal(plain.encode([state("p")], "show t").rows, plain.encode([state("p")]).rows)
    with pytest.raises(ValueError, match="no statement"):
        about.encode([state("p")])


@pytest.mark.parametrize("kind", ["state", "goals"])
@pytest.mark.parametrize("keep", [0, 1, 3, 100])
def test_a_batch_gives_what_single_states_give(letters, state, kind, keep):
    # Would catch padding, order or memory leaking from one state into another.
    texts = ["p & q", "q", "r & q & p", "p & q", "s & s", "q & p", "p"]
    encoder = PartEncoder(letters(), kind, keep)
    fresh = [row_lists(PartEncoder(letters(), kind, 0).encode([state(text)]))[0] for text in texts]
    for _ in range(2):
        batch = row_lists(encoder.encode([state(text) for text in texts]))
        assert all(np.array_equal(one, many) for one, many in zip(fresh, batch, strict=True))
        singles = [row_lists(encoder.encode([state(text)]))[0] for text in texts]
        assert all(np.array_equal(one, many) for one, many in zip(fresh, singles, strict=True))


@given(batches=st.lists(st.lists(st.lists(st.sampled_from("pqrstuv"), min_size=1, max_size=4), max_size=5), max_size=8))
def test_memory_of_any_size_never_mixes_rows_up(letters_once, batches):
    encoder = PartEncoder(letters_once, "goals", 3)
    for batch in batches:
        parts = encoder.encode([State(" & ".join(goals), tuple(map(Goal, goals))) for goals in batch])
        assert len(parts.rows) == len({goal for goals in batch for goal in goals})
        for goals, rows in zip(batch, row_lists(parts), strict=True):
            assert np.array_equal(rows, letters_once.encode([State(goal, (Goal(goal),)) for goal in goals]))


@pytest.fixture(scope="module")
def letters_once(request):
    return _Plain()


class _Plain:
    width = 2

    def encode(self, states):
        return np.array([[ord(state.text[0]), 1] for state in states], np.float32).reshape(-1, 2)

    def fingerprint(self):
        return "plain"

    def close(self):
        pass


def test_a_part_is_encoded_once_while_it_is_remembered(letters, state):
    inner = letters()
    encoder = PartEncoder(inner, "goals", 2)
    encoder.encode([state("p & q & p"), state("q")])
    encoder.encode([state("q & p")])
    assert inner.encoded == ["p", "q"]
    encoder.encode([state("q")])
    encoder.encode([state("r")])  # forgets p, the least recently used
    encoder.encode([state("q"), state("p")])
    assert inner.encoded == ["p", "q", "r", "p"]


def test_no_states_give_no_rows(letters):
    rows, index, offsets = PartEncoder(letters(), "goals").encode([])
    assert rows.shape == (0, 8)
    assert index.shape == (0,)
    assert offsets.tolist() == [0]


@pytest.mark.parametrize("kind", ["state", "goals"])
def test_a_state_without_goals_is_refused(letters, kind):
    # A finished state has no energy; a sum over no parts would call it the best of all, or the worst.
    with pytest.raises(InputError, match="without open goals"):
        PartEncoder(letters(), kind).encode([State("done", ())])


@pytest.mark.parametrize(("value", "found"), [(0.0, "all zeros"), (np.nan, "not finite"), (np.inf, "not finite")])
def test_rows_that_are_no_vectors_are_refused(letters, state, value, found):
    # 14.6% of the embeddings of the model that this one re-creates were zeros that nobody noticed.
    class Failing(letters):
        def encode(self, states):
            rows = super().encode(states)
            rows[-1] = value
            return rows

    with pytest.raises(InputError, match=f"1 of 2 rows.*'q'.*{found}"):
        PartEncoder(Failing(), "goals").encode([state("p & q")])


def test_an_encoder_that_returns_another_shape_is_refused(letters, state):
    class Short(letters):
        def encode(self, states):
            return super().encode(states)[:-1]

    with pytest.raises(InputError, match=r"\(1, 8\).*expected \(2, 8\)"):
        PartEncoder(Short(), "goals").encode([state("p & q")])


def test_what_an_encoder_cannot_read_is_an_input_error(letters, state):
    class Picky(letters):
        def encode(self, states):
            raise ValueError("tree is no preorder")

    with pytest.raises(InputError, match="letters-1: tree is no preorder"):
        PartEncoder(Picky(), "state").encode([state("p")])


def test_the_fingerprint_tells_encoders_kinds_and_what_is_read_apart(letters):
    made = {
        PartEncoder(letters(name), kind, with_theorem=with_theorem).fingerprint()
        for name in ("a", "b")
        for kind in ("state", "goals")
        for with_theorem in (False, True)
    }
    assert len(made) == 8
