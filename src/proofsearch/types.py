"""The plain data that crosses every boundary: theorems, states, candidates, outcomes, limits, verdicts.

Nothing here imports anything outside the standard library, so that ``proofsearch --help`` stays fast and every
plugin can depend on it.
"""

from __future__ import annotations

import enum
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Theorem:
    """What is to be proved.

    Attributes:
        name: unique in its environment.
        statement: what it says, as the environment's language writes it.
        source: where it came from, for people: a file and line, a data set and row.
        position: its place in the library's order, from 0; ``None`` where there is no order. What stands at a
            greater or equal position may be neither cited nor learned from in the chronological setting.
        split: ``"train"``, ``"validation"`` or ``"test"``; ``""`` where the environment doesn't split.
        proof_length: number of steps of the library's own proof, in tactics; ``None`` where unknown.
    """

    name: str
    statement: str
    source: str = ""
    position: int | None = None
    split: str = ""
    proof_length: int | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """An expression tree in preorder, for encoders that use structure.

    Attributes:
        symbols: the node labels, shape ``(n,)``.
        arities: the number of children of each node, shape ``(n,)``.
    """

    symbols: tuple[str, ...]
    arities: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal of a state: its text and, where the environment has one, its tree."""

    text: str
    tree: Tree | None = None


class ProofState(Protocol):
    """An open proof, as a value: any earlier state can be stepped again.

    The core reads these four attributes only. ``text`` and ``goals`` may be computed on first use: most states of
    a search are never shown to a model. :class:`State` is a ready-made implementation.
    """

    @property
    def key(self) -> Hashable:
        """Equal keys mean equal states, within one session."""

    @property
    def num_goals(self) -> int:
        """How many goals are open, at least 1."""

    @property
    def goals(self) -> Sequence[Goal]:
        """The open goals; the next tactic acts on the first."""

    @property
    def text(self) -> str:
        """What models read and trajectories keep. Equal states have equal texts, different states different ones."""


@dataclass(frozen=True, slots=True)
class State:
    """A :class:`ProofState` for environments whose states are texts.

    ``handle`` is private to the environment.
    """

    text: str
    goals: tuple[Goal, ...]
    handle: object = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> Hashable:
        """The text: equal texts are equal states."""
        return self.text

    @property
    def num_goals(self) -> int:
        """How many goals are open."""
        return len(self.goals)


THEOREM_LINE = "# theorem: "
"""How a line of a state's text begins that says what the whole search is about.

No environment writes it. Whoever wants an encoder to read a state together with its theorem appends it to the text.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tactic that a generator suggests.

    Attributes:
        tactic: the step, as text.
        logprob: natural logarithm of its probability, at most 0; ``nan`` is refused by the search.
        num_tokens: how many tokens the log-probability sums over, at least 1; 1 for a policy over whole tactics.
    """

    tactic: str
    logprob: float
    num_tokens: int = 1


class OutcomeKind(enum.IntEnum):
    """What became of a step; the numbers are those of the trajectory schema."""

    ADVANCED = 0
    FINISHED = 1
    REJECTED = 2
    TIMED_OUT = 3
    CRASHED = 4
    REFUSED = 5
    """Finished, but the independent check refused the proof."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """The tactic applied; goals remain."""

    state: ProofState


@dataclass(frozen=True, slots=True)
class Finished:
    """No goal is left. Not yet proved: only a verdict says that."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The tactic does not apply; ``message`` says why."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The tactic ran past the environment's time-out; the state can still be stepped."""

    message: str = ""


@dataclass(frozen=True, slots=True)
class Crashed:
    """The prover died under the tactic; the session has recovered and the state can still be stepped."""

    message: str = ""


Outcome = Advanced | Finished | Rejected | TimedOut | Crashed
"""The values that a step returns. A step never raises for what a tactic does."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Every stopping condition in one object; ``None`` means no bound.

    Attributes:
        expansions: nodes expanded.
        steps: tactics tried.
        seconds: wall-clock time of the search, without verification.
        model_calls: states sent to the tactic generator plus states sent to the value scorer.
    """

    expansions: int | None = None
    steps: int | None = None
    seconds: float | None = None
    model_calls: int | None = None


TIERS = ("replayed", "kernel", "axioms audited", "second checker")
"""How far a check of a proof can go, each further than the one before.

``replayed``: the prover took every step again in a fresh process. ``kernel``: a checker of whole proofs accepted the
written proof, such as a prover's kernel. ``axioms audited``: that, and what the proof rests on was listed and holds
nothing that is not allowed: no unproved theorem, no axiom that isn't the library's. ``second checker``: all that, by a
second checker that shares no code with the first.
"""


def reaches(tier: str, minimum: str) -> bool:
    """Whether a tier goes at least as far as another; one that is not stated reaches nothing."""
    return tier in TIERS and TIERS.index(tier) >= TIERS.index(minimum)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a fresh, independent check says of a finished proof.

    Attributes:
        proved: whether the proof is accepted.
        checker: what checked it, with its version, for example ``"proofsearch-metamath 0.1.0 verifier"``.
        message: why it was refused; empty when accepted.
        rests_on: the axioms that the proof ultimately rests on, sorted; empty where the checker can't say.
        tier: how far an accepting check went, one of :data:`TIERS`; ``""`` where the checker doesn't say.
    """

    proved: bool
    checker: str
    message: str = ""
    rests_on: tuple[str, ...] = ()
    tier: str = ""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """One step of a known proof, as the search would have met it.

    Attributes:
        theorem: whose proof it is.
        state: the state before the step.
        tactic: the step taken.
        remaining: steps to the end of that proof, this one included, at least 1.
    """

    theorem: Theorem
    state: ProofState
    tactic: str
    remaining: int


@dataclass(frozen=True, slots=True)
class Unusable:
    """What an environment can't search for, though it looks like a theorem.

    Attributes:
        name: of the theorem, or of the file or row where it has none.
        source: where it stands, for people.
        reason: why, and what to do about it; one line.
    """

    name: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that ``proofsearch doctor`` found out.

    Attributes:
        what: what was looked for, in a few words: ``"torch"``, ``"reference program"``.
        state: ``"found"``; ``"absent"`` where it isn't there and everything else works without; ``"problem"`` where
            something can't be used before it is put right.
        message: what was found: a version, a place, a number.
        remedy: what to do about it; for what is absent, how to get it.
    """

    what: str
    state: Literal["found", "absent", "problem"]
    message: str = ""
    remedy: str = ""
