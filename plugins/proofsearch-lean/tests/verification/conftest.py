"""What checks of one statement share."""

from __future__ import annotations

import functools

import pytest
from proofsearch_lean.verification import check


@pytest.fixture(scope="module")
def statements_once() -> object:
    """Elaborates each statement alone, with ``sorry`` as its proof, once for all proofs that claim it.

    That process and its file know nothing of the proof; the proof's own process is a fresh one as ever.
    """
    elaborated = check._Check.statement
    known: dict[object, check.Finding] = {}

    @functools.wraps(elaborated)
    def statement(work: check._Check) -> check.Finding:
        of = work.toolchain, work.config, work.theorem
        if of not in known:
            known[of] = elaborated(work)
        return known[of]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check._Check, "statement", statement)
        yield
