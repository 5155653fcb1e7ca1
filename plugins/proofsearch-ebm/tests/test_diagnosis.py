"""What the doctor is told: whether torch computes, and whether the checkpoint that comes along is whole."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from proofsearch_ebm import diagnosis
from proofsearch_ebm.diagnosis import examine
from proofsearch_ebm.scoring import scorer

from proofsearch import Finding
from proofsearch.errors import InputError


def found() -> dict[str, Finding]:
    return {finding.what: finding for finding in examine()}


def test_what_is_installed() -> None:
    findings = found()
    assert {what: finding.state for what, finding in findings.items()} == {"torch": "found", "checkpoint": "found"}
    assert findings["torch"].message.startswith(f"{torch.__version__}, ")
    assert findings["checkpoint"].message.endswith("for the encoder context")


def test_a_torch_that_cannot_be_loaded_and_a_damaged_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> Any:
        raise InputError("prefix: not a complete checkpoint")

    monkeypatch.setattr(diagnosis, "ask_python", lambda code: "OSError: libtorch.so: cannot open shared object file")
    monkeypatch.setattr(scorer, "shipped_checkpoint", damaged)
    findings = found()
    assert {what: finding.state for what, finding in findings.items()} == {"torch": "problem", "checkpoint": "problem"}
    assert "libtorch.so" in findings["torch"].message
    assert "pytorch.org" in findings["torch"].remedy
    assert findings["checkpoint"].message == "prefix: not a complete checkpoint"
