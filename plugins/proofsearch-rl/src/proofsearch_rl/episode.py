"""An episode: one theorem proved tactic by tactic, rewarded by an independent check and by nothing else.

The reward can't be reached around the check. What a session says of a step decides only whether the path is checked;
the path then goes the way of every search's: it is written as a whole proof, and the environment checks that text
afresh (:class:`proofsearch.runs.checking.Checking`). So a tactic that closes the goals by an axiom of its own, by the
theorem itself or by a prover's fault gets what the check says of the proof, and a check that went less far than wanted
accepts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from proofsearch.errors import UsageError
from proofsearch.protocols import ReleasesStates, Session
from proofsearch.types import Advanced, Crashed, Finished, Outcome, ProofState, Rejected, Theorem, TimedOut, Verdict
from proofsearch_rl import turn
from proofsearch_rl.limits import EpisodeLimits
from proofsearch_rl.turn import Turn

if TYPE_CHECKING:
    from proofsearch.runs.prover import Prover

_FAILURES = {Rejected: turn.REJECTED, TimedOut: turn.TIMED_OUT, Crashed: turn.CRASHED}


class Episode:
    """One theorem at a time, of one prover. Not shared between threads.

    Args:
        prover: the environment with its check, from :func:`proofsearch.open_prover`.
        limits: the bounds. Their ``min_tier`` has to be the one that the prover was opened with.
    """

    def __init__(self, prover: Prover, limits: EpisodeLimits | None = None) -> None:
        self._prover = prover
        self._limits = limits or EpisodeLimits()
        if prover.min_tier != self._limits.min_tier:
            raise UsageError(
                f"the prover was opened for checks from {prover.min_tier!r} on and the episode asks for "
                f"{self._limits.min_tier!r}; open it with open_prover(…, min_tier={self._limits.min_tier!r})"
            )
        self._session: Session | None = None
        self._theorem: Theorem | None = None
        self._state: ProofState | None = None
        self._path: list[str] = []
        self._steps = 0
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def path(self) -> Sequence[str]:
        """The tactics from the theorem to the state."""
        return tuple(self._path)

    def reset(self, theorem: str) -> Turn:
        """Begins a theorem anew.

        Returns:
            The theorem as a state. Where the environment closes it at once, the episode is over before it began.

        Raises:
            UsageError: there is no such theorem, or it can't be opened.
        """
        return self.restore(theorem, (), 0)

    def restore(self, theorem: str, path: Sequence[str], steps: int) -> Turn:
        """Takes an episode up where another one was.

        Args:
            theorem: by name.
            path: the tactics that advanced it.
            steps: how many were tried.

        Raises:
            UsageError: there is no such theorem, or it can't be brought there.
        """
        self.close()
        found = self._prover.environment.theorem(theorem)
        session = self._prover.environment.open(found)
        self._session, self._theorem = session, found
        outcome = session.initial()
        for tactic in path:
            if not isinstance(outcome, Advanced):
                break
            outcome = session.step(outcome.state, tactic)
        self._path, self._steps = list(path), steps
        if isinstance(outcome, Advanced):
            self._state = outcome.state
            return self._turn(turn.BEGUN)
        if isinstance(outcome, Finished) and not path:
            return self._turn(turn.CLOSED)
        self.close()
        why = f"the environment answers {type(outcome).__name__.lower()}{_because(outcome)}"
        raise UsageError(f"{theorem}: no episode can begin after {len(path)} tactics: {why}; take another theorem")

    def step(self, tactic: str) -> Turn:
        """Tries a tactic at the state.

        Returns:
            The new state where it advanced; otherwise the old one, where another tactic can be tried. A finished path
            that the check refuses is such a failure too.

        Raises:
            UsageError: no episode is under way.
        """
        if self._session is None or self._theorem is None:
            raise UsageError("no episode is under way: reset it with a theorem first")
        if self._over or self._state is None:
            raise UsageError(f"the episode of {self._theorem.name} is over: reset it")
        self._steps += 1
        if complaint := self._unfit(tactic):
            return self._turn(turn.REJECTED, complaint)
        outcome = self._session.step(self._state, tactic)
        if isinstance(outcome, Advanced):
            before, self._state = self._state, outcome.state
            self._path.append(tactic)
            if isinstance(self._session, ReleasesStates) and before.key != outcome.state.key:
                self._session.release((before,))
            return self._turn(turn.ADVANCED)
        if isinstance(outcome, Finished):
            verdict, _ = self._prover.check(self._theorem, (*self._path, tactic))
            if not verdict.proved:
                return self._turn(turn.REFUSED, verdict.message, verdict)
            self._path.append(tactic)
            return self._turn(turn.PROVED, verdict=verdict)
        return self._turn(_FAILURES[type(outcome)], outcome.message)

    def close(self) -> None:
        """Ends the episode that is under way, if any. Idempotent."""
        session, self._session = self._session, None
        self._theorem, self._state, self._path, self._over = None, None, [], False
        if session is not None:
            session.close()

    def _unfit(self, tactic: str) -> str:
        """Why a tactic is no text that a prover should see; empty if it is."""
        if len(tactic) > self._limits.max_tactic:
            return f"a tactic may have {self._limits.max_tactic} characters, this one has {len(tactic)}"
        try:
            tactic.encode()
        except UnicodeEncodeError:
            return "a tactic is Unicode text, and this one has half of a surrogate pair"
        return ""

    def _turn(self, outcome: str, message: str = "", verdict: Verdict | None = None) -> Turn:
        assert self._theorem is not None
        proved = outcome == turn.PROVED
        state = None if proved else self._state
        self._over = state is None or self._steps >= self._limits.max_steps
        return Turn(
            theorem=self._theorem.name,
            statement=self._theorem.statement,
            state="" if state is None else state.text,
            goals=0 if state is None else state.num_goals,
            steps=self._steps,
            outcome=outcome,
            message=message,
            reward=1.0 if verdict is not None and verdict.proved else 0.0,
            terminated=proved,
            truncated=self._over and not proved,
            verdict=verdict,
        )


def _because(outcome: Outcome) -> str:
    message = getattr(outcome, "message", "")
    return f" ({message})" if message else ""
