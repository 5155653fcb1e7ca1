"""The policy ``knn``: what was done at similar goals.

A tactic's score at a goal is the sum of similarity ** power over the goal's nearest neighbours among recorded
(goal, tactic) pairs in which the tactic was taken: the distance-weighted k-NN of Sledgehammer and of Tactician
(Blaauwbroek, Urban, Geuvers 2020, arXiv:2003.09140). Tactics outside of the neighbourhood follow by how often they
are used at all. No training, no GPU, any environment that lists its library's proofs.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from proofsearch.builtins.features import FeatureExtractor
from proofsearch.builtins.knn_index import ExampleIndex, Scope
from proofsearch.builtins.knn_memory import Memory, open_memory
from proofsearch.config import ComponentConfig
from proofsearch.errors import UsageError
from proofsearch.protocols import GenerationRequest
from proofsearch.registry import Builder
from proofsearch.types import Candidate, Goal, Theorem

_GOALS_KEPT = 1024
"""Rankings remembered: a search meets the same goal in many states."""
_SCOPES_KEPT = 4
_UNUSED = 0.5
"""Uses that a tactic is counted in addition to those in memory, so that one never used has a chance."""


class KnnConfig(ComponentConfig):
    """Configuration of the generator ``knn``."""

    memory: Memory = Field(
        default="split",
        description="What it learns from: the training split, or (chronological) only what stands before the target.",
    )
    neighbours: int = Field(default=200, ge=1, description="Most similar recorded goals that a goal is compared with.")
    power: float = Field(default=2.0, gt=0, description="A neighbour counts its similarity to this power.")
    smoothing: float = Field(
        default=0.1, gt=0, description="Weight of tactics' overall frequency, in neighbours of similarity 1."
    )
    use_trees: bool = Field(default=True, description="Read goals' expression trees where the environment has them.")


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Tactics of one goal, by falling probability, the likeliest first; the rest is sorted only when asked for."""

    tactics: Sequence[str]
    probabilities: NDArray[np.float64]
    head: NDArray[np.int64]

    def __iter__(self) -> Iterator[int]:
        yield from self.head.tolist()
        if len(self.head) < len(self.probabilities):
            rest = np.setdiff1d(np.arange(len(self.probabilities)), self.head, assume_unique=True)
            yield from rest[np.argsort(-self.probabilities[rest], kind="stable")].tolist()


@dataclass(frozen=True, slots=True)
class _Context:
    """What holds for all goals of one target: what it may learn from, and how often each tactic occurs there."""

    scope: Scope
    uses: NDArray[np.float64]


