"""The samplers: what a positive state is compared with.

A positive with negatives of three tiers (:class:`TierSampler`), a whole actual sibling set
(:class:`~proofsearch_ebm.groups.siblings.SiblingSampler`),
or a positive with what it competed with on the frontier (:class:`FrontierSampler`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from proofsearch_ebm.config import GroupsKind
from proofsearch_ebm.data.dataset import Dataset, TheoremStates
from proofsearch_ebm.data.labelled import NEGATIVE_LABEL, POSITIVE_LABEL
from proofsearch_ebm.groups.sampling import Group, GroupSampler, at_most
from proofsearch_ebm.groups.siblings import SiblingSampler as SiblingSampler
from proofsearch_ebm.groups.tiers import EASY, HARD, MEDIUM, POSITIVE, fill_tiers, tier_counts


class TierSampler(GroupSampler):
    """One positive, a state that leads on, and K negatives of three tiers, drawn without replacement.

    Roots, which no search chooses, and what is provable only by a way back make no group, and are no negatives.
    *Hard*: the positive's siblings, and the labelled negatives of its theorem. *Medium*: the states of its theorem
    that competed with it on the frontier of a search. *Easy*: states of other theorems, which are proved as well, so
    that the difficulty of a theorem is nothing to learn. None is positive. Where a tier has too few, the others make
    up for it, the hardest first; where all have, the group is padded.

    Args:
        dataset: the states.
        theorems: the theorem indices to draw from.
        negatives: K, at least 1.
        ratios: shares of hard, medium and easy; see :func:`~proofsearch_ebm.groups.tiers.tier_counts`.
        batch: groups in a batch.
        shuffle: whether an epoch has an order of its own.

    Raises:
        InputError: no theorem has a positive and something else.
        UsageError: the ratios are no shares.
    """

    def __init__(
        self,
        dataset: Dataset,
        theorems: NDArray[np.int64],
        *,
        negatives: int = 4,
        ratios: Sequence[float] = (0.7, 0.2, 0.1),
        batch: int = 32,
        shuffle: bool = True,
    ) -> None:
        super().__init__(dataset, theorems, batch=batch, shuffle=shuffle)
        tier_counts(negatives, ratios, 0.0)  # refuses what are no shares
        self._negatives = negatives
        self._ratios = tuple(ratios)
        states = dataset.states_of(self.theorems.tolist())
        self._easy = states[~_positive_anywhere(dataset, states)]
        self._hard: list[NDArray[np.int64]] = []
        positives: list[NDArray[np.int64]] = []
        for index in self.theorems.tolist():
            entry = dataset.theorems[index]
            own = entry.states[dataset.leads_on[entry.states]]
            if not len(_not_positive(dataset, entry.states)) and not self._num_easy(index):
                continue
            positives.append(own)
            self._hard += self._hard_of(entry, own)
        self._positives = np.concatenate(positives) if positives else np.zeros(0, np.int64)
        self._need_groups("a state that leads on to a proof and another one to compare it with")

    @property
    def num_groups(self) -> int:
        """The number of states that lead on: each makes a group."""
        return len(self._positives)

    def _num_easy(self, theorem: int) -> int:
        return len(self._easy) - int((self.dataset.theorem_of[self._easy] == theorem).sum())

    def _hard_of(self, entry: TheoremStates, positives: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The hard negatives of each positive, each once."""
        negatives = entry.states[self.dataset.label[entry.states] == NEGATIVE_LABEL]
        siblings: dict[int, list[NDArray[np.int64]]] = {}
        for decision in entry.decisions:
            # A child from which one gets back, and to the proof from there, leads nowhere but is a positive of its own.
            rest = _not_positive(self.dataset, decision.children[~decision.positive])
            for child in decision.children[decision.positive].tolist():
                siblings.setdefault(child, []).append(rest)
        return [np.unique(np.concatenate([negatives, *siblings.get(state, ())])) for state in positives.tolist()]

    def _group(self, number: int, rng: Generator) -> Group:
        state, hard = int(self._positives[number]), self._hard[number]
        theorem = int(self.dataset.theorem_of[state])
        medium = np.setdiff1d(rivals_of(self.dataset, self.dataset.theorems[theorem], state), hard)
        counts = tier_counts(self._negatives, self._ratios, float(rng.random()))
        easy = self._draw_easy(theorem, self._negatives, rng)
        taken = fill_tiers(counts, (len(hard), len(medium), len(easy)))
        members = [np.array([state])]
        for pool, count in zip((hard, medium, easy), taken, strict=True):
            members.append(rng.choice(pool, count, replace=False) if count else pool[:0])
        tiers = np.repeat(np.array([POSITIVE, HARD, MEDIUM, EASY], np.int8), [1, *taken])
        return np.concatenate(members), tiers

    def _draw_easy(self, theorem: int, count: int, rng: Generator) -> NDArray[np.int64]:
        """Up to ``count`` different states of other theorems, as many as there are."""
        pool = self._easy
        if len(pool) > 8 * count:
            # Mostly other theorems' states: a few draws find enough of them, without a look at the whole pool.
            drawn = pool[rng.integers(len(pool), size=4 * count)]
            drawn = np.unique(drawn[self.dataset.theorem_of[drawn] != theorem])
            if len(drawn) >= count:
                return rng.choice(drawn, count, replace=False)
        return at_most(pool[self.dataset.theorem_of[pool] != theorem], count, rng)


