"""Would catch: a feature that measures something else, rows that hang on the batch, fingerprints that miss a change."""

from __future__ import annotations

from math import log
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from proofsearch.builtins.encoders import context
from proofsearch.builtins.encoders.context import (
    GOAL_FEATURES,
    NUM_FEATURES,
    STATE_FEATURES,
    ContextConfig,
    ContextEncoder,
    make_context,
)
from proofsearch.builtins.encoders.hashed import HashedConfig, HashedEncoder
from proofsearch.types import THEOREM_LINE, Goal, State

SUM, MAX, MIN, FIRST = range(4)


def state(*goals: str, lines: tuple[str, ...] = ()) -> State:
    """A state as Metamath writes it: its goals, then its other lines."""
    return State("\n".join([*goals, *lines]), tuple(map(Goal, goals)))


def measured(given: State, **options: str) -> tuple[dict[str, float], list[dict[str, float]]]:
    """The features of the state by name, and of its goals summed, largest, least and of the first one."""
    row = ContextEncoder(ContextConfig.model_validate(options)).encode([given])[0].tolist()
    blocks = [row[start : start + len(GOAL_FEATURES)] for start in range(len(STATE_FEATURES), NUM_FEATURES, 16)]
    return (
        dict(zip(STATE_FEATURES, row, strict=False)),
        [dict(zip(GOAL_FEATURES, block, strict=True)) for block in blocks],
    )


SMALL = state(
    "|- ( a -> &1 )",
    "|- b",
    lines=("$e |- ( a -> b )", f"{THEOREM_LINE}|- ( c -> b )"),
)
FIRST_GOAL = {
    "tokens": log(7),
    "nesting": log(2),
    "constants": log(6),
    "unknowns": 1,
    "open": 1,
    "bare": 0,
    "unknown_share": 1 / 6,
    "hypothesis_tokens": 5 / 6,
    "hypothesis_pairs": 3 / 5,  # |- (   ( a   a ->
    "hypothesis_start": 4 / 6,
    "hypothesis_end": 1 / 6,
    "theorem_tokens": 4 / 7,  # |- ( -> ) of these, a, c and b
    "theorem_pairs": 1 / 5,
    "known_share": 1,
    "strange": 0,
    "known_pairs": 3 / 5,
}
SECOND_GOAL = dict.fromkeys(GOAL_FEATURES, 0.0) | {
    "tokens": log(3),
    "constants": log(3),
    "hypothesis_tokens": 2 / 6,
    "hypothesis_start": 1 / 2,
    "theorem_tokens": 2 / 6,
    "known_share": 1,
}


def test_features_of_a_small_state_by_hand() -> None:
    of_state, goals = measured(SMALL)
    assert of_state == pytest.approx(
        {
            "log_goals": log(3),
            "goals": 2,
            "log_tokens": log(9),
            "unknowns": 1,
            "shared_unknowns": 0,
            "repeated": 0,
            "hypotheses": log(2),
            "used_pairs": 3 / 5,
        }
    )
    pairs = {name: (FIRST_GOAL[name], SECOND_GOAL[name]) for name in GOAL_FEATURES}
    assert goals[FIRST] == pytest.approx(FIRST_GOAL)
    assert goals[SUM] == pytest.approx({name: sum(pair) for name, pair in pairs.items()})
    assert goals[MAX] == pytest.approx({name: max(pair) for name, pair in pairs.items()})
    assert goals[MIN] == pytest.approx({name: min(pair) for name, pair in pairs.items()})


def test_the_best_hypothesis_counts_and_blank_lines_are_none() -> None:
    given = state("|- p q", lines=("$e |- r", "", "$e |- p s", "$e x p q"))
    of_state, (goal, *_) = measured(given)
    assert of_state["hypotheses"] == pytest.approx(log(4))
    assert goal["hypothesis_tokens"] == pytest.approx(2 / 4)  # of |- p s, and of x p q: |- p q and one more
    assert goal["hypothesis_pairs"] == pytest.approx(1 / 2)
    assert goal["hypothesis_start"] == pytest.approx(2 / 3)  # of |- p s
    assert goal["hypothesis_end"] == pytest.approx(2 / 3)  # of x p q


