"""Would catch: shorter proofs that the ranker's trainer doesn't learn in the place of the library's."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.ranker.collecting import Collector, count_uses
from proofsearch_metamath.ranker.config import RankerTrainerConfig
from proofsearch_metamath.ranker.found import found_proofs

from proofsearch.config import RunConfig
from proofsearch.runs import RunFolder
from proofsearch.runs.minimising.run import minimise_run
from proofsearch.runs.minimising.worker import Bounds
from proofsearch.runs.run import run_search

pytest.importorskip("torch")

THEOREMS = ("con3", "mercolem2")
"""Of the split ``train``; an earlier theorem proves the second at once, which takes the library more than ten steps."""


def test_a_run_along_the_librarys_proofs_teaches_shorter_ones_once_it_is_minimised(
    prefix: MetamathEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFSEARCH_CACHE_DIR", str(prefix._cache))
    config = RunConfig.model_validate(
        {
            "generator": "demonstrated",
            "scorer": "demonstration",
            "select": {"theorems": THEOREMS},
            "search": {"candidates": 1, "priority": {"kind": "value"}, "limit": {"expansions": 32}},
            "execution": {"workers": 1},
            "options": {"demonstrated": {"generator": "metamath-ranker"}, "local": {"mode": "threads"}},
        }
    )
    assert run_search(config, tmp_path / "run").proved == len(THEOREMS)
    minimise_run(tmp_path / "run", tmp_path / "short", Bounds(expansions=0), workers=1)
    lengths = [len(RunFolder.open(tmp_path / "short").results()[name].tactics) for name in THEOREMS]
    assert lengths == [1, 1]
    theorems = [prefix.theorem(name) for name in THEOREMS]

    def learnt(run: Path) -> tuple[int, int]:
        """How many of the proofs are learnt in the place of the library's, and all steps that are learnt."""
        found = found_proofs([run], set(THEOREMS))
        settings = RankerTrainerConfig(processes=1).sized(len(theorems))
        collector = Collector(prefix, settings, count_uses(prefix.library, theorems, found), 0, found)
        steps = len(collector.collect(theorems, lambda *_: None))
        return collector.shorter, steps

    shorter, steps = learnt(tmp_path / "run")
    assert shorter == 0 and steps > 10
    assert learnt(tmp_path / "short") == (1, sum(lengths))
