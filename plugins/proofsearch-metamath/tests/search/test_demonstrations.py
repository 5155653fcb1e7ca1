"""The library's own proofs, replayed through the search."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import groupby

import pytest
from proofsearch_metamath.environment import MetamathEnvironment

from proofsearch import Advanced, Demonstration, Finished

Open = Callable[..., MetamathEnvironment]


@pytest.fixture(scope="module")
def replays(prefix: MetamathEnvironment) -> dict[str, list[Demonstration]]:
    """By theorem, the steps of a sample of the prefix's proofs."""
    theorems = random.Random(11).sample(list(prefix.theorems()), 150)
    steps = prefix.demonstrations(theorems)
    found = {name: list(group) for name, group in groupby(steps, key=lambda step: step.theorem.name)}
    assert prefix.skipped_demonstrations == 0
    for theorem in theorems:  # what closes at once has no steps
        if theorem.name not in found:
            assert isinstance(prefix.open(theorem).initial(), Finished)
            found[theorem.name] = []
    return found


def test_human_proofs_become_proofs_again(prefix: MetamathEnvironment, replays: dict[str, list[Demonstration]]) -> None:
    """Reader, unifier, session, elaboration and verifier have to agree on real mathematics."""
    for name, steps in replays.items():
        theorem = prefix.theorem(name)
        verdict = prefix.verify(theorem, prefix.write_proof(theorem, [step.tactic for step in steps]))
        assert verdict.proved, f"{name}: {verdict.message}"


def test_a_replay_meets_the_states_of_a_search(
    prefix: MetamathEnvironment, replays: dict[str, list[Demonstration]]
) -> None:
    """A policy learns from these texts and is asked about those; extra conditions or goals would mislead it."""
    steps_seen = 0
    for name, steps in replays.items():
        session = prefix.open(prefix.theorem(name))
        outcome = session.initial()
        for step in steps:
            assert isinstance(outcome, Advanced)
            assert outcome.state.text == step.state.text
            assert [goal.text for goal in outcome.state.goals] == [goal.text for goal in step.state.goals]
            outcome = session.step(outcome.state, step.tactic)
            steps_seen += 1
        assert isinstance(outcome, Finished)
        assert [step.remaining for step in steps] == list(range(len(steps), 0, -1))
    assert steps_seen > 400


def test_the_texts_of_a_replay(opened: Open) -> None:
    environment = opened()
    (theorem,) = [theorem for theorem in environment.theorems() if theorem.name == "syl"]
    steps = list(environment.demonstrations([theorem]))
    assert [(step.state.goals[0].text, step.tactic, step.remaining) for step in steps] == [
        ("|- ( ph -> ch )", "mpd", 3),
        ("|- ( ph -> ( &W1 -> ch ) )", "a1i", 2),
        ("|- ( &W1 -> ch )", "hyp 1", 1),
    ]


@pytest.mark.parametrize(
    "proof",
    [
        "?",  # unfinished
        "wph nothing",  # no such label
        "wph wph wi",  # another statement's syntax
        "wps id",  # applies, to something else: the hypothesis of the replay, id, closes the goal in truth
        "wph wph ax-1",  # does not unify
        "wph th",  # itself
        "wph later",  # later
        "ax-mp",  # too few on the stack
        "wph wph wps id wps id ax-mp",  # ax-mp on what doesn't fit
        "wph ( wi",
        "( id ) ZZ",
        "( id ) AB",  # leaves two
        "syl.1",  # a hypothesis of another theorem
        "vx",
        "idi.1",  # its own hypothesis, which says something else
    ],
)
def test_wrong_proofs_are_skipped(proof: str, opened: Open) -> None:
    """Nothing has verified the database; a wrong proof in it must not end the run."""
    environment = opened(
        f"${{ idi.1 $e |- A = B $. th $p |- ( ( ph -> ps ) -> ( ph -> ps ) ) $= {proof} $. $}} "
        "later $p |- ( ph -> ph ) $= wph id $."
    )
    steps = list(environment.demonstrations([environment.theorem("th"), environment.theorem("syl")]))
    assert len([step for step in steps if step.theorem.name == "syl"]) == 3
    of_it = [step for step in steps if step.theorem.name == "th"]
    assert of_it == []


def test_long_proofs_are_skipped(opened: Open) -> None:
    environment = opened(max_demonstration=2)
    theorems = [environment.theorem(name) for name in ("a1i", "syl")]
    assert {step.theorem.name for step in environment.demonstrations(theorems)} == {"a1i"}
    assert environment.skipped_demonstrations == 1


def test_comments_and_line_ends_inside_a_proof(small: str, opened: Open) -> None:
    """Offsets are of the characters in the file, whatever its line ends, and comments may hold anything."""
    proof = "wph $( not ax-mp $. $)\r\n wps wch syl.1 $( $= $) wps wch wi wph syl.2 a1i mpd"
    environment = opened(start=small.replace("( wi a1i mpd ) ABCDBCFAEGH", proof).replace("\n", "\r\n"))
    assert [step.tactic for step in environment.demonstrations([environment.theorem("syl")])] == ["mpd", "a1i", "hyp 1"]
