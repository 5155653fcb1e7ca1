"""Turns survive being sent."""

from __future__ import annotations

import json

import pytest
from proofsearch_rl.turn import ADVANCED, PROVED, REFUSED, Turn, from_json

from proofsearch import Verdict

TURNS = [
    Turn("a", "s", "t", 1, 2, ADVANCED),
    Turn("a", "s", "t", 1, 64, ADVANCED, truncated=True),
    Turn("a", "s", "", 0, 2, PROVED, reward=1.0, terminated=True, verdict=Verdict(True, "c", "", ("ax",), "kernel")),
    Turn("a", "s", "t", 1, 64, REFUSED, "why", truncated=True, verdict=Verdict(False, "c", "why")),
]


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: turn.outcome)
def test_a_turn_comes_back_as_it_was(turn: Turn) -> None:
    sent = json.loads(json.dumps(turn.to_json()))
    assert from_json(sent) == turn
    assert set(sent) == {"observation", "reward", "done"}
