"""Which theorems episodes are about."""

from __future__ import annotations

from random import Random

import pytest
from proofsearch_rl.episode import Episode
from proofsearch_rl.theorems import begin_one, theorem_names

from proofsearch.errors import UsageError
from proofsearch.runs.prover import Prover


def test_theorems_of_a_split_and_by_name(prover: Prover) -> None:
    environment = prover.environment
    splits = {split: theorem_names(environment, split) for split in ("train", "validation", "test", "all")}
    assert splits["all"] == tuple(theorem.name for theorem in environment.theorems())
    assert len(splits["all"]) == sum(len(splits[split]) for split in ("train", "validation", "test"))
    assert theorem_names(environment, "train", ["zero-4", "zero-1"]) == ("zero-4", "zero-1")
    for split, names in (("nonsense", ()), ("train", ("zero-x",))):
        with pytest.raises(UsageError):
            theorem_names(environment, split, names)


def test_a_seed_draws_the_same_theorem(prover: Prover) -> None:
    names = theorem_names(prover.environment)
    with Episode(prover) as episode:
        drawn = [begin_one(episode, names, Random(seed).randrange).theorem for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


def test_theorems_that_are_closed_at_once_are_passed_over() -> None:
    closed = [False, True, True]

    class Closed:
        def reset(self, theorem: str) -> object:
            return type("Turn", (), {"done": closed.pop()})()

    assert not begin_one(Closed(), ["a"], lambda most: 0).done  # type: ignore[arg-type]
    assert not closed
    closed += [True] * 200
    with pytest.raises(UsageError, match="100 theorems were drawn"):
        begin_one(Closed(), ["a"], lambda most: 0)  # type: ignore[arg-type]
