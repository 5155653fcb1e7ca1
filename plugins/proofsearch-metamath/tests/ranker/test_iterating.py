"""Expert iteration of the ranker, end to end: searches, found proofs, folds, and going on with weights."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.ranker.folds import read_folds
from proofsearch_metamath.ranker.weights import load_weights

from proofsearch.config import IterateConfig, LimitConfig, SearchConfig
from proofsearch.protocols.events import Event, Progressed
from proofsearch.runs import RunFolder
from proofsearch.training.expert_iteration import iterate

pytest.importorskip("torch")

SMALL = {
    "folds": 2,
    "max_proof": 3,
    "max_examples": 800,
    "validation_examples": 50,
    "epochs": 1,
    "batch": 32,
    "negatives": 8,
    "width": 8,
    "rows": 256,
    "processes": 1,
}


def test_the_policy_is_searched_with_and_trained_on_in_rounds(
    prefix: MetamathEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(prefix._cache))
    config = IterateConfig(
        plugin="metamath-ranker",
        generator="metamath-ranker",
        rounds=2,
        theorems=6,
        validation=4,
        search=SearchConfig(limit=LimitConfig(expansions=8)),
        options={"metamath-ranker": SMALL, "local": {"mode": "threads"}},
    )
    said: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Progressed):
            said.extend(event.report.messages)

    out = tmp_path / "out"
    rows = iterate(config, out, on_event=listen).rounds
    first = out / "round-0/checkpoint"
    assert [row.searched for row in rows] == [6, 6]
    assert rows[0].proved > 0, "the weights that come along have learnt these"
    assert RunFolder.open(out / "round-0/search").config.options["metamath-ranker"]["path"] is None
    assert RunFolder.open(out / "round-1/search").config.options["metamath-ranker"]["path"] == str(first)
    kept = tomllib.loads((out / "round-1/checkpoint/train.toml").read_text())
    assert kept["options"]["metamath-ranker"]["start"] == str(first)
    assert len(kept["trajectories"]) == 2
    assert read_folds(first) is not None
    for name in ("fold-0", "fold-1", "whole"):
        before, after = (load_weights(out / f"round-{number}/checkpoint" / name) for number in (0, 1))
        assert after.manifest.metrics["validation_loss"] <= before.manifest.metrics["validation_loss"] * 1.01
        assert after.learnt == before.learnt
    assert any(message.startswith(f"searches proved {rows[0].proved} training theorems") for message in said)
