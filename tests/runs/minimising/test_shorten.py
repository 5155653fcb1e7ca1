"""Would catch: proofs that get longer or don't hold, parts that are put together wrongly, a bound that is not kept."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.protocols import GenerationRequest, TacticGenerator
from proofsearch.runs.minimising.shorten import Accepted, Bounded, Minimiser
from proofsearch.runs.minimising.subproofs import Subproofs, follow
from proofsearch.testing.countdown import CountdownSession
from proofsearch.types import Advanced, Candidate, Finished, ProofState, Rejected, Theorem, Verdict

THEOREM = Theorem("t", "n is 0")
RULES = ("dec", "half", "split")


class Uniform(TacticGenerator):
    """Each rule is as likely as the others, so that the likeliest path is the shortest."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        return [[Candidate(tactic, math.log(1 / 3)) for tactic in RULES[:n]] for _ in requests]


class Whole:
    """A session that can neither take states apart nor list tactics."""

    def __init__(self, inner: CountdownSession) -> None:
        self.initial, self.step, self.close = inner.initial, inner.step, inner.close


def finishes(session: Any, tactics: Sequence[str]) -> bool:
    outcome = session.initial()
    for tactic in tactics:
        if not isinstance(outcome, Advanced):
            return False
        outcome = session.step(outcome.state, tactic)
    return isinstance(outcome, Finished)


def shortest_of_all(session: Any) -> int:
    """Steps of the shortest path, breadth first."""
    waiting, seen = deque([(session.initial().state, 0)]), set()
    while True:
        state, depth = waiting.popleft()
        for tactic in RULES:
            outcome = session.step(state, tactic)
            if isinstance(outcome, Finished):
                return depth + 1
            if isinstance(outcome, Advanced) and outcome.state.key not in seen:
                seen.add(outcome.state.key)
                waiting.append((outcome.state, depth + 1))


def accepted(session: Any, tactics: tuple[str, ...]) -> Accepted | None:
    verdict = Verdict(True, "test", rests_on=tuple(sorted(set(tactics))))
    return Accepted(tactics, verdict, "\n".join(tactics)) if finishes(session, tactics) else None


def minimised(session: Any, tactics: tuple[str, ...], **how: Any) -> tuple[Accepted, Minimiser]:
    known = accepted(session, tactics)
    assert known is not None
    check = how.pop("check", lambda path: accepted(session, path))
    recorded = how.pop("recorded", {})
    minimiser = Minimiser(THEOREM, session, Uniform(), check, **{"expansions": 5000} | how)
    return minimiser.run(known, recorded), minimiser


@pytest.mark.parametrize("number", [1, 2, 7, 9, 12, 17])
def test_with_room_enough_the_shortest_path_of_all_is_found(number: int) -> None:
    session = Whole(CountdownSession(number, {}))
    best, _ = minimised(session, ("dec",) * number)
    assert len(best.tactics) == shortest_of_all(session)
    assert finishes(session, best.tactics)


@given(st.integers(1, 24), st.lists(st.sampled_from(RULES), max_size=30), st.integers(0, 12))
@settings(max_examples=25, deadline=None)
def test_what_is_found_is_a_proof_and_never_longer(number: int, drawn: list[str], expansions: int) -> None:
    session = CountdownSession(number, {})
    tactics: list[str] = []
    outcome: Any = session.initial()
    for tactic in [*drawn, *["dec"] * 400]:  # any proof, however roundabout
        stepped = session.step(outcome.state, tactic)
        if isinstance(stepped, Rejected):
            continue
        tactics.append(tactic)
        outcome = stepped
        if isinstance(outcome, Finished):
            break
    best, minimiser = minimised(session, tuple(tactics), expansions=expansions)
    assert finishes(session, best.tactics)
    assert shortest_of_all(session) <= len(best.tactics) <= len(tactics)
    lengths = [len(one.tactics) for one in minimiser.found]
    assert lengths == sorted(set(lengths), reverse=True)


def test_a_part_is_replaced_by_an_earlier_theorem_without_any_search() -> None:
    session = CountdownSession(40, {"seven": 7, "ten": 10})
    assert len(minimised(session, ("half", "half", *["dec"] * 10), expansions=0)[0].tactics) == 3
    assert minimised(session, ("half", "half", *["dec"] * 10), expansions=0)[0].tactics == ("half", "half", "use ten")
    kept, effort = minimised(session, ("half", "half", *["dec"] * 10), expansions=0, lemmas=False)
    assert (kept.tactics, effort.effort.steps) == (("half", "half", *["dec"] * 10), 0)


