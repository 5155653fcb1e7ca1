"""The encoder ``context``: how a state's goals stand to each other and to what they may be proved from.

A few dozen numbers that need no vocabulary and so carry over to theorems about things that no training theorem spoke
of: sizes and nesting, unknowns that are still to be found and how many goals share them, and what each goal has in
common with the hypotheses and with the theorem itself. A goal about something that neither mentions is seldom a step
forward. With ``hashed`` columns the vector also says what the goals are about
(:mod:`proofsearch.builtins.encoders.hashed`).

It reads texts only. Tokens stand between white space; a line of a state's text that is none of its goals is a
hypothesis, as is, in a goal's text, what stands before a turnstile ``⊢``. Side conditions, such as Metamath's lines
``$d``, which change with every step, are not.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, pairwise, repeat

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from proofsearch.builtins.encoders.hashed import HashedConfig, HashedEncoder
from proofsearch.config import ComponentConfig
from proofsearch.protocols import Builder
from proofsearch.types import THEOREM_LINE, ProofState

_LAYOUT_VERSION = 2
"""Raise it when the same state would be encoded otherwise."""

_SIDE_CONDITION = "$d "
_CONTEXTS_KEPT = 64
_GOALS_KEPT = 20_000

GOAL_FEATURES = (
    "tokens",  # log(1 + number of tokens)
    "nesting",  # log(1 + deepest nesting of parentheses)
    "constants",  # log(1 + number of different tokens that are no unknowns)
    "unknowns",  # number of different unknowns
    "open",  # 1 if there is an unknown
    "bare",  # 1 if it says nothing: an unknown alone
    "unknown_share",  # share of the tokens that are unknowns
    "hypothesis_tokens",  # most of the tokens in common with one hypothesis (Jaccard index)
    "hypothesis_pairs",  # largest share of its pairs of neighbouring tokens that one hypothesis has
    "hypothesis_start",  # longest common beginning with a hypothesis, as a share of its tokens
    "hypothesis_end",  # the same for endings
    "theorem_tokens",  # tokens in common with the theorem (Jaccard index)
    "theorem_pairs",  # share of its pairs of neighbouring tokens that the theorem has
    "known_share",  # share of its constants that the hypotheses or the theorem mention
    "strange",  # number of its constants that neither mentions
    "known_pairs",  # share of its pairs of neighbouring tokens that the hypotheses or the theorem have
)
"""What is measured of a goal."""

STATE_FEATURES = (
    "log_goals",  # log(1 + number of goals)
    "goals",  # number of goals
    "log_tokens",  # log(1 + number of tokens of all goals)
    "unknowns",  # number of different unknowns
    "shared_unknowns",  # how often an unknown of one goal occurs in another
    "repeated",  # goals that stand there more than once
    "hypotheses",  # log(1 + number of hypotheses)
    "used_pairs",  # share of the hypotheses' pairs of neighbouring tokens that the goals have
)
"""What is measured of a state, beside sum, largest, least and first of each of the goals' features."""

NUM_FEATURES = len(STATE_FEATURES) + 4 * len(GOAL_FEATURES)

_FIELD = (1 << 32) - 1
_NESTS = {"(": 1, ")": -1}
_Pairs = frozenset[tuple[str, str]]


class ContextConfig(ComponentConfig):
    """Configuration of the encoder ``context``."""

    hashed: int = Field(
        default=0,
        ge=0,
        le=1 << 20,
        description="Columns of hashed features to append, as of the encoder hashed: 0, or at least 16.",
    )
    unknowns: str = Field(default="&?", min_length=1, description="The characters that an unknown's token begins with.")

    @field_validator("hashed")
    @classmethod
    def _none_or_enough(cls, hashed: int) -> int:
        if hashed:
            try:
                HashedConfig(width=hashed)
            except ValidationError as error:
                raise ValueError(f"as a width of the encoder hashed: {error.errors()[0]['msg']}") from None
        return hashed


@dataclass(frozen=True, slots=True)
class _Line:
    tokens: tuple[str, ...]
    distinct: frozenset[str]
    pairs: _Pairs


@dataclass(frozen=True, slots=True)
class _GoalFacts:
    features: tuple[float, ...]
    unknowns: frozenset[str]
    used: _Pairs
    """Of the hypotheses' pairs of neighbouring tokens."""
    num_tokens: int


