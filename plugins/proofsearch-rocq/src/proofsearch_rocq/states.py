"""States of a search: goals as texts, and what tells states apart."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Sequence
from functools import cached_property

from proofsearch import Goal
from proofsearch_rocq.transport.interface import Goals, OpenGoal, Place

RULE = "=" * 28
"""Between the hypotheses of a goal and what is to be shown, as the prover itself prints it."""

SHELVED = "shelved"
"""Heads what has no value yet and is no goal: existential variables that goals share."""

IMPLICIT = "implicit"
"""Heads digests of what isn't shown, where it is all that tells two states apart."""

CUT = "not shown whole"
"""Heads a digest of the way to a state of which something was left out."""

_VARIABLE = re.compile(r"\?([^\W\d][\w']*)")


class RocqState:
    """An open proof; see :class:`proofsearch.types.ProofState`.

    Two states are equal where all that the prover knows of their goals is equal: goals in their order, and the
    existential variables without a value, with their names, because a tactic may name them. How a state was reached
    makes no difference.

    Args:
        session: whose state it is.
        place: where it is in the prover's document.
        found: what the prover says is left there.
        text: the goals, then the shelved existential variables, a blank line before each but the first.
        given_up: how many goals the prover counts as given up that are other parts' affair.
    """

    __slots__ = ("__dict__", "found", "given_up", "place", "session", "text")

    def __init__(self, session: object, place: Place, found: Goals, text: str, given_up: int = 0) -> None:
        self.session = session
        self.place = place
        self.found = found
        self.text = text
        self.given_up = given_up

    @property
    def num_goals(self) -> int:
        """How many goals are open."""
        return len(self.found.open)

    @cached_property
    def goals(self) -> Sequence[Goal]:
        """The open goals."""
        return tuple([Goal(text_of(goal)) for goal in self.found.open])

    @property
    def key(self) -> Hashable:
        """The text, which tells states apart."""
        return self.text


class Texts:
    """The texts of a session's states: those that are shown alike and aren't get different ones."""

    def __init__(self) -> None:
        self._hidden: dict[str, tuple[str, ...]] = {}

    def text(self, found: Goals, place: Place) -> str:
        """A state's text. Where an earlier state had the same and hid something else, a line says so.

        States that the prover can't show whole are told apart by the way to them, so two of them are never one.
        """
        shown = [text_of(goal) for goal in found.open]
        shown += [f"{SHELVED} ?{goal.name}\n{text_of(goal)}" for goal in found.shelved]
        text = "\n\n".join(shown)
        hidden = tuple([goal.hidden for goal in (*found.open, *found.shelved)])
        if any(goal.cut for goal in (*found.open, *found.shelved)):
            way = "\0".join(step.sentence for step in place.way(0))
            return f"{text}\n\n{CUT} {hashlib.blake2b(way.encode(), digest_size=6).hexdigest()}"
        if self._hidden.setdefault(text, hidden) != hidden:
            text += f"\n\n{IMPLICIT} {' '.join(filter(None, hidden)) or 'nothing'}"
        return text


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
