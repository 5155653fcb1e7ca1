"""A session over a real Lean: its states, many tactics in one call, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from lean_installation import Installation
from lean_sessions import server, session, theorem, transport
from proofsearch_lean.server.language_server import LanguageServer
from proofsearch_lean.session import LeanSession
from proofsearch_lean.transports import Open, Transport

from proofsearch import Advanced, Finished
from proofsearch.protocols import Interruptible, Renews, ReportsUsage

SWAP = theorem("swap (p q : Prop) (h : p ∧ q) : q ∧ p")


@pytest.fixture(scope="module")
def running(lean: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    with server(lean, tmp_path_factory.mktemp("lean")) as started:
        yield started


def begun(opened: LeanSession) -> Advanced:
    outcome = opened.initial()
    assert isinstance(outcome, Advanced)
    return outcome


def test_it_can_do_what_the_engine_may_ask_of_it(running: LanguageServer) -> None:
    with session(running, SWAP) as opened:
        for ability in (Interruptible, ReportsUsage, Renews):
            assert isinstance(opened, ability)


def test_equal_states_are_met_by_different_ways(running: LanguageServer) -> None:
    with session(running, SWAP) as opened:
        root = begun(opened).state
        one = opened.step(root, "have x := h.1")
        other = opened.step(root, "have x : p := by exact And.left h")
        assert isinstance(one, Advanced)
        assert isinstance(other, Advanced)
        assert one.state.key == other.state.key
        assert one.state.text == other.state.text == "p q : Prop\nh : p ∧ q\nx : p\n⊢ q ∧ p"
        assert opened.step(one.state, "exact ⟨h.2, x⟩") == opened.step(other.state, "exact ⟨h.2, x⟩") == Finished()


def test_metavariables_of_siblings_don_t_tell_them_apart(running: LanguageServer) -> None:
    with session(running, theorem("ex (a : Nat) : ∃ x y : Nat, x + y = a")) as opened:
        root = begun(opened).state
        texts = [opened.step(root, tactic) for tactic in ("refine ⟨?_, ?_, ?_⟩", "skip; refine ⟨_, _, ?_⟩")]
        for outcome in texts:
            assert isinstance(outcome, Advanced) or "context" in str(outcome), outcome
        one, other = (opened.step(root, f"{skips}apply Exists.intro") for skips in ("", "skip; skip; "))
        assert isinstance(one, Advanced)
        assert isinstance(other, Advanced)
        assert one.state.key == other.state.key


def test_states_of_others_are_refused(running: LanguageServer) -> None:
    with session(running, SWAP) as opened, session(running, SWAP) as other:
        root = begun(other).state
        begun(opened)
        with pytest.raises(ValueError, match="another session's"):
            opened.step(root, "skip")
        with pytest.raises(TypeError, match="not int"):
            opened.step(3, "skip")  # type: ignore[arg-type]


def test_the_transport_is_given_back_once(running: LanguageServer) -> None:
    given: list[Transport] = []
    with transport(running) as made:
        with closing(LeanSession(SWAP, made, given.append)) as opened:
            begun(opened)
            opened.close()
        assert given == [made]
        assert isinstance(made.begin(SWAP), Open)


def test_a_whole_path_is_replayed(running: LanguageServer) -> None:
    with session(running, SWAP) as opened:
        assert opened.replay(["constructor", "exact h.2", "exact h.1"]) == Finished()
        assert isinstance(opened.replay(["constructor", "exact h.2"]), Open)
        assert "didn't apply" in str(opened.replay(["nonsense", "exact h.2"]))