class _Occurrences:
    """How many of some items each of several sets has, all counted in one pass.

    An item is a number with a one in the 32 bits of each set that has it, so the sum of the items' numbers holds all
    counts. That is several times as fast as intersecting with one set after the other.
    """

    def __init__(self, sets: Sequence[Iterable[object]]) -> None:
        self._shifts = range(0, 32 * len(sets), 32)
        self._of: dict[object, int] = defaultdict(int)
        for place, items in enumerate(sets):
            for item in items:
                self._of[item] |= 1 << (32 * place)

    def count(self, items: Iterable[object]) -> list[int]:
        """Counts, for each set, how many of the items it has; the items are all different."""
        packed = sum(map(self._of.get, items, repeat(0)))
        return [(packed >> shift) & _FIELD for shift in self._shifts]


class _Context:
    """The hypotheses and the theorem that goals are compared with."""

    def __init__(self, lines: Sequence[str]) -> None:
        hypotheses = [_line(line) for line in lines if not line.startswith(THEOREM_LINE)]
        theorem = _line(" ".join(line.removeprefix(THEOREM_LINE) for line in lines if line.startswith(THEOREM_LINE)))
        self.num_hypotheses = len(hypotheses)
        self.beginnings = [line.tokens for line in hypotheses]
        self.endings = [line.tokens[::-1] for line in hypotheses]
        self.distinct = [len(line.distinct) for line in (*hypotheses, theorem)]
        self.hypothesis_pairs: _Pairs = frozenset().union(*(line.pairs for line in hypotheses))
        known = theorem.distinct.union(*(line.distinct for line in hypotheses))
        known_pairs = theorem.pairs | self.hypothesis_pairs
        # Of the hypotheses, then of the theorem, then of any of them.
        self.tokens = _Occurrences([*(line.distinct for line in hypotheses), theorem.distinct, known])
        self.pairs = _Occurrences([*(line.pairs for line in hypotheses), theorem.pairs, known_pairs])
        self.goals: OrderedDict[str, _GoalFacts] = OrderedDict()


