"""How far checks go: the scale, what a run asks for, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proofsearch.config import LimitConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.protocols.results import TheoremResult
from proofsearch.runs.checking import require_tier
from proofsearch.runs.results import from_line, to_line
from proofsearch.runs.run import run_search
from proofsearch.runs.tiers import count_tiers, tiers_in_words
from proofsearch.runs.verification import verify_run
from proofsearch.types import TIERS, Verdict, reaches

ACCEPTED = Verdict(True, "checker 1", tier="kernel")


@pytest.mark.parametrize("minimum", TIERS)
def test_a_tier_reaches_itself_and_what_is_before_it(minimum: str) -> None:
    """Catches a scale that is upside down, and an unstated tier that passes."""
    assert [tier for tier in TIERS if reaches(tier, minimum)] == list(TIERS[TIERS.index(minimum) :])
    assert not reaches("", minimum)


def test_what_does_not_go_far_enough_is_refused_with_its_reason() -> None:
    assert require_tier(ACCEPTED, None) is ACCEPTED
    assert require_tier(ACCEPTED, "replayed") is ACCEPTED
    refused = require_tier(ACCEPTED, "axioms audited")
    assert not refused.proved
    assert "kernel" in refused.message and "--min-tier" in refused.message
    assert "does not state" in require_tier(Verdict(True, "c"), "replayed").message
    before = Verdict(False, "c", "wrong")
    assert require_tier(before, "kernel") is before


def test_tiers_are_counted_the_furthest_first() -> None:
    verdicts = [Verdict(True, "c"), ACCEPTED, ACCEPTED, Verdict(True, "c", tier="second checker"), None]
    verdicts.append(Verdict(False, "c", "no"))
    counts = count_tiers(verdicts)
    assert counts == {"second checker": 1, "kernel": 2, "not stated": 1}
    assert tiers_in_words(counts) == "1 second checker, 2 kernel, 1 not stated"


def test_results_of_before_have_no_tier() -> None:
    """Catches run folders that can't be read any more."""
    line = json.loads(to_line(TheoremResult("t", "proved", ACCEPTED)))
    assert from_line(json.dumps(line).encode()).verdict == ACCEPTED
    del line["verdict"]["tier"]
    found = from_line(json.dumps(line).encode()).verdict
    assert found is not None and found.tier == ""


def test_a_run_can_ask_for_a_tier(tmp_path: Path) -> None:
    """Catches a minimum that the search, or the check of its files, doesn't look at."""
    config = RunConfig(
        select=SelectionConfig(theorems=("a1i",)),
        search=SearchConfig(limit=LimitConfig(expansions=8)),
        trajectories=False,
    )
    summary = run_search(config.model_copy(update={"min_tier": "axioms audited"}), tmp_path / "enough")
    (result,) = summary.results.values()
    assert result.verdict is not None and result.verdict.tier == "axioms audited"
    summary = run_search(config.model_copy(update={"min_tier": "second checker"}), tmp_path / "more")
    (result,) = summary.results.values()
    assert (summary.proved, result.refused > 0) == (0, True)
    settings = tmp_path / "enough" / "config.toml"
    assert 'min_tier = "axioms audited"' in settings.read_text(encoding="utf-8")
    (verdict,) = verify_run(tmp_path / "enough", workers=1).verdicts.values()
    assert (verdict.proved, verdict.tier) == (True, "axioms audited")
