"""Would catch: vectors that hang on the batch, options that do nothing, fingerprints that miss a change, zero rows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsearch.builtins.encoders import hashed
from proofsearch.builtins.encoders.hashed import HashedConfig, HashedEncoder, make_hashed
from proofsearch.types import Goal, ProofState, State, Tree

TEXTS = st.text(alphabet="ab()⊢ ?'.", max_size=30)
TREES = st.sampled_from(
    [None, Tree(("f", "a", "a"), (2, 0, 0)), Tree(("a",), (0,)), Tree(("f", "g", "b", "?c"), (2, 1, 0, 0))]
)
STATES = st.lists(st.builds(Goal, TEXTS, TREES), min_size=1, max_size=4).map(
    lambda goals: State(" | ".join(goal.text for goal in goals), tuple(goals))
)
SMALL = HashedConfig(width=32)


def state(*goals: Goal) -> ProofState:
    return State("s", goals)


ONE = Goal("a b (a ⊢ c", Tree(("f", "g", "a", "a"), (2, 1, 0, 0)))
TWO = Goal("d = d", Tree(("wceq", "d", "d"), (2, 0, 0)))
MANY = [state(ONE, TWO), state(ONE), state(TWO, ONE), state(Goal("", None))]


@given(st.lists(STATES, min_size=1, max_size=6), st.booleans(), st.booleans())
def test_a_batch_is_encoded_as_its_states_are_alone(states: list[State], signed: bool, normalize: bool) -> None:
    encoder = HashedEncoder(HashedConfig(width=40, signed=signed, normalize=normalize))
    together = encoder.encode(states)
    assert together.dtype == np.float32
    assert together.shape == (len(states), encoder.width)
    for row, single in zip(together, states, strict=True):
        assert np.array_equal(encoder.encode([single])[0], row)
    assert np.isfinite(together).all()
    assert together.any(axis=1).all()


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = HashedEncoder(SMALL).encode(MANY * 3)
    monkeypatch.setattr(hashed, "_CHUNK", 5)
    assert np.array_equal(HashedEncoder(SMALL).encode(MANY * 3), whole)
    assert HashedEncoder(SMALL).encode([]).shape == (0, 32)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 33},
        {"use_trees": False},
        {"signed": False},
        {"goals": "first"},
        {"positions": False},
        {"sublinear": False},
        {"normalize": False},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_option_changes_vectors_and_fingerprint(change: dict[str, object]) -> None:
    base, other = HashedEncoder(SMALL), HashedEncoder(SMALL.model_copy(update=change))
    assert not np.array_equal(base.encode(MANY), other.encode(MANY))
    assert base.fingerprint() != other.fingerprint()


def test_options_are_all_covered() -> None:
    assert set(HashedConfig.model_fields) == {
        "width",
        "use_trees",
        "signed",
        "goals",
        "positions",
        "sublinear",
        "normalize",
    }


@pytest.mark.parametrize("name", ["FEATURES_VERSION", "_LAYOUT_VERSION"])
def test_versions_change_the_fingerprint(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = HashedEncoder(SMALL).fingerprint()
    assert before == HashedEncoder(HashedConfig(width=32)).fingerprint()
    monkeypatch.setattr(hashed, name, getattr(hashed, name) + 1)
    assert HashedEncoder(SMALL).fingerprint() != before


def test_the_last_columns_are_norm_and_goal_count() -> None:
    plain = HashedEncoder(HashedConfig(width=64, normalize=False)).encode(MANY)
    scaled = HashedEncoder(HashedConfig(width=64)).encode(MANY)
    norms = np.linalg.norm(plain[:, :-2], axis=1)
    assert np.allclose(np.linalg.norm(scaled[:, :-2], axis=1), 1.0, atol=1e-6)
    for vectors in (plain, scaled):
        assert np.allclose(vectors[:, -2], np.log1p(norms) / 4, atol=1e-6)
        assert np.allclose(vectors[:, -1], np.log1p([2, 1, 2, 1]) / 4)


def test_the_first_goal_is_told_from_the_others() -> None:
    apart = HashedEncoder(SMALL).encode(MANY)
    assert not np.allclose(apart[0], apart[2])
    mixed = HashedEncoder(HashedConfig(width=32, positions=False)).encode(MANY)
    assert np.allclose(mixed[0], mixed[2], atol=1e-6)
    first = HashedEncoder(HashedConfig(width=32, goals="first")).encode(MANY)
    assert np.array_equal(first[0, :-1], first[1, :-1])
    assert first[0, -1] != first[1, -1]


def test_vectors_tell_states_apart_by_similarity() -> None:
    near, far = state(Goal("", Tree(("f", "g", "a", "b"), (2, 1, 0, 0)))), state(TWO)
    vectors = HashedEncoder(HashedConfig(width=1024)).encode([state(ONE), near, far])[:, :-2]
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_a_state_without_goals_is_refused() -> None:
    with pytest.raises(ValueError, match="without goals"):
        make_hashed(SMALL, SimpleNamespace()).encode([State("odd", ())])
