"""Rewards come from accepted proofs alone, however a path is finished; and what else an episode promises."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import rl_prover
from hypothesis import given
from hypothesis import strategies as st
from proofsearch_rl import turn as turns
from proofsearch_rl.episode import Episode
from proofsearch_rl.limits import EpisodeLimits

from proofsearch import open_prover
from proofsearch.errors import ComponentError, UsageError
from proofsearch.runs.prover import Prover

# zero-0 says that 2 is 0, zero-1 that 39 is.


def test_a_proof_is_rewarded_once_it_is_whole(prover: Prover) -> None:
    with Episode(prover) as episode:
        begun = episode.reset("zero-0")
        assert (begun.outcome, begun.state, begun.reward, begun.done) == (turns.BEGUN, "2 is 0", 0, False)
        halfway = episode.step("half")
        assert (halfway.outcome, halfway.state, halfway.reward, halfway.done) == (turns.ADVANCED, "1 is 0", 0, False)
        proved = episode.step("dec")
        assert (proved.outcome, proved.reward, proved.terminated, proved.truncated) == (turns.PROVED, 1, True, False)
        assert (proved.state, proved.goals, proved.steps) == ("", 0, 2)
        assert proved.verdict is not None
        assert (proved.verdict.proved, proved.verdict.tier) == (True, "axioms audited")
        assert episode.path == ("half", "dec")


@pytest.mark.parametrize(
    ("tactic", "why"),
    [
        ("axiom", "the rule does not apply"),
        ("admit", "the check went as far as kernel, the run asks for axioms audited"),
        ("unwritable", "nothing can be written"),
    ],
)
def test_what_only_looks_finished_is_refused_and_earns_nothing(prover: Prover, tactic: str, why: str) -> None:
    with Episode(prover) as episode:
        episode.reset("zero-1")
        refused = episode.step(tactic)
        assert (refused.outcome, refused.reward, refused.done) == (turns.REFUSED, 0, False)
        assert why in refused.message
        assert refused.verdict is not None and not refused.verdict.proved
        assert refused.state == "39 is 0"  # and the episode goes on there
        assert episode.path == ()
        assert episode.step("dec").state == "38 is 0"


def test_a_weaker_check_is_rewarded_where_that_is_asked_for() -> None:
    with open_prover("rl-prover", min_tier="kernel") as prover:
        with Episode(prover, EpisodeLimits(min_tier="kernel")) as episode:
            episode.reset("zero-1")
            assert episode.step("admit").reward == 1
        with pytest.raises(UsageError, match="open it with open_prover"):
            Episode(prover)  # which would take its checks for stronger ones than they are


@given(
    st.lists(st.sampled_from(["dec", "half", "split", "axiom", "admit", "use zero-0", "use zero-1", "?"]), max_size=12)
)
def test_the_reward_is_the_verdict_of_the_checker(tactics: list[str]) -> None:
    """Whatever is tried: a reward exactly where an environment of its own accepts the path that the episode went."""
    with open_prover("rl-prover", min_tier="axioms audited") as prover, Episode(prover) as episode:
        episode.reset("zero-2")
        for tactic in tactics:
            turn = episode.step(tactic)
            assert turn.reward == float(turn.terminated) == float(turn.outcome == turns.PROVED)
            if turn.reward:
                with open_prover("rl-prover") as other:
                    theorem = other.environment.theorem("zero-2")
                    verdict = other.environment.verify(theorem, other.environment.write_proof(theorem, episode.path))
                assert verdict.proved and verdict.tier == "axioms audited"
                break


def test_metamath_rewards_no_theorem_for_itself_or_for_a_later_one() -> None:
    with open_prover("metamath", min_tier="axioms audited") as prover, Episode(prover) as episode:
        later = ["syl", "id", "nonsense", "hyp 1", "sorry", "ax-mp ax-mp", "$p |- ph $= ? $.", "axiom", ""]
        begun = episode.reset("id")
        for tactic in later:
            turn = episode.step(tactic)
            assert (turn.reward, turn.done) == (0, False), tactic
            episode.reset("id")
        assert begun.statement == "|- ( ph -> ph )"
        (path,) = [
            [step.tactic for step in prover.environment.demonstrations([prover.environment.theorem("id")])]  # type: ignore[attr-defined]
        ]
        for tactic in path:
            turn = episode.step(tactic)
        assert (turn.reward, turn.terminated) == (1, True)
        assert turn.verdict is not None and set(turn.verdict.rests_on) == {"ax-1", "ax-2", "ax-mp"}


@pytest.mark.skipif(
    not (shutil.which("coqidetop.opt") or shutil.which("coqidetop")),
    reason="no coqidetop is installed; apt-get install coq",
)
def test_rocq_rewards_no_axiom_of_the_policys_own(tmp_path: Path) -> None:
    file = tmp_path / "Mine.v"
    file.write_text("Lemma wrong : forall n : nat, n = n.\nProof. reflexivity. Qed.\n")
    options = {"rocq": {"file": str(file)}}
    cheats = [
        "admit",
        "give_up",
        "exact (cheat _)). Axiom cheat : forall A, A. apply (cheat _",
        "Axiom cheat : forall A, A",
        "Admitted",
        "abstract admit",
    ]
    with open_prover("rocq", options, min_tier="axioms audited") as prover, Episode(prover) as episode:
        (name,) = [theorem.name for theorem in prover.environment.theorems()]
        episode.reset(name)
        for cheat in cheats:
            turn = episode.step(cheat)
            assert (turn.reward, turn.terminated) == (0, False), cheat
        assert episode.step("intro n").outcome == turns.ADVANCED
        assert episode.step("reflexivity").reward == 1


def test_an_episode_ends_after_so_many_steps(prover: Prover) -> None:
    with Episode(prover, EpisodeLimits(max_steps=2)) as episode:
        episode.reset("zero-1")
        assert not episode.step("nonsense").done  # what is rejected counts, or a policy could try for ever
        last = episode.step("dec")
        assert (last.truncated, last.terminated, last.reward) == (True, False, 0)
        with pytest.raises(UsageError, match="zero-1 is over: reset it"):
            episode.step("dec")
        assert not episode.reset("zero-1").done


def test_a_proof_in_the_last_step_counts(prover: Prover) -> None:
    with Episode(prover, EpisodeLimits(max_steps=2)) as episode:
        episode.reset("zero-0")
        episode.step("half")
        last = episode.step("dec")
        assert (last.terminated, last.truncated, last.reward) == (True, False, 1)


def test_what_is_no_tactic_never_reaches_the_prover(prover: Prover) -> None:
    with Episode(prover, EpisodeLimits(max_tactic=100)) as episode:
        episode.reset("zero-0")
        long = episode.step("die" + " " * 98)
        assert (long.outcome, long.steps) == (turns.REJECTED, 1)
        assert "may have 100 characters, this one has 101" in long.message
        assert "surrogate" in episode.step("die\ud800").message


def test_sessions_are_closed(prover: Prover) -> None:
    before = rl_prover.OPEN
    with Episode(prover) as episode:
        for _ in range(3):
            episode.reset("zero-0")
        assert before + 1 == rl_prover.OPEN
        with pytest.raises(UsageError, match="no theorem 'zero-x'"):
            episode.reset("zero-x")
        assert before == rl_prover.OPEN
        with pytest.raises(UsageError, match="reset it with a theorem first"):
            episode.step("dec")
        episode.reset("zero-0")
    assert before == rl_prover.OPEN


def test_a_fault_of_the_prover_has_its_name(prover: Prover) -> None:
    with Episode(prover) as episode:
        episode.reset("zero-0")
        with pytest.raises(ComponentError, match=r"environment 'rl-prover'.*out of order"):
            episode.step("raise")


def test_an_episode_is_taken_up_where_another_was(prover: Prover) -> None:
    with Episode(prover, EpisodeLimits(max_steps=5)) as episode:
        taken = episode.restore("zero-0", ("half",), 3)
        assert (taken.state, taken.steps) == ("1 is 0", 3)
        assert episode.step("dec").steps == 4
        with pytest.raises(UsageError, match="no episode can begin after 1 tactics: the environment answers rejected"):
            episode.restore("zero-0", ("nonsense",), 1)


def test_a_theorem_that_is_closed_at_once_is_over_before_it_began() -> None:
    with open_prover("metamath", min_tier="axioms audited") as prover, Episode(prover) as episode:
        closed = next(
            turn
            for theorem in prover.environment.theorems()
            if (turn := episode.reset(theorem.name)).outcome != turns.BEGUN
        )
        assert (closed.outcome, closed.done, closed.reward, closed.state) == (turns.CLOSED, True, 0, "")
        with pytest.raises(UsageError, match="is over"):
            episode.step("a1i")
