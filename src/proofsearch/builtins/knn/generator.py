"""The policy ``knn``: what was done at similar goals.

Every tactic t that may apply to a goal gets a weight, of which the probabilities are shares:

    sum over neighbours e with tactic t of count(e) · sim(e) ** power, divided by uses(t) ** rarity
    + statements · sim(t's own statement) ** power
    + smoothing · t's share of all uses
    + recency · t's share of 1, 1/2, 1/3, … from the end of the list of moves

Neighbours are the most similar among recorded (goal, tactic) pairs: the distance-weighted k-NN of Sledgehammer and of
Tactician (Blaauwbroek, Urban, Geuvers 2020, arXiv:2003.09140). The second term is for tactics that cite theorems by
name, and reaches those that no recorded proof used. No training, no GPU, any environment that lists its library's
proofs.

Where an environment's tactics name what is local to a goal, it puts each neighbour's tactic into the words of the goal
(:class:`proofsearch.protocols.AdaptsTactics`): t is what comes out of that, its neighbours count by how well they fit,
and the third term is for tactics that name nothing local. Tactician substitutes local variables likewise.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from proofsearch.builtins.compiled import native, notice
from proofsearch.builtins.encoders.features import FEATURES_VERSION, FeatureExtractor
from proofsearch.builtins.knn.index import INDEX_VERSION, ExampleIndex, Scope
from proofsearch.builtins.knn.memory import KnnMemory, Setting, memory_source, open_memory
from proofsearch.config import ComponentConfig
from proofsearch.errors import UsageError
from proofsearch.models.confidence import statistics_of
from proofsearch.models.moves import first_admitted
from proofsearch.protocols import AdaptsTactics, Builder, GenerationRequest, PolicyStatistics
from proofsearch.types import Candidate, Goal, Theorem

_GOALS_KEPT = 1024
"""Rankings remembered: a search meets the same goal in many states."""
_CONTEXTS_KEPT = 4
_STATEMENTS = 100
"""Most similar statements that count."""
_UNUSED = 0.5
"""Uses that a tactic is counted in addition to those in memory, so that one never used has a chance."""


class KnnConfig(ComponentConfig):
    """Configuration of the generator ``knn``."""

    memory: Setting = Field(
        default="split",
        description="What it learns from: the training split, or (chronological) only what comes before the target.",
    )
    trajectories: str | None = Field(
        default=None, description="Learn from the proofs in this run folder or trajectory file, not from the library."
    )
    neighbours: int = Field(default=100, ge=1, description="Most similar recorded goals that a goal is compared with.")
    power: float = Field(default=2.0, gt=0, description="Power of a neighbour's similarity that it counts with.")
    rarity: float = Field(
        default=0.15, ge=0, description="Divide a tactic's neighbours by its number of uses to this power."
    )
    statements: float = Field(
        default=3.0,
        ge=0,
        description="Weight of the similarity between the goal and the theorem that a tactic cites by name.",
    )
    smoothing: float = Field(default=0.1, gt=0, description="Weight of how often tactics are used overall.")
    recency: float = Field(
        default=0.03, ge=0, description="Weight of a late place in the list of moves, among the newest."
    )
    adapt: bool = Field(
        default=True,
        description="Put tactics into the goal's own words, such as names of hypotheses, where the environment can.",
    )
    use_trees: bool = Field(default=True, description="Read goals' expression trees where the environment has them.")


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Tactics of one goal, by falling probability, the likeliest first; the rest is sorted only when asked for."""

    listed: Sequence[str] | None
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

    proofs: Scope
    statements: Scope
    uses: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Known:
    """The memory, all tactics of its two indices, and the number of each in either; −1 for all others."""

    memory: KnnMemory
    places: dict[str, int]
    in_proofs: NDArray[np.int64]
    in_statements: NDArray[np.int64]
    adapter: AdaptsTactics | None
    free: NDArray[np.int64]
    """The tactics of proofs that name nothing local, where there is an adapter."""

    @classmethod
    def of(cls, memory: KnnMemory, adapter: AdaptsTactics | None) -> Self:
        """Numbers the tactics of a memory."""
        proofs, statements = memory.proofs.tactics, memory.statements.tactics
        places = {tactic: number for number, tactic in enumerate(dict.fromkeys([*proofs, *statements]))}
        numbers = np.full((2, len(places) + 1), -1, np.int64)  # the last one is for those that have no place
        for row, tactics in enumerate((proofs, statements)):
            numbers[row, _numbers(places, tactics)] = np.arange(len(tactics))
        return cls(memory, places, numbers[0], numbers[1], adapter, _free(memory.proofs, adapter))


