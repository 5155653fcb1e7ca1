"""Drawing groups, an epoch at a time, such that an interrupted epoch resumes exactly where it was."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch_ebm.data.dataset import Dataset
from proofsearch_ebm.groups.sample import GroupSample, pad_groups
from proofsearch_ebm.groups.tiers import TIER_NAMES

Group = tuple[NDArray[np.int64], NDArray[np.int8]]
"""States and their tiers."""


class GroupSampler(ABC):
    """What all samplers share: shuffling, batches, counting, resuming.

    An epoch takes one number from the generator that it is given, and draws everything else from that number and the
    place of the batch. So the state of a sampler is small, and any batch can be drawn again by itself.

    Attributes:
        realised: members yielded so far by the tier's name; resumed with the rest.
    """

    def __init__(self, dataset: Dataset, theorems: NDArray[np.int64], *, batch: int, shuffle: bool) -> None:
        """Keeps what it draws from.

        Args:
            dataset: the states.
            theorems: the theorem indices that may be drawn from, also for easy negatives.
            batch: groups in a batch, at least 1; the last one of an epoch may have fewer.
            shuffle: whether an epoch has an order of its own; otherwise it is that of the dataset.
        """
        self.dataset = dataset
        self.theorems = np.asarray(theorems, np.int64)
        self.realised: dict[str, int] = dict.fromkeys(TIER_NAMES, 0)
        self._batch = batch
        self._shuffle = shuffle
        self._epoch = 0
        self._position = 0
        self._epoch_seed = 0
        self._under_way = False
        self._rng: Generator | None = None
        self._rng_state: Any = None

    @property
    @abstractmethod
    def num_groups(self) -> int:
        """Groups in an epoch."""

    @property
    def num_batches(self) -> int:
        """Batches in an epoch."""
        return -(-self.num_groups // self._batch)

    @abstractmethod
    def _group(self, number: int, rng: Generator) -> Group:
        """Group ``number``, from 0 to ``num_groups − 1``."""

    def epoch(self, rng: Generator) -> Iterator[GroupSample]:
        """The batches of the next epoch; after :meth:`load_state_dict`, what is left of the one under way.

        Args:
            rng: gives the epoch's seed. After :meth:`load_state_dict` it is first put into the state in which it was
                when that state was taken.
        """
        self._rng = rng
        if self._rng_state is not None:
            rng.bit_generator.state, self._rng_state = self._rng_state, None
        if not self._under_way or self._position >= self.num_batches:
            self._epoch += int(self._under_way)
            self._epoch_seed, self._position, self._under_way = int(rng.integers(2**63)), 0, True
        order = np.arange(self.num_groups)
        if self._shuffle:
            order = np.random.default_rng([self._epoch_seed]).permutation(self.num_groups)
        while self._position < self.num_batches:
            number = self._position
            own = np.random.default_rng([self._epoch_seed, number + 1])
            chosen = order[number * self._batch : (number + 1) * self._batch].tolist()
            sample = pad_groups([self._group(group, own) for group in chosen])
            for tier, name in enumerate(TIER_NAMES):
                self.realised[name] += int((sample.tier == tier).sum())
            self._position = number + 1
            yield sample

    def state_dict(self) -> dict[str, Any]:
        """The sampler's place, as plain JSON values: the next batch is the first one not yielded yet."""
        state = self._rng_state if self._rng is None else self._rng.bit_generator.state
        return {
            "epoch": self._epoch,
            "position": self._position,
            "epoch_seed": self._epoch_seed,
            "under_way": self._under_way,
            "groups": self.num_groups,
            "batch": self._batch,
            "realised": dict(self.realised),
            "rng": state,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to where :meth:`state_dict` was taken. The dataset and the configuration must be the same.

        Raises:
            InputError: they aren't: another number of groups, or another batch.
        """
        for name, own in (("groups", self.num_groups), ("batch", self._batch)):
            if state[name] != own:
                raise InputError(
                    f"the training to be resumed drew from {state['groups']} groups in batches of {state['batch']}, "
                    f"these data and options give {self.num_groups} in batches of {self._batch}; resume with the same "
                    f"trajectories and options, or train into another folder"
                )
        self._epoch, self._position = int(state["epoch"]), int(state["position"])
        self._epoch_seed, self._under_way = int(state["epoch_seed"]), bool(state["under_way"])
        # Earlier versions know fewer tiers.
        self.realised = {name: int(state["realised"].get(name, 0)) for name in TIER_NAMES}
        self._rng, self._rng_state = None, state["rng"]

    def _need_groups(self, what: str) -> None:
        if not self.num_groups:
            raise InputError(
                f"none of the {len(self.theorems)} theorems to learn from has {what}; record searches of more "
                f"theorems, or with more candidates an expansion"
            )


def at_most(states: NDArray[np.int64], most: int, rng: Generator) -> NDArray[np.int64]:
    """The states, or a random choice of ``most`` of them."""
    return states if len(states) <= most else rng.choice(states, max(most, 0), replace=False)