class ContextEncoder:
    """Measures states; deterministic, independent of the batch.

    Columns: :data:`STATE_FEATURES`; then sum, maximum and minimum over the goals, and the first goal's, of
    :data:`GOAL_FEATURES`; then, if asked for, hashed features as of the encoder ``hashed``.
    """

    def __init__(self, config: ContextConfig) -> None:
        self._config = config
        self._unknowns = frozenset(config.unknowns)
        self._contexts: OrderedDict[tuple[str, ...], _Context] = OrderedDict()
        self._endings: OrderedDict[str, tuple[_Context, frozenset[str]]] = OrderedDict()
        self._hashed = HashedEncoder(HashedConfig(width=config.hashed)) if config.hashed else None

    @property
    def width(self) -> int:
        """The number of columns."""
        return NUM_FEATURES + self._config.hashed

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``, finite, no row all zeros.

        Raises:
            ValueError: a state without goals.
        """
        rows = np.empty((len(states), self.width), np.float32)
        if not states:
            return rows
        of_states: list[list[float]] = []
        goals: list[tuple[float, ...]] = []
        begins: list[int] = []
        for state in states:
            facts, measured = self._measure(state)
            of_states.append(measured)
            begins.append(len(goals))
            goals += [fact.features for fact in facts]
        of_goals = np.array(goals)
        blocks = [reduce.reduceat(of_goals, begins) for reduce in (np.add, np.maximum, np.minimum)]
        rows[:, :NUM_FEATURES] = np.concatenate((of_states, *blocks, of_goals[begins]), axis=1)
        if self._hashed is not None:
            rows[:, NUM_FEATURES:] = self._hashed.encode(states)
        return rows

    def fingerprint(self) -> str:
        """Covers the configuration, the features' layout and, where there are any, the hashed columns."""
        hashed = self._hashed.fingerprint() if self._hashed is not None else ""
        text = f"context {_LAYOUT_VERSION} {self._config.model_dump_json()} {hashed}"
        return "context-" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def close(self) -> None:
        """Lets go of what was remembered."""
        self._contexts.clear()
        self._endings.clear()

    def _measure(self, state: ProofState) -> tuple[list[_GoalFacts], list[float]]:
        """What is known of each goal, and :data:`STATE_FEATURES`."""
        texts = [goal.text for goal in state.goals]
        if not texts:
            raise ValueError(f"a state without goals can't be encoded: {state.text[:200]!r}")
        own = set(texts)
        context = self._context_of(state.text, texts, own)
        facts = [self._facts(context, text) for text in texts]
        unknowns = [fact.unknowns for fact in facts if fact.unknowns]
        different = len(frozenset().union(*unknowns))
        used = frozenset().union(*[fact.used for fact in facts]) if context.hypothesis_pairs else ()
        return facts, [
            math.log1p(len(texts)),
            float(len(texts)),
            math.log1p(sum([fact.num_tokens for fact in facts])),
            float(different),
            float(sum(map(len, unknowns)) - different),
            float(len(texts) - len(own)),
            math.log1p(context.num_hypotheses),
            _share(len(used), len(context.hypothesis_pairs)),
        ]

    def _context_of(self, text: str, goals: Sequence[str], own: set[str]) -> _Context:
        """What the goals are to be compared with: the lines of the state's text that are none of them."""
        # Most environments write the goals first, so the rest is that of other states of the theorem.
        first = "\n".join(goals)
        rest = text[len(first) :]
        if "⊢" in text or not text.startswith(first) or rest[:1] not in ("", "\n"):
            return self._context(_other_lines(text, goals, own))
        known = self._endings.get(rest)
        if known is None:
            lines = _other_lines(rest, (), frozenset())
            known = self._endings[rest] = (self._context(lines), frozenset(lines))
            if len(self._endings) > _CONTEXTS_KEPT:
                self._endings.popitem(last=False)
        context, lines_of_it = known
        return context if lines_of_it.isdisjoint(own) else self._context(_other_lines(text, goals, own))

    def _context(self, lines: tuple[str, ...]) -> _Context:
        context = self._contexts.get(lines)
        if context is None:
            context = self._contexts[lines] = _Context(lines)
            if len(self._contexts) > _CONTEXTS_KEPT:
                self._contexts.popitem(last=False)
        return context

    def _facts(self, context: _Context, text: str) -> _GoalFacts:
        facts = context.goals.get(text)
        if facts is None:
            facts = context.goals[text] = self._measured(context, text)
            if len(context.goals) > _GOALS_KEPT:
                context.goals.popitem(last=False)
        return facts

    def _measured(self, context: _Context, text: str) -> _GoalFacts:
        line = _line(text)
        tokens, pairs = line.tokens, line.pairs
        size = len(tokens)
        unknowns = frozenset([token for token in line.distinct if token[0] in self._unknowns])
        constants = line.distinct - unknowns
        occurrences = sum(map(unknowns.__contains__, tokens)) if unknowns else 0
        *shared_tokens, known = context.tokens.count(constants)
        *shared_pairs, in_theorem, known_pairs = context.pairs.count(pairs)
        *likeness, theorem_likeness = [
            _share(shared, len(constants) + distinct - shared)
            for shared, distinct in zip(shared_tokens, context.distinct, strict=True)
        ]
        features = (
            math.log1p(size),
            math.log1p(max(accumulate(map(_NESTS.get, tokens, repeat(0)), initial=0))),
            math.log1p(len(constants)),
            float(len(unknowns)),
            float(bool(unknowns)),
            float(bool(unknowns) and len(constants) <= 1),
            _share(occurrences, size),
            max(likeness, default=0.0),
            _share(max(shared_pairs, default=0), len(pairs)),
            _share(_longest_agreement(tokens, context.beginnings), size),
            _share(_longest_agreement(tokens[::-1], context.endings), size),
            theorem_likeness,
            _share(in_theorem, len(pairs)),
            _share(known, len(constants)),
            float(len(constants) - known),
            _share(known_pairs, len(pairs)),
        )
        return _GoalFacts(features, unknowns, pairs & context.hypothesis_pairs, size)


def _other_lines(text: str, goals: Sequence[str], own: Set[str]) -> tuple[str, ...]:
    """The hypotheses and the theorem: lines that are no goals, and what stands in goals before a turnstile."""
    lines = [line for line in text.splitlines() if line not in own and line.strip()]
    lines = [line for line in lines if not line.startswith(_SIDE_CONDITION)]
    if "⊢" in text:
        lines = [line for line in lines if not any(line in goal for goal in goals)]
        lines += [line for goal in goals for line in goal.partition("⊢")[0].splitlines() if line.strip()]
    return tuple(dict.fromkeys(lines))


def _line(text: str) -> _Line:
    tokens = tuple(text.removeprefix("$e ").split())
    return _Line(tokens, frozenset(tokens), frozenset(pairwise(tokens)))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _longest_agreement(tokens: Sequence[str], others: Sequence[Sequence[str]]) -> int:
    """The length of the longest beginning in common with one of the others."""
    longest = 0
    for other in others:
        size = min(len(tokens), len(other))
        # Only another that agrees there too can be better.
        if longest < size and tokens[longest] == other[longest] and tokens[:longest] == other[:longest]:
            longest += 1
            while longest < size and tokens[longest] == other[longest]:
                longest += 1
    return longest


def make_context(config: ContextConfig, builder: Builder) -> ContextEncoder:
    """Builds the encoder ``context``."""
    return ContextEncoder(config)
