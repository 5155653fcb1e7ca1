"""The environment over a real Lean: processes that serve one theorem after the other, proofs, and what can't be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from lean_installation import Installation
from lean_sessions import HANGS
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.environment import LeanEnvironment
from proofsearch_lean.toolchain import Toolchain

from proofsearch import Advanced, Finished, Rejected, TimedOut
from proofsearch.errors import InputError, ProofError, UsageError

SOURCE = """\
theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by sorry

theorem turn (p q : Prop) (h : p ∨ q) : q ∨ p := by sorry

theorem wrong : nonsense := by sorry
"""
PROOF = ("constructor", "exact h.2", "exact h.1")


@pytest.fixture
def environment(lean: Installation, tmp_path: Path) -> Iterator[LeanEnvironment]:
    file = tmp_path / "Source.lean"
    file.write_text(SOURCE)
    config = LeanConfig(command=str(lean.lean), file=file, timeout=HANGS, grace=HANGS)
    with closing(LeanEnvironment(config, tmp_path / "cache")) as opened:
        yield opened


def workers() -> set[int]:
    found = set()
    for process in psutil.Process().children(recursive=True):
        try:
            if "--worker" in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
        except psutil.Error:
            continue
    return found


def test_a_process_serves_one_theorem_after_the_other(environment: LeanEnvironment) -> None:
    before = workers()
    used = []
    for name in ("swap", "turn", "swap"):
        with closing(environment.open(environment.theorem(name))) as session:
            assert isinstance(session.initial(), Advanced)
            used.append(workers() - before)
    assert len(used[0]) == 1
    assert used[0] == used[1] == used[2]
    assert environment.usage().processes == 2
    environment.renew()
    assert workers() == before
    assert environment.usage().processes == 1


def test_sessions_at_once_have_a_process_each(environment: LeanEnvironment) -> None:
    before = workers()
    sessions = [environment.open(environment.theorem("swap")) for _ in range(2)]
    states = []
    for session in sessions:
        outcome = session.initial()
        assert isinstance(outcome, Advanced)
        states.append(outcome.state)
    assert len(workers() - before) == 2
    assert [session.step(state, PROOF[0]) for session, state in zip(sessions, states, strict=True)]
    sessions[0].interrupt()
    assert isinstance(sessions[0].step(states[0], PROOF[0]), TimedOut)
    for session in sessions:
        session.close()
    # An interrupted one isn't kept for the next theorem.
    assert len(workers() - before) == 1
    environment.close()
    assert workers() == before


def test_a_path_becomes_a_proof_that_is_accepted(environment: LeanEnvironment) -> None:
    swap = environment.theorem("swap")
    proof = environment.write_proof(swap, PROOF)
    statement = SOURCE.split(" := by")[0]
    assert proof == f"{statement} := by\n  constructor\n  exact h.2\n  exact h.1\n"
    verdict = environment.verify(swap, proof)
    assert verdict.proved, verdict.message
    assert verdict.tier == "axioms audited"


@pytest.mark.parametrize(
    ("tactics", "message"),
    [
        ((), "the path does not finish"),
        (PROOF[:2], "the path does not finish"),
        (("nonsense", *PROOF), "the path does not finish"),
        (("constructor", "sorry"), "step 2 is no tactic: it holds sorry"),
    ],
)
def test_what_does_not_finish_is_no_proof(tactics: tuple[str, ...], message: str, environment: LeanEnvironment) -> None:
    with pytest.raises(ProofError, match=message):
        environment.write_proof(environment.theorem("swap"), tactics)


def test_a_statement_with_an_error_is_rejected_at_the_beginning(environment: LeanEnvironment) -> None:
    with closing(environment.open(environment.theorem("wrong"))) as session:
        outcome = session.initial()
    assert isinstance(outcome, Rejected)
    assert "nonsense" in outcome.message


def test_unknown_theorems_are_named(environment: LeanEnvironment) -> None:
    with pytest.raises(UsageError, match=r"no theorem 'swop'; did you mean 'swap'\?"):
        environment.theorem("swop")


def test_a_server_that_can_t_be_had_is_one_message(environment: LeanEnvironment, tmp_path: Path) -> None:
    found = environment.toolchain
    environment.__dict__["toolchain"] = Toolchain(found.command, ("no-lean", "--server"), tmp_path, "4.35.0", "")
    with pytest.raises(InputError, match=r"'no-lean --server', can't be used: no-lean can't be started") as raised:
        environment.open(environment.theorem("swap"))
    assert "proofsearch doctor" in str(raised.value)


def test_nothing_is_started_before_it_is_needed(environment: LeanEnvironment) -> None:
    before = workers()
    environment.theorems()
    environment.fingerprint()
    assert workers() == before
    environment.close()
    with pytest.raises(InputError, match="the environment was closed"):
        environment.open(environment.theorem("swap"))


def test_a_replay_is_what_it_was_the_first_time(environment: LeanEnvironment) -> None:
    turn = environment.theorem("turn")
    tactics = ["cases h", "· apply Or.inr\n  assumption", "apply Or.inl", "assumption"]
    runs = []
    for _ in range(3):
        with closing(environment.open(turn)) as session:
            outcome = session.initial()
            met = []
            for tactic in tactics:
                assert isinstance(outcome, Advanced)
                met.append(outcome.state.text)
                session.step(outcome.state, "nonsense")
                outcome = session.step(outcome.state, tactic)
            assert outcome == Finished()
            runs.append(met)
        environment.renew()
    assert runs[0] == runs[1] == runs[2]


def test_memory_is_flat_over_many_trials(environment: LeanEnvironment) -> None:
    """A worker's own memory after 1,500 trials and after 300: nothing that is tried stays."""
    tactics = ["constructor", "simp_all", "nonsense", "exact ⟨h.2, h.1⟩", "cases h", "have x := h.1"]
    with closing(environment.open(environment.theorem("swap"))) as session:
        outcome = session.initial()
        assert isinstance(outcome, Advanced)
        used = {}
        for number in range(1, 1501):
            session.step(outcome.state, tactics[number % len(tactics)])
            if number in (300, 1500):
                used[number] = session.usage().memory
    assert used[1500] < 1.3 * used[300], used
