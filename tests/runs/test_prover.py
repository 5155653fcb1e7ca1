"""An environment opened by its name, with the check of its proofs."""

from __future__ import annotations

import pytest

from proofsearch import open_prover
from proofsearch.errors import PluginError, UsageError


def test_a_path_is_checked_as_in_a_run() -> None:
    with open_prover("metamath", min_tier="axioms audited") as prover:
        theorem = prover.environment.theorem("id")
        verdict, proof = prover.check(theorem, ("mpd", "ax-1", "ax-1"))
        assert verdict.proved and verdict.tier == "axioms audited"
        assert proof is not None and "id $p |- ( ph -> ph ) $=" in proof
        refused, nothing = prover.check(theorem, ("mpd", "ax-1"))  # which doesn't finish
        assert (refused.proved, nothing) == (False, None)
        assert refused.checker == "metamath proof writer"


def test_a_check_that_goes_less_far_than_wanted_accepts_nothing() -> None:
    with open_prover("metamath", min_tier="second checker") as prover:
        verdict, proof = prover.check(prover.environment.theorem("id"), ("mpd", "ax-1", "ax-1"))
        assert (verdict.proved, proof) == (False, None)
        assert "went as far as axioms audited" in verdict.message


def test_what_cant_be_opened_is_named() -> None:
    with pytest.raises(PluginError, match=r"no environment is named 'metamat'.*did you mean 'metamath'"):
        open_prover("metamat")
    with pytest.raises(UsageError, match=r"options.metamath.databas.*did you mean 'database'"):
        open_prover("metamath", {"metamath": {"databas": "x.mm"}})
    with pytest.raises(UsageError, match=r"options\.lean"):
        open_prover("metamath", {"lean": {"file": "x.lean"}})
    with pytest.raises(UsageError, match="min_tier"):
        open_prover("metamath", min_tier="some")
