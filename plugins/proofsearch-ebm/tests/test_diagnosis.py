"""What the doctor is told: whether torch computes, and whether the checkpoints that come along are whole."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from proofsearch_ebm import diagnosis
from proofsearch_ebm.diagnosis import examine
from proofsearch_ebm.scoring import shipped

from proofsearch import Finding
from proofsearch.errors import InputError


def found() -> dict[str, Finding]:
    return {finding.what: finding for finding in examine()}


def test_what_is_installed() -> None:
    findings = list(examine())
    kinds = [(finding.what, finding.state) for finding in findings]
    assert kinds == [("torch", "found"), ("checkpoint", "found"), ("checkpoint", "found")]
    assert findings[0].message.startswith(f"{torch.__version__}, ")
    assert findings[1].message.endswith("for the encoder context")
    assert findings[2].message.endswith("for the encoder context and policy")


def test_a_torch_that_cannot_be_loaded_and_a_damaged_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged() -> Any:
        raise InputError("prefix: not a complete checkpoint")

    monkeypatch.setattr(diagnosis, "ask_python", lambda code: "OSError: libtorch.so: cannot open shared object file")
    monkeypatch.setattr(shipped, "shipped_checkpoints", damaged)
    findings = found()
    assert {what: finding.state for what, finding in findings.items()} == {"torch": "problem", "checkpoint": "problem"}
    assert "libtorch.so" in findings["torch"].message
    assert "pytorch.org" in findings["torch"].remedy
    assert findings["checkpoint"].message == "prefix: not a complete checkpoint"
