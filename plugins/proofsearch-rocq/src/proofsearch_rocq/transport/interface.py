"""Places in a file, and what a prover says there, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpenGoal:
    """A goal as the prover prints it.

    Attributes:
        name: of its existential variable, without the question mark; ``""`` where the prover doesn't say.
        hypotheses: one each, ``"n : nat"`` or ``"x := 3 : nat"``.
        conclusion: what is to be shown.
        hidden: differs between goals that are shown alike and aren't, because implicit arguments or coercions differ;
            ``""`` where nothing is hidden.
        cut: whether the prover has left out what is nested too deeply, so that goals that differ may look alike.
    """

    name: str
    hypotheses: tuple[str, ...]
    conclusion: str
    hidden: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Goals:
    """What is left to be proved.

    Attributes:
        open: goals in focus; the next tactic acts on the first.
        background: how many are out of focus.
        shelved: existential variables that have no value yet and are no open goals.
        given_up: how many were given up.
    """

    open: tuple[OpenGoal, ...]
    background: int = 0
    shelved: tuple[OpenGoal, ...] = ()
    given_up: int = 0

    @property
    def done(self) -> bool:
        """Whether nothing at all is left."""
        return not (self.open or self.background or self.shelved or self.given_up)


@dataclass(frozen=True, slots=True)
class Failure:
    """A sentence that the prover refused.

    Attributes:
        message: what it said.
        timed_out: whether it ran out of its time.
    """

    message: str
    timed_out: bool = False


class Place:
    """A place in a file's text: behind a sentence, which stands behind another place.

    Places are compared by identity. A transport may keep with each what it needs to get there again.

    Args:
        before: the place before the sentence; ``None`` for the beginning of a file, which has none.
        sentence: what leads from there to here.
        timed: whether it is a step of ours, to which the time-out of tactics applies.
    """

    __slots__ = ("before", "depth", "sentence", "timed")

    def __init__(self, before: Place | None, sentence: str, timed: bool = False) -> None:
        self.before = before
        self.sentence = sentence
        self.timed = timed
        self.depth: int = 0 if before is None else before.depth + 1

    def way(self, depth: int) -> Sequence[Place]:
        """The places from that depth, excluded, to this one."""
        places: list[Place] = []
        place: Place | None = self
        while place is not None and place.depth > depth:
            places.append(place)
            place = place.before
        return places[::-1]