class KnnGenerator:
    """Suggests what was done at similar goals; opens its memory on first use, or with ``with``.

    The target's own proof is never consulted. With ``memory="chronological"`` neither is any proof at or after its
    position; only how rare a feature is, which says nothing of tactics, is taken from the whole library.
    """

    def __init__(self, config: KnnConfig, builder: Builder) -> None:
        self._config = config
        self._builder = builder
        self._extractor = FeatureExtractor(config.use_trees)
        self._known: _Known | None = None
        self._contexts: OrderedDict[str, _Context] = OrderedDict()
        self._rankings: OrderedDict[Hashable, _Ranking] = OrderedDict()

    def __enter__(self) -> Self:
        self._opened()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def prepare(self) -> None:
        """Builds the memory if it is not cached; see :class:`proofsearch.protocols.Prepares`."""
        self._opened()

    def close(self) -> None:
        """Lets go of the memory. Idempotent."""
        self._known = None
        self._contexts.clear()
        self._rankings.clear()

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request, best first; ties in the order of ``moves.listed()``.

        Where a request has moves, only those that are admitted are suggested. Probabilities are over the tactics
        that were not found inadmissible.

        Raises:
            UsageError: there is nothing to learn from.
        """
        return [self._candidates(request, n)[0] for request in requests]

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics]:
        """How sure it is; see :class:`proofsearch.protocols.ReportsStatistics`.

        Log-probabilities, entropy and mass are those of its ``n`` candidates. The ranking of the goal is kept for
        :meth:`generate`, and what is admitted, by the session.

        Raises:
            UsageError: there is nothing to learn from.
        """
        found = []
        for request in requests:
            candidates, moves, asked = self._candidates(request, n)
            admitted = len(candidates) / asked if asked and request.moves is not None else math.nan
            found.append(replace(statistics_of(candidates), moves=float(moves), admitted=admitted))
        return found

    def fingerprint(self) -> str:
        """Of the options and of what it learns from; see :class:`proofsearch.protocols.Fingerprinted`.

        Raises:
            UsageError, InputError: there is nothing to learn from.
        """
        trajectories = None if self._config.trajectories is None else Path(self._config.trajectories)
        options = self._config.model_dump(mode="json", exclude={"trajectories"})
        parts = [INDEX_VERSION, FEATURES_VERSION, options, memory_source(self._builder, trajectories)]
        return "knn-" + hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()

    def _candidates(self, request: GenerationRequest, n: int) -> tuple[list[Candidate], int, int]:
        """The candidates, out of how many tactics, and how many of these were asked about."""
        ranking = self._ranking(request, n)
        read: list[int] = []

        def tactics() -> Iterator[str]:
            for number in ranking:
                read.append(number)
                yield ranking.tactics[number]

        taken = [read[place] for place in first_admitted(request.moves, tactics(), n)]
        mass = 1.0
        if len(taken) < len(read):
            admitted = set(taken)
            for number in read:
                mass -= 0.0 if number in admitted else float(ranking.probabilities[number])
        kept = ranking.probabilities[taken]
        # Rounding may leave less than what was taken.
        mass = max(mass, float(kept.sum()))
        candidates = [
            Candidate(ranking.tactics[number], min(math.log(probability / mass), 0.0))
            for number, probability in zip(taken, kept.tolist(), strict=True)
        ]
        return candidates, len(ranking.tactics), len(read)

    def _ranking(self, request: GenerationRequest, n: int) -> _Ranking:
        goal = request.state.goals[0]
        listed = None if request.moves is None else request.moves.listed()
        seen: Hashable = goal.text if goal.tree is None or not self._config.use_trees else goal.tree
        key = (request.theorem.name, seen)
        ranking = self._rankings.get(key)
        # Sessions hand out the same list for the same goal again: then no list is read to tell that it is the same.
        if ranking is not None and (ranking.listed is listed or ranking.listed == listed):
            self._rankings.move_to_end(key)
            return ranking
        ranking = self._rankings[key] = self._ranked(request.theorem, goal, listed, n)
        self._rankings.move_to_end(key)
        if len(self._rankings) > _GOALS_KEPT:
            self._rankings.popitem(last=False)
        return ranking

    def _ranked(self, theorem: Theorem, goal: Goal, listed: Sequence[str] | None, n: int) -> _Ranking:
        config, known, context = self._config, self._opened(), self._context(theorem)
        if listed is None and known.adapter is not None:
            return self._adapted(known, known.adapter, context, goal, n)
        proofs, statements = known.memory.proofs, known.memory.statements
        ids = self._extractor.extract([goal]).ids
        if listed is None:
            tactics: Sequence[str] = proofs.tactics
            numbers = np.arange(len(tactics))
        else:
            places = _numbers(known.places, listed)
            tactics, numbers = listed, known.in_proofs[places]

        examples, similarities = proofs.neighbours(
            ids, context.proofs, config.neighbours, None if listed is None else _mask(numbers, len(proofs.tactics))
        )
        powers = proofs.occurrences(examples, context.proofs) * similarities**config.power
        uses = context.uses[numbers]
        weights = _sums(proofs, examples, powers)[numbers] / np.maximum(uses, 1.0) ** config.rarity
        prior = uses + _UNUSED if listed is not None else uses
        weights += config.smoothing * prior / max(float(prior.sum()), _UNUSED)
        if listed is not None:
            if config.statements and len(statements):
                cited = known.in_statements[places]
                examples, similarities = statements.neighbours(
                    ids, context.statements, _STATEMENTS, _mask(cited, len(statements.tactics))
                )
                weights += config.statements * _sums(statements, examples, similarities**config.power)[cited]
            place = 1.0 / np.arange(len(listed), 0, -1)
            weights += config.recency * place / max(float(place.sum()), 1.0)
        else:
            # Without a list of moves only what the memory has in bounds can be suggested.
            some = weights.nonzero()[0]
            tactics, weights = [tactics[number] for number in some.tolist()], weights[some]
        return _Ranking(listed, tactics, weights / max(float(weights.sum()), 1e-300), _head(weights, 4 * n))

    def _adapted(self, known: _Known, adapter: AdaptsTactics, context: _Context, goal: Goal, n: int) -> _Ranking:
        """The ranking where tactics are put into the goal's own words."""
        config, proofs = self._config, known.memory.proofs
        ids = self._extractor.extract([goal]).ids
        examples, similarities = proofs.neighbours(ids, context.proofs, config.neighbours)
        powers = proofs.occurrences(examples, context.proofs) * similarities**config.power
        powers /= np.maximum(context.uses[proofs.tactic_of[examples]], 1.0) ** config.rarity
        weights: dict[str, float] = {}
        for example, power in zip(examples.tolist(), powers.tolist(), strict=True):
            tactic = proofs.tactics[int(proofs.tactic_of[example])]
            for text, fit in adapter.adapted(tactic, Goal(proofs.text(example)), goal):
                weights[text] = weights.get(text, 0.0) + power * fit
        total = max(float(context.uses.sum()), _UNUSED)
        for number in known.free.tolist():
            if uses := float(context.uses[number]):
                tactic = proofs.tactics[number]
                weights[tactic] = weights.get(tactic, 0.0) + config.smoothing * uses / total
        values = np.array(list(weights.values()))
        return _Ranking(None, list(weights), values / max(float(values.sum()), 1e-300), _head(values, 4 * n))

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
            memory = self._opened().memory
            scope = memory.proofs.scope(theorem.name, before)
            uses = np.append(memory.proofs.uses(scope), 0).astype(np.float64)
            context = _Context(scope, memory.statements.scope(theorem.name, before), uses)
            self._contexts[theorem.name] = context
            if len(self._contexts) > _CONTEXTS_KEPT:
                self._contexts.popitem(last=False)
        return context

    def _opened(self) -> _Known:
        if self._known is None:
            config = self._config
            trajectories = None if config.trajectories is None else Path(config.trajectories)
            advice = notice()
            if advice:
                self._builder.status(advice)
            memory = open_memory(self._builder, config.memory, config.use_trees, trajectories)
            environment = self._builder.environment()
            adapter = environment if config.adapt and isinstance(environment, AdaptsTactics) else None
            self._known = _Known.of(memory, adapter)
        return self._known


