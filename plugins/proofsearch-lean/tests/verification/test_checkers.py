"""Second checkers are asked what they should be, have the last word, and are named in the verdict.

The programs are stand-ins: none of the real ones is installed here. What they are given is looked at closely instead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from attacks import FALSE
from lean_installation import LEAN, Installation
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.environment import LeanEnvironment
from proofsearch_lean.scripts import proof_text
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.toolchain import Toolchain
from proofsearch_lean.verification import verify

from proofsearch.errors import UsageError
from proofsearch.types import Verdict

THEOREM = LeanTheorem("A.t", "theorem t : 1 = 1", "namespace A\n")
ACCEPTED = f"Lean {LEAN}"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Makes a program of a name that is a shell script, on the path; it keeps what it sees in ``seen``."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("ELAN_HOME", str(tmp_path))
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    monkeypatch.delenv("COMPARATOR_NANODA", raising=False)
    (tmp_path / "seen").mkdir()

    def make(name: str, script: str) -> Path:
        program = folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def check(toolchain: Toolchain, config: LeanConfig) -> Callable[..., Verdict]:
    def check(theorem: LeanTheorem = THEOREM, tactic: str = "rfl", **options: object) -> Verdict:
        return verify(toolchain, config.model_copy(update=options), theorem, proof_text(theorem, [tactic]))

    return check


def test_leanchecker_gets_the_compiled_module(stand_in, check, tmp_path: Path) -> None:
    stand_in("leanchecker", 'echo "$@" >$SEEN/words; cp "${LEAN_PATH%%:*}/$1.olean" "${LEAN_PATH%%:*}/$1.lean" $SEEN')
    verdict = check(checker="leanchecker")
    assert verdict == Verdict(True, f"{ACCEPTED}, leanchecker", tier="axioms audited")
    assert (tmp_path / "seen" / "words").read_text() == "ProofsearchCheck\n"
    assert (tmp_path / "seen" / "ProofsearchCheck.olean").stat().st_size > 1000
    assert "  rfl\n" in (tmp_path / "seen" / "ProofsearchCheck.lean").read_text()


def test_leanchecker_beside_lean_is_preferred(stand_in, check, lean: Installation, tmp_path: Path, config) -> None:
    """A toolchain's own, not one of another version that happens to be on the path."""
    stand_in("leanchecker", "echo of another version; exit 1")
    prefix = tmp_path / "toolchain"
    (prefix / "bin").mkdir(parents=True)
    beside = stand_in("../toolchain/bin/leanchecker", "exit 0")
    program = stand_in("lean", f'[ "$1" = --print-prefix ] && {{ echo {prefix}; exit; }}; exec {lean.lean} "$@"')
    toolchain = Toolchain((str(program),), (), Path("/"), LEAN, "")
    options = config.model_copy(update={"checker": "leanchecker"})
    assert beside.exists() and verify(toolchain, options, THEOREM, proof_text(THEOREM, ["rfl"])).proved


def test_safeverify_gets_statement_and_proof(stand_in, check, tmp_path: Path) -> None:
    program = stand_in(
        "verifier", 'cp "${1%.olean}.lean" $SEEN/statement; cp "${2%.olean}.lean" $SEEN/proof; [ -s "$2" ]'
    )
    verdict = check(checker="safeverify", checker_command=f"{program}")
    assert verdict.proved and verdict.checker == f"{ACCEPTED}, SafeVerify" and verdict.tier == "axioms audited"
    assert "  sorry\n" in (tmp_path / "seen" / "statement").read_text()
    assert "  rfl\n" in (tmp_path / "seen" / "proof").read_text()


def test_comparator_gets_a_project_of_two_modules(stand_in, check, tmp_path: Path) -> None:
    stand_in("lake", 'shift; exec "$@"')
    stand_in("comparator", "cp * $SEEN")
    verdict = check(checker="comparator", axioms=("propext",))
    assert verdict.proved and verdict.checker == f"{ACCEPTED}, Comparator" and verdict.tier == "axioms audited"
    seen = tmp_path / "seen"
    assert {path.name for path in seen.iterdir()} == {"Challenge.lean", "Solution.lean", "config.json", "lakefile.toml"}
    assert "  sorry\n" in (seen / "Challenge.lean").read_text() and "  rfl\n" in (seen / "Solution.lean").read_text()
    assert json.loads((seen / "config.json").read_text()) == {
        "challenge_module": "Challenge",
        "solution_module": "Solution",
        "theorem_names": ["A.t"],
        "permitted_axioms": ["propext"],
        "enable_nanoda": False,
    }


def test_another_kernel_goes_further(stand_in, check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all checkers, only nanoda shares no code with the first."""
    monkeypatch.setenv("COMPARATOR_NANODA", "/somewhere/nanoda_bin")
    stand_in("lake", 'shift; exec "$@"')
    stand_in("comparator", "grep -q '\"enable_nanoda\": true' config.json")
    verdict = check(checker="comparator")
    assert verdict.proved and verdict.tier == "second checker"
    assert verdict.checker == f"{ACCEPTED}, Comparator with nanoda"


@pytest.mark.parametrize("checker", ["leanchecker", "safeverify", "comparator"])
def test_it_has_the_last_word(stand_in, check, checker: str) -> None:
    stand_in("lake", 'shift; exec "$@"')
    program = stand_in("checker", "echo 'found a problem in A.t'; exit 1")
    verdict = check(checker=checker, checker_command=str(program))
    assert not verdict.proved and not verdict.tier
    assert "refuses the proof: found a problem in A.t" in verdict.message


def test_it_is_not_asked_about_what_is_refused_anyway(stand_in, check, tmp_path: Path) -> None:
    program = stand_in("checker", "touch $SEEN/asked")
    assert not check(FALSE, "sorry", checker="safeverify", checker_command=str(program)).proved
    assert not (tmp_path / "seen" / "asked").exists()


def test_it_has_a_time(stand_in, check) -> None:
    program = stand_in("checker", "sleep 1000")
    verdict = check(checker="safeverify", checker_command=str(program), check_timeout=2.0)
    assert not verdict.proved and "ran past 2 s (--lean-check-timeout)" in verdict.message


@pytest.mark.parametrize("checker", ["leanchecker", "safeverify", "comparator"])
def test_one_that_is_asked_for_and_absent_is_an_error(stand_in, check, checker: str) -> None:
    """Not a verdict on the proof, which may be as good as any."""
    with pytest.raises(UsageError, match=rf"--lean-checker {checker}: no program .* or name it with"):
        check(checker=checker)
    with pytest.raises(UsageError, match="--lean-checker-command '/no/such'"):
        check(checker=checker, checker_command="/no/such")


def test_that_is_said_before_the_search(stand_in, config: LeanConfig, tmp_path: Path) -> None:
    environment = LeanEnvironment(config.model_copy(update={"checker": "safeverify"}), tmp_path)
    with pytest.raises(UsageError, match="--lean-checker safeverify"):
        _ = environment.toolchain
