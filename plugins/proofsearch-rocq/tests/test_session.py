"""Searching a lemma: outcomes, what is one state and what isn't, and a prover that fails."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from proofsearch_rocq.session import RocqSession
from proofsearch_rocq.states import RocqState

from proofsearch import Advanced, Crashed, Finished, Outcome, Rejected, TimedOut

Opened = Callable[..., RocqSession]
Along = Callable[..., RocqState]

BOTH = "Lemma both : forall A B : Prop, A -> B -> A /\\ B.\n"
ARITHMETIC = "Require Import Arith Lia List.\nLemma sums : forall n m : nat, n + m = m + n /\\ exists k, k = n.\n"


def shown(outcome: Outcome) -> str:
    return outcome.state.text if isinstance(outcome, Advanced) else type(outcome).__name__


# ---------------------------------------------------------------------------------------------------------- outcomes


def test_a_lemma_is_proved_step_by_step(shared: Opened, along: Along) -> None:
    session = shared(BOTH)
    state = along(session, "intros A B a b", "split")
    assert [goal.text.splitlines()[-1] for goal in state.goals] == ["A", "B"]
    state = along(session, "intros A B a b", "split", "exact a")
    assert state.num_goals == 1
    assert session.step(state, "exact a") != Finished()
    assert session.step(state, "exact b") == Finished()


@pytest.mark.parametrize(
    ("tactic", "message"),
    [
        ("exact I", "while it is expected"),
        ("foo", "not found"),
        ("admit", "gives a goal up"),
        ("all: give_up", "gives a goal up"),
        ("Admitted", "(?i)admitted"),
        ("Axiom boom : False", "Syntax error"),
        ("split. auto", "more than one sentence"),
        ("abstract admit", "."),
        ("Unset Guard Checking", "not found"),
        ("3: auto", "No such goal"),
    ],
)
def test_what_does_not_apply_is_rejected_and_says_why(shared: Opened, along: Along, tactic: str, message: str) -> None:
    session = shared(BOTH)
    state = along(session, "intros A B a b")
    outcome = session.step(state, tactic)
    assert isinstance(outcome, Rejected), outcome
    assert re.search(message, outcome.message), outcome.message
    assert isinstance(session.step(state, "split"), Advanced)


def test_what_only_the_kernel_refuses_is_rejected(opened: Opened, along: Along) -> None:
    session = opened("Lemma loop : forall n : nat, n = n -> False.\n")
    state = along(session, "fix loop 1")
    outcome = session.step(state, "exact loop")
    assert isinstance(outcome, Rejected)
    assert outcome.message.startswith("Qed: ")
    assert "ill-formed" in outcome.message


def test_what_is_left_without_a_value_becomes_goals(opened: Opened, along: Along) -> None:
    session = opened("Lemma any : exists n : nat, True.\n")
    state = along(session, "eapply (ex_intro (fun _ => True) _)", "exact I")
    assert [goal.text.splitlines()[-1] for goal in state.goals] == ["nat"]
    assert session.step(state, "exact 0") == Finished()


def test_a_state_that_is_too_large_is_not_made(opened: Opened, along: Along) -> None:
    session = opened("Lemma large : forall n : nat, n = n.\n", max_state=1_000)
    state = along(session, "intro n")
    assert isinstance(session.step(state, "do 5 pose proof n"), Advanced)
    outcome = session.step(state, "do 200 pose proof n")
    assert isinstance(outcome, Rejected)
    assert "1000 characters" in outcome.message


def test_a_statement_with_an_error_is_rejected(opened: Opened) -> None:
    session = opened("Lemma wrong : foo.\n")
    outcome = session.initial()
    assert isinstance(outcome, Rejected)
    assert "foo" in outcome.message
    assert session.initial() == outcome


def test_an_error_before_the_lemma_is_told(opened: Opened) -> None:
    outcome = opened(f"Definition d := nowhere.\n{BOTH}").initial()
    assert isinstance(outcome, Rejected)
    assert "nowhere" in outcome.message


def test_what_comes_after_the_lemma_is_not_known(opened: Opened, along: Along) -> None:
    session = opened(f"Lemma earlier : True.\nProof. exact I. Qed.\n{BOTH}")
    state = along(session, "intros A B a b")
    assert isinstance(session.step(state, "pose proof earlier"), Advanced)
    assert isinstance(session.step(state, "exact (both A B a b)"), Rejected)


def test_states_of_another_session_are_refused(opened: Opened, along: Along) -> None:
    one, other = opened(BOTH), opened(BOTH)
    with pytest.raises(ValueError, match="another session"):
        one.step(along(other), "auto")


# ---------------------------------------------------------------------------------------------------- what is one state


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("intros n m",), ("intro n", "intro m")),
        (("intros n m", "split", "lia"), ("intros", "split", "apply Nat.add_comm")),
        (("intros n m", "split", "lia", "eexists"), ("intros n m", "split", "lia", "econstructor")),
        (("intros n m", "idtac"), ("intros n m",)),
    ],
)
def test_states_are_one_whatever_the_way_to_them(
    shared: Opened, along: Along, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    session = shared(ARITHMETIC)
    assert along(session, *one).key == along(session, *other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("intros n m",), ("intros m n",)),
        (("intros n m", "assert (x : nat) by exact 1"), ("intros n m", "pose (x := 1)")),
        (("intros n m", "pose (x := 1)"), ("intros n m", "pose (x := 2)")),
        (("intros n m", "split", "lia", "eexists"), ("intros n m", "split", "lia", "exists n")),
        (("intros n m", "assert (H : n = n) by auto"), ("intros n m",)),
        (("intros n m", "assert (H : @nil nat = nil)"), ("intros n m", "assert (H : @nil bool = nil)")),
        (("intros n m", "cut (1 = 1)"), ("intros n m", "cut (1 = 1); [intros _ |]")),
    ],
)
def test_states_that_differ_are_not_one(
    shared: Opened, along: Along, one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    session = shared(ARITHMETIC)
    assert along(session, *one).key != along(session, *other).key


# ------------------------------------------------------------------------------------------------------------- parts


def test_goals_that_share_nothing_are_parts(shared: Opened, along: Along) -> None:
    session = shared(BOTH)
    state = along(session, "intros A B a b", "split")
    first, second = session.parts(state)
    assert (first.num_goals, second.num_goals) == (1, 1)
    assert first.text == state.goals[0].text
    assert second.key == along(session, "intros A B a b", "split", "exact a").key
    assert session.step(first, "exact a") == Finished()
    assert session.step(second, "exact b") == Finished()
    assert isinstance(session.step(second, "admit"), Rejected)
    assert isinstance(session.step(state, "exact a"), Advanced)


def test_a_selector_reaches_the_first_part_alone(shared: Opened, along: Along) -> None:
    session = shared(BOTH)
    state = along(session, "intros A B a b", "split")
    assert shown(session.step(state, "all: assumption")) == shown(session.step(state, "assumption"))
    assert isinstance(session.step(state, "2: assumption"), Rejected)
    session = shared("Lemma shares : exists n : nat, n = 3 /\\ n = 1 + 2.\n")
    state = along(session, "eexists", "split")
    assert session.step(state, "all: reflexivity") == Finished()
    assert isinstance(session.step(state, "2: reflexivity"), Advanced)


def test_goals_that_share_a_variable_are_no_parts(shared: Opened, along: Along) -> None:
    session = shared("Lemma shares : exists n : nat, n = 3 /\\ n = 1 + 2.\n")
    state = along(session, "eexists", "split")
    assert list(session.parts(state)) == [state]
    state = along(session, "refine (ex_intro _ _ _)", "shelve_unifiable")
    assert list(session.parts(state)) == [state]


def test_a_variable_that_is_a_goal_hangs_together_with_those_that_name_it(opened: Opened, along: Along) -> None:
    session = opened("Lemma shares : (exists n : nat, n = 3) /\\ True.\n")
    state = along(session, "split; [unshelve eexists |]")
    assert state.num_goals == 3
    groups = [part.num_goals for part in session.parts(state)]
    assert groups == [2, 1]


# --------------------------------------------------------------------------------------------------- endless tactics

ENDLESS = Path(__file__).with_name("endless.txt").read_text().splitlines()
"""Loops of the tactic language, terms and contexts that grow, computations in every way, searches, conversions.

