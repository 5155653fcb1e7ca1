"""One theorem being searched: states are paths of tactics, tried by a transport."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proofsearch import Advanced, Outcome, ProofState, Rejected, State
from proofsearch.protocols import Usage
from proofsearch_lean.scripts import flaw
from proofsearch_lean.statements import LeanTheorem
from proofsearch_lean.states import Way, state_of
from proofsearch_lean.transports import Open, Result, Transport


class LeanSession:
    """One theorem being searched; see :class:`proofsearch.protocols.Session`.

    Args:
        theorem: what is to be proved.
        transport: where scripts are tried; the session's until it is closed.
        give_back: takes the transport when the session is closed.
    """

    def __init__(self, theorem: LeanTheorem, transport: Transport, give_back: Callable[[Transport], None]) -> None:
        self._theorem = theorem
        self._transport = transport
        self._give_back = give_back
        self._initial: Outcome | None = None
        self._closed = False

    def initial(self) -> Outcome:
        """The untouched theorem; ``Rejected`` where the statement, or the text before it, has an error."""
        if self._initial is None:
            self._initial = self._outcome(self._transport.begin(self._theorem), ())
        return self._initial

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Tries a tactic at a state; see :meth:`proofsearch.protocols.Session.step`."""
        path = self._path(state)
        wrong = flaw(tactic)
        if wrong:
            return Rejected(wrong)
        path = (*path, tactic)
        return self._outcome(self._transport.trial(path), path)

    def replay(self, tactics: Sequence[str]) -> Result:
        """What becomes of a whole path in this session."""
        result = self._transport.begin(self._theorem)
        return self._transport.trial(tactics) if tactics and isinstance(result, Open) else result

    def usage(self) -> Usage:
        """What the process uses that tries this session's scripts."""
        return self._transport.usage()

    def processor_seconds(self) -> float:
        """How long processors worked for the processes that try scripts, so far."""
        return self._transport.processor_seconds()

    def renew(self) -> None:
        """Has that process replaced with the next step."""
        self._transport.renew()

    def interrupt(self) -> None:
        """Ends the step under way, and every later one at once; from any thread."""
        self._transport.interrupt()

    def close(self) -> None:
        """Gives the transport back. Idempotent."""
        if not self._closed:
            self._closed = True
            self._give_back(self._transport)

    def _path(self, state: ProofState) -> tuple[str, ...]:
        way = state.handle if isinstance(state, State) else None
        if not isinstance(way, Way):
            raise TypeError(f"a Lean session steps its own states, not {type(state).__name__}")
        if way.session is not self:
            raise ValueError("a Lean session steps its own states; this one is another session's")
        return way.path

    def _outcome(self, result: Result, path: tuple[str, ...]) -> Outcome:
        return Advanced(state_of(result.goals, Way(self, path))) if isinstance(result, Open) else result