def test_what_the_check_refuses_is_forgotten_and_others_are_tried() -> None:
    session = CountdownSession(40, {"ten": 10})

    def check(tactics: tuple[str, ...]) -> Accepted | None:
        return None if "use ten" in tactics else accepted(session, tactics)

    best, _ = minimised(session, ("half", "half", *["dec"] * 10), check=check)
    assert "use ten" not in best.tactics
    assert len(best.tactics) == shortest_of_all(CountdownSession(40, {}))


def test_a_proof_with_fewer_tactics_that_is_longer_when_written_does_not_count() -> None:
    session = CountdownSession(8, {})

    def check(tactics: tuple[str, ...]) -> Accepted:
        return Accepted(tactics, Verdict(True, "test"), "", steps=20 - len(tactics))

    known = check(("dec",) * 8)
    best = Minimiser(THEOREM, session, Uniform(), check, expansions=500).run(known, {})
    assert best == known
    assert known.longer_than(Accepted(("dec",) * 7, known.verdict, "", 13))
    assert Accepted(("dec",) * 8, known.verdict, "", 11).shorter_than(known)
    assert not Accepted(("dec",) * 8, known.verdict, "", 12).shorter_than(known)


def test_what_was_recorded_is_taken_without_a_search() -> None:
    session = Whole(CountdownSession(16, {}))
    recorded = {"16 is 0": "half", "8 is 0": "half", "4 is 0": "half", "2 is 0": "half", "1 is 0": "dec"}
    best, minimiser = minimised(session, ("dec",) * 16, recorded=recorded, expansions=0)
    assert best.tactics == ("half", "half", "half", "half", "dec")
    assert minimiser.effort.searches == 0
    for broken in ({"16 is 0": "half"}, {"16 is 0": "split"}, {"16 is 0": "nonsense"}):
        assert minimised(session, ("dec",) * 16, recorded=broken, expansions=0)[0].tactics == ("dec",) * 16


def test_parts_are_put_together_in_the_order_in_which_they_are_met() -> None:
    session = CountdownSession(9, {})
    initial = session.initial()
    assert isinstance(initial, Advanced)
    subproofs = Subproofs(session, initial.state)
    steps = subproofs.steps(initial.state, ["split", "dec", "dec", "dec", "dec", *["dec"] * 5])
    assert steps is not None
    subproofs.add(steps)
    assert subproofs.cost(initial.state) == 10
    assert subproofs.proof(10) == ("split", *["dec"] * 9)
    assert subproofs.proof(9) is None
    better = subproofs.add(subproofs.steps(state(session, 4), ["half", "half", "dec"]) or [])
    assert subproofs.cost(initial.state) == 8, "four in three steps, and five by way of it in four"
    # The two parts are met side by side, and what both need is proved for each.
    assert subproofs.proof(10) == ("split", "half", "half", "dec", "dec", "half", "half", "dec")
    subproofs.forget(better)
    assert subproofs.cost(initial.state) == 10
    assert subproofs.steps(initial.state, ["dec"]) is None, "it doesn't finish"
    assert subproofs.steps(initial.state, ["nonsense", "dec"]) is None
    assert follow(session, subproofs, initial.state, {"9 is 0": "dec"}) == ()


def state(session: CountdownSession, number: int) -> ProofState:
    outcome = CountdownSession(number, {}).initial()
    assert isinstance(outcome, Advanced)
    return outcome.state


@pytest.mark.parametrize("most", [1, 2, 3, 6])
def test_a_bounded_part_has_no_state_with_more_parts_than_steps_left(most: int) -> None:
    session = CountdownSession(9, {})
    bounded = Bounded(session, state(session, 9), most)
    split = bounded.step(state(session, 9), "split")
    assert isinstance(split, Advanced if most >= 3 else Rejected)
    one = bounded.step(state(session, 9), "dec")
    assert isinstance(one, Advanced if most >= 2 else Rejected)
    assert [type(outcome) for outcome in bounded.step_many(state(session, 9), ["split", "dec"])] == [
        type(split),
        type(one),
    ]
