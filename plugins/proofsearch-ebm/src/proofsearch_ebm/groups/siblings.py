"""Groups that are whole sibling sets, with what else of the theorem is worth a look beside them."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from proofsearch_ebm.data.dataset import Dataset
from proofsearch_ebm.data.labelled import NEGATIVE_LABEL, POSITIVE_LABEL
from proofsearch_ebm.groups.sampling import Group, GroupSampler, at_most
from proofsearch_ebm.groups.tiers import DEAD_END, HARD, MISTAKE, POSITIVE, SOLVED


class SiblingSampler(GroupSampler):
    """Whole actual sibling sets: every child of a decision, all that lead on to the proof marked as positive.

    Sets with more than ``max_members`` keep their positives, up to one less than that, and a random choice of the
    others. A set without a child that is not positive has nothing to learn from and is left out. Beside these stand
    some of the theorem's labelled negatives and solved states, not to be compared: siblings alone don't say what leads
    nowhere, nor how far it is from where. States that its search expanded in vain while a positive waited are compared.

    Args:
        dataset: the states.
        theorems: the theorem indices to draw from.
        max_members: children in a group at most, at least 2.
        dead_ends: labelled negatives beside a group at most, a random choice.
        solved: likewise, states below which a proof was found.
        mistakes: states in a group at most, a random choice, that the search expanded in vain.
        batch: groups in a batch.
        shuffle: whether an epoch has an order of its own.

    Raises:
        InputError: there is no such set.
    """

    def __init__(
        self,
        dataset: Dataset,
        theorems: NDArray[np.int64],
        *,
        max_members: int = 64,
        dead_ends: int = 0,
        solved: int = 0,
        mistakes: int = 0,
        batch: int = 32,
        shuffle: bool = True,
    ) -> None:
        super().__init__(dataset, theorems, batch=batch, shuffle=shuffle)
        self._max_members = max_members
        self._beside = {DEAD_END: (NEGATIVE_LABEL, dead_ends), SOLVED: (POSITIVE_LABEL, solved)}
        self._mistakes = mistakes
        self._decisions = [
            (index, decision)
            for index in self.theorems.tolist()
            for decision in dataset.theorems[index].decisions
            if not decision.positive.all()
        ]
        self._need_groups("a decision: a state with a child below which a proof was found and another child")

    @property
    def num_groups(self) -> int:
        """The number of decisions with a choice: each makes a group."""
        return len(self._decisions)

    def _group(self, number: int, rng: Generator) -> Group:
        index, decision = self._decisions[number]
        positive = at_most(decision.children[decision.positive], self._max_members - 1, rng)
        rest = at_most(decision.children[~decision.positive], self._max_members - len(positive), rng)
        tiers = {POSITIVE: positive, HARD: rest}
        theorem, taken = self.dataset.theorems[index], decision.children
        if self._mistakes:
            search = theorem.searches[decision.search]
            vain = np.concatenate([search.mistakes(child) for child in positive.tolist()])
            tiers[MISTAKE] = at_most(np.setdiff1d(vain, taken), self._mistakes, rng)
            taken = np.concatenate([taken, tiers[MISTAKE]])
        for tier, (label, most) in self._beside.items():
            if most:
                labelled = theorem.states[self.dataset.label[theorem.states] == label]
                tiers[tier] = at_most(np.setdiff1d(labelled, taken), most, rng)
        numbers = np.repeat(np.array(list(tiers), np.int8), [len(states) for states in tiers.values()])
        return np.concatenate(list(tiers.values())), numbers