def test_side_conditions_are_no_hypotheses() -> None:
    with_condition = state("|- p x", "|- q", lines=("$d x y", "$e |- p y"))
    assert measured(with_condition) == measured(state("|- p x", "|- q", lines=("$e |- p y",)))
    assert measured(with_condition)[0]["hypotheses"] == pytest.approx(log(2))


def test_a_goal_that_speaks_of_other_things_than_its_theorem_is_strange() -> None:
    (goal, *_) = measured(state("|- p z y", lines=(f"{THEOREM_LINE}|- p",)))[1]
    assert goal["strange"] == 2
    assert goal["known_share"] == pytest.approx(2 / 4)
    assert goal["theorem_pairs"] == goal["known_pairs"] == pytest.approx(1 / 3)


def test_deepest_nesting_survives_what_is_closed_and_what_never_opens() -> None:
    assert measured(state("( ( a ) ) ( b )"))[1][FIRST]["nesting"] == pytest.approx(log(3))
    assert measured(state(") ( a )"))[1][FIRST]["nesting"] == pytest.approx(0, abs=1e-6)


# ------------------------------------------------------------------------------------------------------------ unknowns


def test_unknowns_are_counted_shared_and_told_from_constants() -> None:
    of_state, goals = measured(state("|- ( &1 = ?2 )", "|- &1", "|- &1"))
    assert of_state["unknowns"] == 2
    assert of_state["shared_unknowns"] == 2  # &1 occurs in two goals beyond the first
    assert of_state["repeated"] == 1
    assert goals[SUM]["unknowns"] == 4
    assert goals[SUM]["bare"] == 2
    assert goals[MAX]["unknown_share"] == pytest.approx(1 / 2)
    assert goals[MIN]["unknown_share"] == pytest.approx(1 / 3)
    assert goals[FIRST]["strange"] == 4  # |- ( = ): nothing is known here


def test_what_begins_an_unknown_can_be_said() -> None:
    given = state("|- %x &1")
    assert measured(given, unknowns="%")[0]["unknowns"] == 1
    assert measured(given, unknowns="%&")[0]["unknowns"] == 2
    assert measured(given, unknowns="!")[1][FIRST]["open"] == 0


# -------------------------------------------------------------------------------------------------------- Lean's way


def test_what_stands_before_a_turnstile_is_a_hypothesis() -> None:
    goal = "h : p\nk : q\n⊢ p ∧ ?m"
    given = State(f"{goal}\n{THEOREM_LINE}⊢ p", (Goal(goal),))
    of_state, goals = measured(given)
    assert of_state["hypotheses"] == pytest.approx(log(3))
    assert of_state["unknowns"] == 1
    assert goals[FIRST]["tokens"] == pytest.approx(log(11))
    # h : p, of the constants h : p k q ⊢ ∧
    assert goals[FIRST]["hypothesis_tokens"] == pytest.approx(3 / 7)
    assert goals[FIRST]["theorem_tokens"] == pytest.approx(2 / 7)
    assert goals[FIRST]["strange"] == 1  # ∧


def test_hypotheses_that_two_goals_share_count_once() -> None:
    one, two = "h : p\n⊢ p", "h : p\nk : q\n⊢ q"
    of_state, _ = measured(State(f"{one}\n\n{two}", (Goal(one), Goal(two))))
    assert of_state["hypotheses"] == pytest.approx(log(3))


# ------------------------------------------------------------------------------------------------- batches, memories

LINES = st.lists(st.sampled_from(["|-", "$e", "(", ")", "p", "q", "&1", "?m", "⊢", ":"]), max_size=6).map(" ".join)
STATES = st.builds(
    lambda goals, lines, theorem: state(*goals, lines=(*lines, f"{THEOREM_LINE}{theorem}")),
    st.lists(LINES, min_size=1, max_size=4),
    st.lists(LINES, max_size=3),
    LINES,
)