class FrontierSampler(GroupSampler):
    """A child on a proof against its siblings (hard) and what else competed with it on the frontier (medium).

    Whatever does not lead on competed in vain, even where it is provable by a way back; what does is left out. Siblings
    take at most half of ``max_members``, a random choice. Of the rivals, one half are those that the policy
    likes best, by log-probability less the number of goals: they are in the way first. The others are drawn.

    Args:
        dataset: the states.
        theorems: the theorem indices to draw from.
        max_members: members of a group at most, at least 2.
        max_gap: positives are left out that the policy puts this much (natural logarithm) below its best rival: no
            value can make up for that, and they would outweigh those where it can. ``None``: none are.
        batch: groups in a batch.
        shuffle: whether an epoch has an order of its own.

    Raises:
        InputError: there is no such group.
    """

    def __init__(
        self,
        dataset: Dataset,
        theorems: NDArray[np.int64],
        *,
        max_members: int = 64,
        max_gap: float | None = None,
        batch: int = 32,
        shuffle: bool = True,
    ) -> None:
        super().__init__(dataset, theorems, batch=batch, shuffle=shuffle)
        self._max_members = max_members
        self._liking = dataset.logprob - dataset.num_goals
        self._children: list[tuple[int, int, int]] = []
        for index in self.theorems.tolist():
            entry = dataset.theorems[index]
            for number, decision in enumerate(entry.decisions):
                siblings = decision.children[~decision.positive]
                for child in decision.children[decision.positive].tolist():
                    others = np.concatenate([siblings, self._rivals(index, number, child)])
                    if not len(others):
                        continue
                    gap = float(self._liking[others].max() - self._liking[child])
                    if max_gap is None or gap <= max_gap:
                        self._children.append((index, number, child))
        self._need_groups("a child on a proof and another state that competed with it")

    @property
    def num_groups(self) -> int:
        """The number of positive children of decisions that have something to be compared with: each makes a group."""
        return len(self._children)

    def _rivals(self, theorem: int, number: int, child: int) -> NDArray[np.int64]:
        entry = self.dataset.theorems[theorem]
        rivals, onward = entry.searches[entry.decisions[number].search].rivals(child)
        return rivals[~onward]

    def _group(self, number: int, rng: Generator) -> Group:
        theorem, place, child = self._children[number]
        decision = self.dataset.theorems[theorem].decisions[place]
        siblings = at_most(decision.children[~decision.positive], self._max_members // 2, rng)
        others = np.setdiff1d(self._rivals(theorem, place, child), decision.children)
        room = self._max_members - 1 - len(siblings)
        if len(others) > room:
            best = np.argsort(-self._liking[others], kind="stable")
            top, rest = others[best[: room // 2]], others[best[room // 2 :]]
            others = np.concatenate([top, at_most(rest, room - len(top), rng)])
        tiers = np.repeat(np.array([POSITIVE, HARD, MEDIUM], np.int8), [1, len(siblings), len(others)])
        return np.concatenate([[child], siblings, others]), tiers


def make_sampler(
    groups: GroupsKind,
    dataset: Dataset,
    theorems: NDArray[np.int64],
    *,
    batch: int = 32,
    negatives: int = 4,
    ratios: Sequence[float] = (0.7, 0.2, 0.1),
    max_members: int = 64,
    max_gap: float | None = None,
    dead_ends: int = 0,
    solved: int = 0,
    mistakes: int = 0,
    shuffle: bool = True,
) -> GroupSampler:
    """The sampler for a way of making groups; the arguments are those of the samplers.

    Raises:
        InputError: there is no group of this kind.
        UsageError: the ratios are no shares.
    """
    if groups == "tiers":
        return TierSampler(dataset, theorems, negatives=negatives, ratios=ratios, batch=batch, shuffle=shuffle)
    if groups == "siblings":
        return SiblingSampler(
            dataset,
            theorems,
            max_members=max_members,
            dead_ends=dead_ends,
            solved=solved,
            mistakes=mistakes,
            batch=batch,
            shuffle=shuffle,
        )
    return FrontierSampler(dataset, theorems, max_members=max_members, max_gap=max_gap, batch=batch, shuffle=shuffle)


def rivals_of(dataset: Dataset, entry: TheoremStates, state: int) -> NDArray[np.int64]:
    """The states that are not positive and competed with ``state`` on the frontier of a search, each once."""
    rivals = [search.rivals(state)[0] for search in entry.searches]
    every = rivals[0] if len(rivals) == 1 else np.unique(np.concatenate(rivals))
    return _not_positive(dataset, every)


def _not_positive(dataset: Dataset, states: NDArray[np.int64]) -> NDArray[np.int64]:
    left: NDArray[np.int64] = states[dataset.label[states] != POSITIVE_LABEL]
    return left


def _positive_anywhere(dataset: Dataset, states: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each state's text is that of a positive state of any theorem."""
    # Half of a key is enough: two texts that agree in it by chance would cost one easy negative.
    positive = dataset.key[dataset.label == POSITIVE_LABEL, 0]
    return np.isin(dataset.key[states, 0], positive)
