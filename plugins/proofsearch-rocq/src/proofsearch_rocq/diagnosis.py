"""What ``proofsearch doctor`` finds out about Rocq."""

from __future__ import annotations

from collections.abc import Iterator

from proofsearch import Finding
from proofsearch.diagnosis import program


def examine() -> Iterator[Finding]:
    """The programs, and the standard library."""
    yield program("the prover", "coqidetop.opt", "--version", remedy="on Debian: apt install coq")
