"""Trying tactics at a node, in order, until one proves it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

from proofsearch.graph import Refused
from proofsearch.protocols import StepsMany, TakesApart
from proofsearch.types import Advanced, Finished, Outcome, ProofState

if TYPE_CHECKING:
    from proofsearch.engine.acceptance import Acceptance
    from proofsearch.engine.timing import StepTimes
    from proofsearch.protocols import Exploration, Session


@dataclass(slots=True)
class Tried:
    """What came of the tactics that were tried at a node.

    Attributes:
        states: what the steps that advanced lead to, in order.
        failures: the outcomes of the others, by their place among the tactics.
        sizes: where states are taken apart, how many of the states each step that advanced leads to.
        refused_parts: the parts that each refused step leads to, by its place.
        proved_by: the place of the tactic that proves the node; -1 if none does.
    """

    states: list[ProofState]
    failures: dict[int, Outcome | Refused]
    sizes: list[int] | None
    refused_parts: dict[int, Sequence[ProofState]]
    proved_by: int = -1

    @property
    def count(self) -> int:
        """How many tactics were tried."""
        return len(self.states if self.sizes is None else self.sizes) + len(self.failures)


class Stepping:
    """Steps the session of one search.

    Args:
        session: of the search; many tactics at once where it can.
        exploration: says what the parts of a state are, where it takes states apart.
        acceptance: is asked whenever a node may be proved.
        times: measures steps that are slow enough.
    """

    def __init__(self, session: Session, exploration: Exploration, acceptance: Acceptance, times: StepTimes) -> None:
        self._session = session
        self._step_many = session.step_many if isinstance(session, StepsMany) else None
        self._apart = exploration if isinstance(exploration, TakesApart) else None
        self._acceptance = acceptance
        self._times = times

    def __call__(
        self, node: int, state: ProofState, tactics: Sequence[str], interrupted: Callable[[], bool] | None
    ) -> Tried:
        """Tries tactics until one proves the node.

        Args:
            node: what is stepped.
            state: its state.
            tactics: the steps.
            interrupted: whether no more is to be tried; asked between two steps.
        """
        apart = self._apart
        tried = Tried([], {}, None if apart is None else [], {})
        states, failures, sizes = tried.states, tried.failures, tried.sizes
        reach, whole = states.append, Advanced if apart is None else None
        for index, outcome in enumerate(self._outcomes(state, tactics)):
            if type(outcome) is whole:
                reach(outcome.state)
            else:
                parts: Sequence[ProofState] = ()
                if type(outcome) is Advanced and apart is not None:
                    parts = apart.parts(outcome.state)
                proves = apart.closes(parts) if parts and apart is not None else type(outcome) is Finished
                refusal = self._acceptance.complete(node, tactics[index]) if proves else None
                if refusal is not None:
                    failures[index] = Refused(refusal)
                    tried.refused_parts[index] = parts
                elif parts and sizes is not None:
                    states += parts
                    sizes.append(len(parts))
                else:
                    failures[index] = outcome
                if proves and refusal is None:
                    tried.proved_by = index
                    break
            if interrupted is not None and index + 1 < len(tactics) and interrupted():
                break
        return tried

    def _outcomes(self, state: ProofState, tactics: Sequence[str]) -> Iterable[Outcome]:
        """The outcomes of stepping a state by each tactic, in order, each made when it is asked for."""
        if self._step_many is not None and len(tactics) > 1:
            return self._times.measured(self._step_many(state, tactics))
        return self._times.measured(map(self._session.step, repeat(state), tactics))
