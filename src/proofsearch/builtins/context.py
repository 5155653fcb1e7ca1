"""The encoder ``context``: how a state's goals stand to each other and to what they may be proved from.

A few dozen numbers that need no vocabulary and so carry over to theorems about things that no training theorem spoke
of: sizes and nesting, unknowns that are still to be found and how many goals share them, and what each goal has in
common with the hypotheses and with the theorem itself. A goal about something that neither mentions is seldom a step
forward. With ``hashed`` columns the vector also says what the goals are about (:mod:`proofsearch.builtins.hashed`).

It reads texts only. Tokens stand between white space; a line of a state's text that is none of its goals is a
hypothesis, as is, in a goal's text, what stands before a turnstile ``⊢``.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from proofsearch.builtins.hashed import HashedConfig, HashedEncoder
from proofsearch.config import ComponentConfig
from proofsearch.registry import Builder
from proofsearch.types import THEOREM_LINE, ProofState

_LAYOUT_VERSION = 1
"""Raise it when the same state would be encoded otherwise."""

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
    backwards: tuple[str, ...]
    distinct: frozenset[str]
    pairs: _Pairs


@dataclass(frozen=True, slots=True)
class _GoalFacts:
    features: tuple[float, ...]
    unknowns: frozenset[str]
    pairs: _Pairs
    num_tokens: int


class _Context:
    """The hypotheses and the theorem that goals are compared with."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.hypotheses = [_line(line) for line in lines if not line.startswith(THEOREM_LINE)]
        theorem = " ".join(line.removeprefix(THEOREM_LINE) for line in lines if line.startswith(THEOREM_LINE))
        self.theorem = _line(theorem)
        self.hypothesis_pairs: _Pairs = frozenset().union(*(line.pairs for line in self.hypotheses))
        self.known = self.theorem.distinct.union(*(line.distinct for line in self.hypotheses))
        self.known_pairs = self.theorem.pairs | self.hypothesis_pairs
        self.goals: OrderedDict[str, _GoalFacts] = OrderedDict()


class ContextEncoder:
    """Measures states; deterministic, independent of the batch.

    Columns: :data:`STATE_FEATURES`; then sum, maximum and minimum over the goals, and the first goal's, of
    :data:`GOAL_FEATURES`; then, if asked for, hashed features as of the encoder ``hashed``.
    """

    def __init__(self, config: ContextConfig) -> None:
        self._config = config
        self._unknowns = tuple(config.unknowns)
        self._contexts: OrderedDict[tuple[str, ...], _Context] = OrderedDict()
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
        rows = np.array([self._measure(state) for state in states], np.float32).reshape(len(states), NUM_FEATURES)
        if self._hashed is None:
            return rows
        return np.concatenate((rows, self._hashed.encode(states)), axis=1)

    def fingerprint(self) -> str:
        """Of the configuration, the features' layout and, where there are any, the hashed columns."""
        hashed = self._hashed.fingerprint() if self._hashed is not None else ""
        text = f"context {_LAYOUT_VERSION} {self._config.model_dump_json()} {hashed}"
        return "context-" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()

    def close(self) -> None:
        """Lets go of what was remembered."""
        self._contexts.clear()

    def _measure(self, state: ProofState) -> list[float]:
        texts = [goal.text for goal in state.goals]
        if not texts:
            raise ValueError(f"a state without goals can't be encoded: {state.text[:200]!r}")
        own = set(texts)
        lines = [line for line in state.text.splitlines() if line not in own and line.strip()]
        if "⊢" in state.text:
            lines = [line for line in lines if not any(line in text for text in texts)]
            lines += [line for text in texts for line in text.partition("⊢")[0].splitlines() if line.strip()]
        context = self._context(tuple(dict.fromkeys(lines)))
        facts = [self._facts(context, text) for text in texts]
        unknowns: frozenset[str] = frozenset().union(*(fact.unknowns for fact in facts))
        pairs: _Pairs = frozenset().union(*(fact.pairs for fact in facts))
        row = [
            math.log1p(len(texts)),
            float(len(texts)),
            math.log1p(sum(fact.num_tokens for fact in facts)),
            float(len(unknowns)),
            float(sum(len(fact.unknowns) for fact in facts) - len(unknowns)),
            float(len(texts) - len(own)),
            math.log1p(len(context.hypotheses)),
            _share(len(pairs & context.hypothesis_pairs), len(context.hypothesis_pairs)),
        ]
        columns = list(zip(*(fact.features for fact in facts), strict=True))
        row += map(sum, columns)
        row += map(max, columns)
        row += map(min, columns)
        row += facts[0].features
        return row

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
        unknowns = frozenset(token for token in line.distinct if token.startswith(self._unknowns))
        constants = line.distinct - unknowns
        occurrences = sum(token in unknowns for token in tokens) if unknowns else 0
        likeness = shared = start = end = 0.0
        for other in context.hypotheses:
            likeness = max(likeness, _jaccard(constants, other.distinct))
            shared = max(shared, _share(len(pairs & other.pairs), len(pairs)))
            start = max(start, _share(_agreement(tokens, other.tokens), size))
            end = max(end, _share(_agreement(line.backwards, other.backwards), size))
        strange = len(constants - context.known)
        features = (
            math.log1p(size),
            math.log1p(_nesting(tokens)),
            math.log1p(len(constants)),
            float(len(unknowns)),
            float(bool(unknowns)),
            float(bool(unknowns) and len(constants) <= 1),
            _share(occurrences, size),
            likeness,
            shared,
            start,
            end,
            _jaccard(constants, context.theorem.distinct),
            _share(len(pairs & context.theorem.pairs), len(pairs)),
            _share(len(constants) - strange, len(constants)),
            float(strange),
            _share(len(pairs & context.known_pairs), len(pairs)),
        )
        return _GoalFacts(features, unknowns, pairs, size)


def _line(text: str) -> _Line:
    tokens = tuple(text.removeprefix("$e ").split())
    return _Line(tokens, tokens[::-1], frozenset(tokens), frozenset(pairwise(tokens)))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return _share(len(one & other), len(one | other))


def _agreement(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common beginning."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _nesting(tokens: Sequence[str]) -> int:
    depth = deepest = 0
    for token in tokens:
        if token == "(":
            depth += 1
            deepest = max(deepest, depth)
        elif token == ")":
            depth -= 1
    return deepest


def make_context(config: ContextConfig, builder: Builder) -> ContextEncoder:
    """Builds the encoder ``context``."""
    return ContextEncoder(config)
