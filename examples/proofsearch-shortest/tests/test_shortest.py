"""The scorer by itself: no prover is needed."""

from __future__ import annotations

import pytest
from proofsearch_shortest.scorer import ShortestConfig, ShortestScorer, make_shortest

from proofsearch import Goal, State, Theorem, Tree
from proofsearch.protocols import ScoreRequest
from proofsearch.testing import Sample, check_scorer


def value(config: ShortestConfig, *goals: Goal) -> float | None:
    state = State(" ; ".join(goal.text for goal in goals), goals)
    (found,) = ShortestScorer(config).score([ScoreRequest(Theorem("t", ""), state, 0, 0.0, 1)])
    return found


SMALL = Goal("p")
LARGE = Goal("( p -> ( q -> p ) )")


@pytest.mark.parametrize(("measure", "expected"), [("sum", -10.0), ("largest", -9.0)])
def test_goals_are_measured_as_asked(measure: str, expected: float) -> None:
    config = ShortestConfig.model_validate({"measure": measure, "goal_cost": 0.0})
    assert value(config, SMALL, LARGE) == expected


def test_a_goal_costs_what_the_option_says() -> None:
    assert value(ShortestConfig(goal_cost=5.0), SMALL, SMALL) == -12.0


def test_a_tree_counts_symbols() -> None:
    implication = Goal("p implies q", Tree(("->", "p", "q"), (2, 0, 0)))
    assert value(ShortestConfig(goal_cost=0.0), implication) == -3.0


@pytest.mark.parametrize("measure", ["sum", "largest"])
def test_it_conforms(measure: str) -> None:
    config = ShortestConfig.model_validate({"measure": measure})
    theorem = Theorem("t", "")
    small, large = (Sample(theorem, State(goal.text, (goal,))) for goal in (SMALL, LARGE))
    check_scorer(make_shortest, config, better=[(small, large)])