@given(st.lists(STATES, min_size=1, max_size=6), st.sampled_from([0, 32]))
def test_a_batch_is_encoded_as_its_states_are_alone(states: list[State], hashed: int) -> None:
    config = ContextConfig(hashed=hashed)
    encoder = ContextEncoder(config)
    together = encoder.encode(states)
    assert together.dtype == np.float32
    assert together.shape == (len(states), encoder.width)
    for row, single in zip(together, states, strict=True):
        assert np.array_equal(ContextEncoder(config).encode([single])[0], row)
        assert np.array_equal(encoder.encode([single])[0], row)
    assert np.isfinite(together).all()
    assert together.any(axis=1).all()


def test_a_goal_under_another_theorem_is_measured_anew() -> None:
    # Would catch a memory of goals that forgets what they were compared with.
    encoder = ContextEncoder(ContextConfig())
    one, other = (state("|- p q", lines=(f"{THEOREM_LINE}{about}",)) for about in ("|- p", "|- q p"))
    rows = encoder.encode([one, other, one])
    assert np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])


@pytest.mark.parametrize("name", ["_CONTEXTS_KEPT", "_GOALS_KEPT"])
def test_what_is_forgotten_does_not_show(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    states = [SMALL, state("|- b"), state("|- b", "|- c", "|- b"), state("|- b", lines=("$e |- b",)), SMALL]
    expected = ContextEncoder(ContextConfig()).encode(states)
    monkeypatch.setattr(context, name, 1)
    encoder = ContextEncoder(ContextConfig())
    for _ in range(2):
        assert np.array_equal(encoder.encode(states), expected)


def test_no_states_give_no_rows() -> None:
    assert ContextEncoder(ContextConfig()).encode([]).shape == (0, NUM_FEATURES)
    assert ContextEncoder(ContextConfig(hashed=32)).encode([]).shape == (0, NUM_FEATURES + 32)


def test_a_state_without_goals_is_refused() -> None:
    with pytest.raises(ValueError, match="without goals"):
        make_context(ContextConfig(), SimpleNamespace()).encode([State("odd", ())])


# -------------------------------------------------------------------------------------------- columns and fingerprint


def test_hashed_columns_are_those_of_the_encoder_hashed() -> None:
    rows = ContextEncoder(ContextConfig(hashed=40)).encode([SMALL, state("|- b")])
    assert np.array_equal(rows[:, :NUM_FEATURES], ContextEncoder(ContextConfig()).encode([SMALL, state("|- b")]))
    assert np.array_equal(rows[:, NUM_FEATURES:], HashedEncoder(HashedConfig(width=40)).encode([SMALL, state("|- b")]))


@pytest.mark.parametrize("width", [-1, 1, 15])
def test_hashed_columns_are_none_or_enough(width: int) -> None:
    with pytest.raises(ValidationError, match="hashed"):
        ContextConfig(hashed=width)


CHANGES: list[dict[str, object]] = [{"hashed": 32}, {"unknowns": "%"}]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_every_option_changes_rows_and_fingerprint(change: dict[str, object]) -> None:
    base, other = (ContextEncoder(ContextConfig.model_validate(options)) for options in ({}, change))
    assert not np.array_equal(base.encode([SMALL]), other.encode([SMALL]))
    assert base.fingerprint() == ContextEncoder(ContextConfig()).fingerprint() != other.fingerprint()


def test_options_are_all_covered() -> None:
    assert set(ContextConfig.model_fields) == {name for change in CHANGES for name in change}


def test_versions_change_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, hashed = ContextEncoder(ContextConfig()), ContextEncoder(ContextConfig(hashed=32))
    before = plain.fingerprint(), hashed.fingerprint()
    monkeypatch.setattr("proofsearch.builtins.encoders.hashed.FEATURES_VERSION", -1)
    assert (plain.fingerprint() == before[0], hashed.fingerprint() == before[1]) == (True, False)
    monkeypatch.setattr(context, "_LAYOUT_VERSION", context._LAYOUT_VERSION + 1)
    assert plain.fingerprint() != before[0]