class KnnGenerator:
    """Suggests what was done at similar goals; opens its memory on first use, or with ``with``.

    The target's own proof is never consulted. With ``memory="chronological"`` neither is any proof at or after its
    position; only the features' document frequencies, which know nothing of tactics, are those of the whole library.
    """

    def __init__(self, config: KnnConfig, builder: Builder) -> None:
        self._config = config
        self._builder = builder
        self._extractor = FeatureExtractor(config.use_trees)
        self._index: ExampleIndex | None = None
        self._numbers: dict[str, int] = {}
        self._contexts: OrderedDict[str, _Context] = OrderedDict()
        self._rankings: OrderedDict[Hashable, _Ranking] = OrderedDict()

    def __enter__(self) -> Self:
        self._memory()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prepare(self) -> None:
        """Builds the memory if it is not cached; see :class:`proofsearch.protocols.Prepares`."""
        self._memory()

    def close(self) -> None:
        """Lets go of the memory. Idempotent."""
        self._index = None
        self._numbers = {}
        self._contexts.clear()
        self._rankings.clear()

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request, best first; ties in the order of ``moves.listed()``.

        Where a request has moves, only those that are admitted are suggested. Probabilities are over the tactics
        that were not found inadmissible.

        Raises:
            UsageError: there is nothing to learn from.
        """
        return [self._candidates(request, n) for request in requests]

    def _candidates(self, request: GenerationRequest, n: int) -> list[Candidate]:
        ranking = self._ranking(request, n)
        moves = request.moves
        taken: list[int] = []
        mass = 1.0
        for number in ranking:
            if len(taken) == n:
                break
            if moves is None or moves.admits(ranking.tactics[number]):
                taken.append(number)
            else:
                mass -= float(ranking.probabilities[number])
        kept = ranking.probabilities[taken]
        # Rounding may leave less than what was taken.
        mass = max(mass, float(kept.sum()))
        return [
            Candidate(ranking.tactics[number], min(math.log(probability / mass), 0.0))
            for number, probability in zip(taken, kept.tolist(), strict=True)
        ]

    def _ranking(self, request: GenerationRequest, n: int) -> _Ranking:
        goal = request.state.goals[0]
        listed = None if request.moves is None else request.moves.listed()
        seen: Hashable = goal.text if goal.tree is None or not self._config.use_trees else goal.tree
        key = (request.theorem.name, seen, None if listed is None else hash(tuple(listed)))
        ranking = self._rankings.get(key)
        if ranking is None:
            ranking = self._rankings[key] = self._ranked(request.theorem, goal, listed, n)
            if len(self._rankings) > _GOALS_KEPT:
                self._rankings.popitem(last=False)
        else:
            self._rankings.move_to_end(key)
        return ranking

    def _ranked(self, theorem: Theorem, goal: Goal, listed: Sequence[str] | None, n: int) -> _Ranking:
        index = self._memory()
        context = self._context(theorem)
        allowed = None
        tactics: Sequence[str] = index.tactics
        numbers = np.arange(len(tactics))
        if listed is not None:
            tactics = listed
            numbers = np.fromiter((self._numbers.get(tactic, -1) for tactic in listed), np.int64, len(listed))
            allowed = np.zeros(len(index.tactics), np.bool_)
            allowed[numbers[numbers >= 0]] = True
        features = self._extractor.extract([goal])
        examples, similarities = index.neighbours(features.ids, context.scope, self._config.neighbours, allowed)
        counts = index.occurrences(examples, context.scope)
        # One more entry than there are tactics: number −1, a tactic that the memory doesn't hold, finds it.
        powers = counts * similarities**self._config.power
        sums = np.bincount(index.tactic_of[examples], powers, minlength=len(index.tactics) + 1)
        scores = sums.astype(np.float64, copy=False)[numbers]
        uses = context.uses[numbers]
        if listed is None:
            uses = np.where(uses > _UNUSED, uses, 0.0)
        total = uses.sum()
        weights = scores + self._config.smoothing * uses / (total if total else 1.0)
        mass = weights.sum()
        if not mass:
            return _Ranking((), np.zeros(0), np.zeros(0, np.int64))
        if listed is None:
            # Without a list of moves only what the memory has in bounds can be suggested.
            seen = (weights > 0).nonzero()[0]
            tactics, weights = [index.tactics[number] for number in seen.tolist()], weights[seen]
        return _Ranking(tactics, weights / mass, _head(weights, 4 * n))

    def _context(self, theorem: Theorem) -> _Context:
        context = self._contexts.get(theorem.name)
        if context is None:
            before = None
            if self._config.memory == "chronological":
                if theorem.position is None:
                    raise UsageError(
                        f"--knn-memory chronological: {theorem.name!r} has no position; use --knn-memory split"
                    )
                before = theorem.position
            index = self._memory()
            scope = index.scope(theorem.name, before)
            context = _Context(scope, np.append(index.uses(scope), 0) + _UNUSED)
            self._contexts[theorem.name] = context
            if len(self._contexts) > _SCOPES_KEPT:
                self._contexts.popitem(last=False)
        return context

    def _memory(self) -> ExampleIndex:
        if self._index is None:
            self._index = open_memory(self._builder, self._config.memory, self._config.use_trees)
            self._numbers = {tactic: number for number, tactic in enumerate(self._index.tactics)}
        return self._index


def _head(weights: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """The places of the largest weights, largest first, ties by place: about ``size`` of them, and all their equals."""
    places = np.arange(len(weights))
    if len(weights) > 2 * size:
        bound = np.partition(weights, len(weights) - size)[len(weights) - size]
        places = (weights >= bound).nonzero()[0]
    return places[np.argsort(-weights[places], kind="stable")]


@dataclass(frozen=True, slots=True)
class Recall:
    """How often a policy's candidates hold the tactic that a known proof took.

    Attributes:
        steps: how many steps were asked about.
        at: for each k the share of steps whose tactic is among the first k candidates, in [0, 1].
        mean_logprob: the mean log-probability of the tactics that were among the candidates.
    """

    steps: int
    at: dict[int, float]
    mean_logprob: float


def measure_recall(
    generator: KnnGenerator, questions: Iterable[tuple[GenerationRequest, str]], at: Sequence[int] = (1, 8, 32)
) -> Recall:
    """Asks a policy about known steps.

    Args:
        generator: the policy.
        questions: a state as a request, and the tactic that the proof took.
        at: numbers of candidates, at least one.
    """
    steps, found, total = 0, dict.fromkeys(at, 0), 0.0
    for request, truth in questions:
        steps += 1
        candidates = generator.generate([request], max(at))[0]
        rank = next((rank for rank, candidate in enumerate(candidates) if candidate.tactic == truth), None)
        if rank is not None:
            total += candidates[rank].logprob
            for k in at:
                found[k] += rank < k
    hits = found[max(at)]
    return Recall(steps, {k: hit / max(steps, 1) for k, hit in found.items()}, total / hits if hits else math.nan)


def make_knn(config: KnnConfig, builder: Builder) -> KnnGenerator:
    """Builds the generator ``knn``."""
    return KnnGenerator(config, builder)