def _free(proofs: ExampleIndex, adapter: AdaptsTactics | None) -> NDArray[np.int64]:
    """The tactics that name nothing local: they are themselves at a goal where nothing is."""
    if adapter is None:
        return np.zeros(0, np.int64)
    tactics, first = np.unique(proofs.tactic_of, return_index=True)
    free = [
        tactic
        for tactic, example in zip(tactics.tolist(), first.tolist(), strict=True)
        if adapter.adapted(proofs.tactics[tactic], Goal(proofs.text(example)), Goal(""))
    ]
    return np.array(free, np.int64)


def _numbers(known: dict[str, int], tactics: Sequence[str]) -> NDArray[np.int64]:
    """The number of each tactic, −1 for an unknown one."""
    compiled = native()
    if compiled is not None:
        found = np.empty(len(tactics), np.int64)
        compiled.numbers(known, tactics, found)
        return found
    return np.fromiter(map(known.get, tactics, repeat(-1)), np.int64, len(tactics))


def _mask(numbers: NDArray[np.int64], size: int) -> NDArray[np.bool_]:
    """Which of ``size`` numbers are among these."""
    mask = np.zeros(size + 1, np.bool_)
    mask[numbers] = True  # −1 marks the entry that is cut off
    return mask[:size]


def _sums(index: ExampleIndex, examples: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The examples' weights, summed by tactic; one more entry, always 0, for the tactic of number −1."""
    sums = np.bincount(index.tactic_of[examples], weights, minlength=len(index.tactics) + 1)
    return sums.astype(np.float64, copy=False)


def _head(weights: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """The places of the largest weights, largest first, ties by place: about ``size`` of them, and all their equals."""
    places = np.arange(len(weights))
    if len(weights) > 2 * size:
        bound = np.partition(weights, len(weights) - size)[len(weights) - size]
        places = (weights >= bound).nonzero()[0]
    return places[np.argsort(-weights[places], kind="stable")]


def make_knn(config: KnnConfig, builder: Builder) -> KnnGenerator:
    """Builds the generator ``knn``."""
    return KnnGenerator(config, builder)
