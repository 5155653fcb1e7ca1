"""None of the false proofs is accepted; and the worst of them do deceive who looks less closely."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from attacks import ATTACKS, FALSE, Attack
from lean_installation import Installation
from proofsearch_lean.config import STANDARD_AXIOMS, LeanConfig
from proofsearch_lean.scripts import heading, indented, proof_text
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import Toolchain
from proofsearch_lean.verification import verify

DECEIVING = [attack for attack in ATTACKS if attack.deceives]


def test_there_are_many() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 100
    assert len(DECEIVING) >= 8


@pytest.mark.usefixtures("statements_once")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_is_refused(attack: Attack, toolchain: Toolchain, config: LeanConfig) -> None:
    verdict = verify(toolchain, config, attack.theorem, proof_text(attack.theorem, [attack.script]))
    assert not verdict.proved
    assert verdict.message and not verdict.tier


@pytest.mark.parametrize("attack", DECEIVING, ids=lambda attack: attack.name)
def test_would_deceive(attack: Attack, lean: Installation, tmp_path: Path) -> None:
    """What the check guards against is real: Lean says no error and of the name that it rests on nothing."""
    source = tmp_path / "a.lean"
    source.write_text(proof_text(attack.theorem, [attack.script]) + "#print axioms target\n")
    done = subprocess.run([lean.lean, "--json", source], capture_output=True, text=True, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    reports = [message["data"] for message in messages if message["data"].startswith("'target' ")]
    reports += [message["data"] for message in messages if message["data"].startswith("'Attacked.target' ")]
    assert len(reports) == 1
    assert set(re.findall(r"[\w.]+", reports[0].partition("axioms: ")[2])) <= set(STANDARD_AXIOMS)


def test_another_statement_in_the_file(toolchain: Toolchain, config: LeanConfig) -> None:
    """The statement is the source's, whatever a file says that somebody hands in."""
    true = LeanTheorem(FALSE.name, "theorem target : (0 : Nat) = 0", FALSE.preamble)
    for proof in (
        proof_text(true, ["rfl"]),
        heading(FALSE).replace("namespace", "axiom mine : (0 : Nat) = 1\nnamespace") + indented("exact mine"),
        " " + proof_text(FALSE, ["rfl"]),
        heading(FALSE).replace(":= by\n", ":= unproved"),
        "",
    ):
        verdict = verify(toolchain, config, FALSE, proof)
        assert not verdict.proved and "as it stands in its source" in verdict.message


def test_a_line_at_the_margin(toolchain: Toolchain, config: LeanConfig) -> None:
    for line in ("axiom mine : (0 : Nat) = 1", " axiom mine : (0 : Nat) = 1", "sorry"):
        verdict = verify(toolchain, config, FALSE, heading(FALSE) + f"  exact mine\n{line}\n")
        assert not verdict.proved and "margin" in verdict.message
