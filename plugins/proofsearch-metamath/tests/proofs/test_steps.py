"""Would catch: steps of a proof that count syntax, hypotheses, or what is shared twice."""

from __future__ import annotations

from typing import Any

import pytest
from proofsearch_metamath.proofs.graph import ProofNode, count_steps

from proofsearch.errors import ProofError
from proofsearch.protocols import MeasuresProofs


@pytest.mark.parametrize(("name", "steps"), [("a1i", 2), ("syl", 2), ("simplbi2com", 2)])
def test_steps_are_applications_that_show_something(prefix: Any, name: str, steps: int) -> None:
    theorem = prefix.theorem(name)
    assert isinstance(prefix, MeasuresProofs)
    assert prefix.proof_steps(theorem, prefix.stored_proof_text(theorem)) == steps


def test_what_is_applied_twice_to_the_same_counts_once(prefix: Any) -> None:
    database = prefix.library.database
    wph = ProofNode("wph")
    identity = ProofNode("id", (wph,))
    assert count_steps(database, identity, "|-") == 1
    implied = ProofNode("wi", (wph, wph))
    again = ProofNode("id", (ProofNode("wph"),))  # another object, the same step
    both = ProofNode("a1i", (implied, wph, identity))
    assert count_steps(database, both, "|-") == 2
    assert count_steps(database, ProofNode("mp2", (implied, implied, wph, identity, again, both)), "|-") == 3
    assert count_steps(database, both, "wff") == 1


def test_no_proof_is_said_so(prefix: Any) -> None:
    with pytest.raises(ProofError, match="a1i: the proof can't be read"):
        prefix.proof_steps(prefix.theorem("a1i"), "nonsense")
