"""Which theorems a run is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakeprover import FakeConfig, FakeEnvironment

from proofsearch.config import SelectionConfig
from proofsearch.errors import InputError, UsageError
from proofsearch.runs.selection import select


def names(environment: FakeEnvironment, seed: int = 0, **config: Any) -> list[str]:
    return [theorem.name for theorem in select(environment, SelectionConfig(**config), seed).theorems]


def prover(**config: Any) -> FakeEnvironment:
    return FakeEnvironment(FakeConfig(**config), None)


def test_named_theorems_come_in_the_librarys_order_each_once(tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("# what I want\n\n  reach-1  # a comment\nreach-9\n")
    chosen = names(prover(), theorems=("reach-9", "reach-4"), file=str(file))
    assert chosen == ["reach-1", "reach-4", "reach-9"]


def test_nothing_said_means_fifty_of_the_test_split() -> None:
    chosen = select(prover(size=300), SelectionConfig(), seed=0)
    assert chosen.is_default
    assert (chosen.config.split, chosen.config.limit, len(chosen.theorems)) == ("test", 50, 50)
    assert {theorem.split for theorem in chosen.theorems} == {"test"}


def test_nothing_said_to_an_environment_without_splits_means_fifty_of_all() -> None:
    chosen = select(prover(size=300, splits=False), SelectionConfig(), seed=0)
    assert (chosen.config.split, len(chosen.theorems)) == ("all", 50)


def test_a_split_is_taken_whole() -> None:
    assert len(names(prover(size=300), split="test")) == 150
    assert len(names(prover(size=300), split="all")) == 300


def test_a_limit_draws_by_the_seed_in_order_and_smaller_ones_are_within_larger_ones() -> None:
    environment = prover(size=300)
    drawn = names(environment, split="all", limit=20)
    everything = names(environment, split="all")
    assert drawn == [name for name in everything if name in drawn]
    assert drawn == names(environment, split="all", limit=20)
    assert drawn != names(environment, split="all", limit=20, seed=1)
    assert drawn != everything[:20]
    assert set(names(environment, split="all", limit=5)) < set(drawn)


def test_a_shuffled_selection_is_the_same_theorems_in_an_order_of_the_seed() -> None:
    environment = prover(size=300)
    shuffled = names(environment, split="all", shuffle=True)
    assert shuffled != names(environment, split="all")
    assert sorted(shuffled) == sorted(names(environment, split="all"))
    assert (
        shuffled
        == names(environment, split="all", shuffle=True)
        != names(environment, split="all", shuffle=True, seed=1)
    )
    # A limit takes the first of that order, so that what a smaller run searched is how a larger one begins.
    assert names(environment, split="all", shuffle=True, limit=20) == shuffled[:20]


@pytest.mark.parametrize(
    ("environment", "config", "message"),
    [
        ({}, {"theorems": ("reach-1",), "split": "test"}, "exclude each other"),
        ({}, {"theorems": ("reach",)}, "no theorem 'reach' here"),
        ({"size": 1}, {"split": "test"}, r"no theorem is in the split 'test'; this environment has: train \(1\)"),
        ({"splits": False}, {"split": "train"}, "doesn't split its theorems; use --split all"),
        ({"size": 0}, {}, "no theorem at all"),
    ],
)
def test_what_cant_be_selected_says_why(environment: Any, config: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        names(prover(**environment), **config)


def test_a_files_faults_are_named_with_their_place(tmp_path: Path) -> None:
    file = tmp_path / "names"
    with pytest.raises(InputError, match="names: can't be read: No such file"):
        names(prover(), file=str(file))
    file.write_text("reach-1\nreach-x\n")
    with pytest.raises(UsageError, match="names:2: no theorem 'reach-x' here"):
        names(prover(), file=str(file))
    file.write_text("# nothing\n")
    with pytest.raises(UsageError, match="names: no theorem is named in it"):
        names(prover(), file=str(file))
    file.write_bytes(b"\xff\xff")
    with pytest.raises(InputError, match="names: not UTF-8 at byte 0"):
        names(prover(), file=str(file))


@pytest.mark.parametrize("config", [{}, {"split": "train"}, {"split": "all", "limit": 31}, {"shuffle": True}])
def test_shards_are_parts_of_what_is_selected(config: Any) -> None:
    environment = prover(size=300)
    everything = names(environment, **config)
    parts = [names(environment, shard=f"{number}/4", **config) for number in range(1, 5)]
    assert [parts[place % 4][place // 4] for place in range(len(everything))] == everything
    wholes = {select(environment, SelectionConfig(shard=f"{n}/4", **config), 0).whole for n in range(1, 5)}
    assert wholes == {select(environment, SelectionConfig(**config), 0).whole}


def test_selections_of_other_theorems_are_other_wholes() -> None:
    environment = prover(size=300)
    wholes = [select(environment, SelectionConfig(split="all", limit=20, shard="1/4"), seed).whole for seed in (0, 1)]
    assert wholes[0].theorems == wholes[1].theorems == 20
    assert wholes[0].sha256 != wholes[1].sha256


def test_an_empty_shard_is_refused_with_the_number_of_theorems() -> None:
    with pytest.raises(
        UsageError, match="the shard 4/5 is empty: 3 theorems are selected; take at most so many shards"
    ):
        names(prover(), split="all", limit=3, shard="4/5")
