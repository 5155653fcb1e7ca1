"""States of a search: goals as texts, and what tells states apart."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from functools import cached_property

from proofsearch import Goal
from proofsearch_rocq.transport.interface import Goals, OpenGoal, Place

RULE = "=" * 28
"""Between the hypotheses of a goal and what is to be shown, as the prover itself prints it."""

SHELVED = "shelved"
"""Heads what has no value yet and is no goal: existential variables that goals share."""

_VARIABLE = re.compile(r"\?([^\W\d][\w']*)")


class RocqState:
    """An open proof; see :class:`proofsearch.protocols.ProofState`.

    Two states are equal where all that the prover shows of them is equal: goals in their order, and the existential
    variables without a value, with their names, because a tactic may name them. How a state was reached makes no
    difference.

    Args:
        session: whose state it is.
        place: where it is in the prover's document.
        found: what the prover says is left there.
        given_up: how many goals the prover counts as given up that are other parts' affair.
    """

    __slots__ = ("__dict__", "found", "given_up", "place", "session")

    def __init__(self, session: object, place: Place, found: Goals, given_up: int = 0) -> None:
        self.session = session
        self.place = place
        self.found = found
        self.given_up = given_up

    @property
    def num_goals(self) -> int:
        """How many goals are open."""
        return len(self.found.open)

    @cached_property
    def goals(self) -> Sequence[Goal]:
        """The open goals."""
        return tuple([Goal(text_of(goal)) for goal in self.found.open])

    @cached_property
    def text(self) -> str:
        """The goals, then the shelved existential variables, a blank line before each but the first."""
        return state_text(self.found)

    @property
    def key(self) -> Hashable:
        """The text."""
        return self.text


def state_text(found: Goals) -> str:
    """What a state is shown as."""
    shown = [text_of(goal) for goal in found.open]
    shown += [f"{SHELVED} ?{goal.name}\n{text_of(goal)}" for goal in found.shelved]
    return "\n\n".join(shown)


def text_of(goal: OpenGoal) -> str:
    """A goal's text: its hypotheses, one a line, and what is to be shown."""
    return "\n".join((*goal.hypotheses, RULE, goal.conclusion))


def variables(text: str) -> frozenset[str]:
    """The names of the existential variables in a text."""
    return frozenset(_VARIABLE.findall(text))


def independent(names: Sequence[str], texts: Sequence[str]) -> Sequence[Sequence[int]]:
    """Which goals hang together by existential variables.

    Args:
        names: of the goals' own variables.
        texts: of the goals, with nothing left implicit.

    Returns:
        Groups of numbers of goals, each rising, in the order of their first goals.
    """
    groups: list[tuple[set[str], list[int]]] = []
    for number, (name, text) in enumerate(zip(names, texts, strict=True)):
        touched = {name, *variables(text)} - {""}
        members = [number]
        apart = []
        for others, known in groups:
            if touched & others:
                touched |= others
                members += known
            else:
                apart.append((others, known))
        groups = [*apart, (touched, members)]
    return sorted((sorted(members) for _, members in groups), key=lambda group: group[0])
