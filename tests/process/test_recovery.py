"""A prover that dies costs one more attempt, and never the search."""

from __future__ import annotations

from proofsearch import Crashed, TimedOut
from proofsearch.process.recovery import LostError, tried_again


class Prover:
    """Answers, or dies, as it is told; may be interrupted as it dies."""

    def __init__(self, *deaths: str, interrupted_by: str = "") -> None:
        self.deaths = list(deaths)
        self.asked = 0
        self.interrupted_by = interrupted_by
        self.interrupted = False

    def ask(self) -> str:
        self.asked += 1
        if self.deaths:
            death = self.deaths.pop(0)
            self.interrupted = death == self.interrupted_by
            raise LostError(death)
        return "answer"

    def outcome(self) -> object:
        return tried_again(self.ask, lambda: self.interrupted)


def test_a_prover_that_lives_is_asked_once() -> None:
    prover = Prover()
    assert prover.outcome() == "answer"
    assert prover.asked == 1


def test_an_accident_is_tried_again_and_a_second_one_is_the_steps_own() -> None:
    assert Prover("killed").outcome() == "answer"
    prover = Prover("killed", "it ended")
    assert prover.outcome() == Crashed("it ended")
    assert prover.asked == 2


def test_an_interrupt_is_no_crash_and_nothing_is_tried_after_it() -> None:
    for prover in (Prover("killed", interrupted_by="killed"), Prover("accident", "killed", interrupted_by="killed")):
        deaths = len(prover.deaths)
        assert prover.outcome() == TimedOut("interrupted")
        assert prover.outcome() == TimedOut("interrupted")
        assert prover.asked == deaths
