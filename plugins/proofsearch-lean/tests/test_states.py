"""Goals as states."""

from __future__ import annotations

from proofsearch_lean.states import Way, state_of

from proofsearch import Goal

WAY = Way(None, ())


def test_the_text_is_what_lean_prints() -> None:
    goals = ["case inl\np q : Prop\nh✝ : p\n⊢ q ∨ p", "case inr\np q : Prop\nh✝¹ h✝ : q\n⊢ q ∨ p"]
    state = state_of(goals, WAY)
    assert state.text == state.key == "\n\n".join(goals)
    assert state.goals == tuple(map(Goal, goals))
    assert state.num_goals == 2


def test_metavariables_are_numbered_as_they_are_met() -> None:
    one = state_of(["⊢ ?m.17 < ?m.203", "⊢ ?m.203 < ?u.5 ∧ ?w = ?m.17.1"], WAY)
    other = state_of(["⊢ ?m.3 < ?m.4", "⊢ ?m.4 < ?u.77 ∧ ?w = ?m.3.1"], WAY)
    assert one.text == other.text == "⊢ ?m.1 < ?m.2\n\n⊢ ?m.2 < ?u.3 ∧ ?w = ?m.1.1"
    assert one == other
    assert state_of(["⊢ ?m.3 < ?m.3"], WAY) != state_of(["⊢ ?m.3 < ?m.4"], WAY)


def test_named_metavariables_and_projections_stay() -> None:
    text = "⊢ ?x.1 = ?refine_1 ∧ a.12 = 3"
    assert state_of([text], WAY).text == text
