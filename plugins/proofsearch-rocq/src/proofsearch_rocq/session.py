"""One lemma being searched: states are places in the prover's document, reached by tactics."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proofsearch import Advanced, Crashed, Finished, Outcome, ProofState, Rejected, TimedOut
from proofsearch.process.recovery import LostError, tried_again
from proofsearch.protocols import Usage
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.states import RocqState, Texts, independent
from proofsearch_rocq.tactics import Tactic, read_tactic
from proofsearch_rocq.transport.base import Transport
from proofsearch_rocq.transport.interface import Failure, Goals, Place
from proofsearch_rocq.transport.process import DeadlineError

UNSHELVE = "Unshelve."
"""Makes goals of what is left when no goal is; the one sentence of a proof that is no tactic."""

_LONGEST = 2000
"""Characters of a message that are kept: some errors print whole terms."""


class RocqSession:
    """One lemma being searched; see :class:`proofsearch.protocols.Session`.

    Args:
        lemma: what is to be proved.
        transport: a prover for its file; the session's until it is closed.
        max_state: characters of a state's text at most.
        give_back: takes the transport when the session is closed.
    """

    def __init__(
        self, lemma: Lemma, transport: Transport, max_state: int, give_back: Callable[[Transport], None]
    ) -> None:
        self._lemma = lemma
        self._transport = transport
        self._max_state = max_state
        self._give_back = give_back
        self._initial: Outcome | None = None
        self._parts: dict[Place, Sequence[RocqState]] = {}
        self._texts = Texts()
        self._closed = False

    # -- the session's contract ----------------------------------------------------------------------------------

    def initial(self) -> Outcome:
        """The untouched lemma; ``Rejected`` where its statement, or what stands before it, has an error."""
        if self._initial is None:
            self._initial = self._open_root()
        return self._initial

    def _open_root(self) -> Outcome:
        place = Place(Place(self._transport.start(self._lemma), self._lemma.statement), "Proof.")
        try:
            found = tried_again(lambda: self._transport.go(place), lambda: self._transport.interrupted)
        except DeadlineError as error:
            return TimedOut(f"what stands before the first tactic: {error}")
        if isinstance(found, Crashed):
            return Crashed(f"what stands before the first tactic: {found.message}")
        if isinstance(found, TimedOut):
            return found
        if isinstance(found, Failure):
            return Rejected(f"the statement, or what stands before it, has an error: {_short(found.message)}")
        if not found.open:
            return Rejected("the statement opens no proof")
        return Advanced(self._state(place, found))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        """Tries a tactic at a state; see :meth:`proofsearch.protocols.Session.step`."""
        state = self._own(state)
        try:
            sentence = self.interpret(state, tactic).sentence
        except ValueError as error:
            return Rejected(f"it is no tactic: {error}")
        try:
            return tried_again(lambda: self._try(state, sentence), lambda: self._transport.interrupted)
        except DeadlineError as error:
            return TimedOut(str(error))

    def parts(self, state: ProofState) -> Sequence[RocqState]:
        """Goals that share no existential variable; the state itself alone where one is shelved."""
        state = self._own(state)
        if state.num_goals == 1 or state.found.shelved:
            return (state,)
        if state.place not in self._parts:
            self._parts[state.place] = self._split(state)
        return self._parts[state.place]

    def interpret(self, state: RocqState, tactic: str) -> Tactic:
        """What a tactic's text means at a state.

        A goal selector counts the goals of the first part alone, so that a step leaves other parts as they are.

        Raises:
            ValueError: it is no tactic, or there is no such goal.
        """
        read = read_tactic(tactic)
        parts = self.parts(state) if read.selector else (state,)
        if len(parts) == 1:
            return read
        names = [goal.name for goal in state.found.open]
        first = [number for number, goal in enumerate(state.found.open, start=1) if goal in parts[0].found.open]
        return read.restricted(names, first)

    def usage(self) -> Usage:
        """What the prover's process uses."""
        return self._transport.usage()

    def processor_seconds(self) -> float:
        """How long processors worked for the prover's processes, so far."""
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

    def _own(self, state: ProofState) -> RocqState:
        if not isinstance(state, RocqState):
            raise TypeError(f"a Rocq session steps its own states, not {type(state).__name__}")
        if state.session is not self:
            raise ValueError("a Rocq session steps its own states; this one is another session's")
        return state

    # -- stepping ------------------------------------------------------------------------------------------------

    def _try(self, state: RocqState, sentence: str) -> Outcome:
        found = self._transport.trial(state.place, sentence)
        if isinstance(found, Failure):
            return TimedOut(found.message) if found.timed_out else Rejected(_short(found.message))
        if found.given_up > state.given_up:
            return Rejected("it gives a goal up")
        place = Place(state.place, sentence, timed=True)
        if not found.open and found.shelved:
            place = Place(place, UNSHELVE)
            unshelved = self._transport.go(place)
            if isinstance(unshelved, Failure) or not unshelved.open:
                return Rejected("it leaves existential variables without a value")
            found = unshelved
        if not found.open:
            return Finished() if state.given_up else self._finish(place)
        after = self._state(place, found, state.given_up)
        if len(after.text) > self._max_state:
            return Rejected(f"it leads to a state of more than {self._max_state} characters")
        return Advanced(after)

    def _finish(self, place: Place) -> Outcome:
        """Whether the kernel takes the proof: a recursion may not end, a universe be inconsistent."""
        went = self._transport.go(place)
        if isinstance(went, Failure):
            return Rejected(_short(went.message))
        ended = self._transport.trial(place, "Qed.", timed=False)
        if isinstance(ended, Failure):
            return TimedOut(ended.message) if ended.timed_out else Rejected(f"Qed: {_short(ended.message)}")
        return Finished()

    def _split(self, state: RocqState) -> Sequence[RocqState]:
        """The parts of a state: of each, the other goals are given up, which no proof can do."""
        try:
            found = self._transport.go(state.place)
            if not isinstance(found, Goals):
                return (state,)
            texts = self._transport.full_names()
            groups = independent([goal.name for goal in found.open], texts)
            if len(groups) == 1:
                return (state,)
            return [self._part(state, group) for group in groups]
        except (DeadlineError, LostError):
            return (state,)

    def _part(self, state: RocqState, group: Sequence[int]) -> RocqState:
        others = [number for number in range(state.num_goals) if number not in group]
        sentence = f"{', '.join(str(number + 1) for number in others)}: give_up."
        found = Goals(tuple(state.found.open[number] for number in group), given_up=state.given_up + len(others))
        return self._state(Place(state.place, sentence), found, found.given_up)

    def _state(self, place: Place, found: Goals, given_up: int = 0) -> RocqState:
        return RocqState(self, place, found, self._texts.text(found, place), given_up)


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]} …"
