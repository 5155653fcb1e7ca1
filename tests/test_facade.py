"""The verbs that ``proofsearch`` itself has: lazy, and the same functions as where they live."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import proofsearch
from proofsearch import evaluate, resume_search, run_search, search, train, verify
from proofsearch.config import LimitConfig, RunConfig, SearchConfig, SelectionConfig

VERBS = ("evaluate", "open_prover", "resume_search", "run_search", "search", "train", "verify")


def test_nothing_is_imported_before_a_verb_is_used() -> None:
    """Catches a ``--help`` that becomes as slow as what it describes; also a verb hidden behind a module's name."""
    code = (
        "import sys, proofsearch\n"
        "assert not {'numpy', 'pydantic', 'pyarrow', 'torch'} & sys.modules.keys(), sys.modules.keys()\n"
        f"for verb in {VERBS!r}:\n"
        "    import proofsearch.engine.loop, proofsearch.runs.run, proofsearch.training, proofsearch.evaluation\n"
        "    assert callable(getattr(proofsearch, verb)) and verb in dir(proofsearch), verb\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_no_verb_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'prove'"):
        proofsearch.prove  # noqa: B018


def test_a_run_with_verbs_alone(tmp_path: Path) -> None:
    """The Python way in, as the documentation shows it."""
    search_config = SearchConfig(limit=LimitConfig(expansions=8))
    config = RunConfig(select=SelectionConfig(theorems=("a1i", "id")), search=search_config)
    summary = run_search(config, tmp_path / "run")
    assert summary.proved == 2
    assert resume_search(tmp_path / "run").proved == 2
    assert not verify(tmp_path / "run", workers=1).refused
    assert evaluate([tmp_path / "run"]).runs[0].proved == 2
    assert callable(search) and callable(train)
