"""Runs over many theorems, and run folders: what was asked, what it ran on, and what came of every theorem."""

from __future__ import annotations

from proofsearch.runs.folder import RunFolder

__all__ = ["RunFolder"]
