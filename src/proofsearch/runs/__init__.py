"""Run folders: what a run was asked, what it ran on, and what came of every theorem."""

from __future__ import annotations

from proofsearch.runs.folder import RunFolder
from proofsearch.runs.results import TheoremResult

__all__ = ["RunFolder", "TheoremResult"]
