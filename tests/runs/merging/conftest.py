"""Runs of the test prover: a whole one, and the same selection in shards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from proofsearch.config import RunConfig
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search

Search = Callable[..., Path]


@pytest.fixture
def search(fake_prover: object, tmp_path: Path) -> Search:
    """Makes a run folder of a name: of the shard that is given, with further settings."""

    def run(name: str, shard: str | None = None, select: Mapping[str, Any] | None = None, **fields: Any) -> Path:
        fields["options"] = {"local": {"mode": "threads"}, **fields.get("options", {})}
        fields.setdefault("execution", {"workers": 1})
        selection = {"split": "all", "shard": shard, **(select or {})}
        config = RunConfig(**{"env": "fake", "generator": "fake", "scorer": "small", "select": selection, **fields})
        run_search(config, tmp_path / name)
        return tmp_path / name

    return run


@pytest.fixture
def comparable() -> Callable[[Path], dict[str, tuple[TheoremResult, str]]]:
    """A run's results and proofs in order, without what differs between two equal runs: times and random ids."""

    def of(path: Path) -> dict[str, tuple[TheoremResult, str]]:
        folder = RunFolder.open(path)
        return {
            name: (
                dataclasses.replace(result, seconds=0.0, seconds_by_part={}, search_id=""),
                folder.proof(name) if result.proof_file else "",
            )
            for name, result in folder.results().items()
        }

    return of