Each takes a second; half of them, of every kind, are tried here, and all by the benchmark.
"""


@pytest.mark.parametrize("tactic", [*ENDLESS[::2], ENDLESS[-1]])
def test_an_endless_tactic_costs_its_time_and_nothing_else(opened: Opened, along: Along, tactic: str) -> None:
    assert len(set(ENDLESS)) == 20
    session = opened(BOTH, timeout=1, grace=20.0)
    state = along(session, "intros A B a b")
    before = shown(session.step(state, "split"))
    outcome = session.step(state, tactic)
    # Where a term grows faster than the time goes, the prover's own memory or stack is what ends it.
    assert isinstance(outcome, TimedOut | Crashed | Rejected), outcome
    assert not isinstance(outcome, Rejected) or "overflow" in outcome.message or "emory" in outcome.message, outcome
    assert shown(session.step(state, "split")) == before
    after = along(session, "intros A B a b", "split", "exact a")
    assert session.step(after, "exact b") == Finished()


# ----------------------------------------------------------------------------------------------- a prover that fails


def test_a_killed_prover_is_replaced_and_the_state_stepped(opened: Opened, along: Along) -> None:
    session = opened(BOTH)
    state = along(session, "intros A B a b", "split")
    before = shown(session.step(state, "exact a"))
    pid = session._transport._process.pid  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGKILL)
    assert shown(session.step(state, "exact a")) == before
    assert session._transport._process.pid not in (0, pid)  # type: ignore[attr-defined]


def test_what_is_replayed_is_what_was_there_the_first_time(opened: Opened, along: Along) -> None:
    session = opened(ARITHMETIC)
    paths = [
        ("intros n m",),
        ("intros n m", "split"),
        ("intros n m", "split", "lia", "eexists"),
        ("intros [|n] m", "simpl", "split; [lia|]"),
    ]
    states = [along(session, *path) for path in paths]
    tried = [[shown(session.step(state, tactic)) for tactic in ("auto", "eauto", "foo", "split")] for state in states]
    for _ in range(2):
        session.renew()
        for state, before in reversed(list(zip(states, tried, strict=True))):
            assert [shown(session.step(state, tactic)) for tactic in ("auto", "eauto", "foo", "split")] == before


def test_an_interrupt_ends_the_step_and_all_later_ones(opened: Opened, along: Along) -> None:
    session = opened(BOTH, timeout=600)
    state = along(session, "intros A B a b")
    stopped = threading.Timer(0.2, session.interrupt)
    stopped.start()
    assert isinstance(session.step(state, "do 100000000000 idtac"), TimedOut)
    stopped.join()
    assert isinstance(session.step(state, "split"), TimedOut)


def test_usage_is_that_of_the_process(opened: Opened, along: Along) -> None:
    session = opened(BOTH)
    assert session.usage().processes == 0
    along(session, "intros A B a b")
    used = session.usage()
    assert used.processes == 1
    assert used.memory > 10_000_000
    session.close()
    assert session.usage().processes == 0
