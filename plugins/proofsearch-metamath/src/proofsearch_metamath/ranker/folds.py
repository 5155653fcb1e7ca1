"""Policies of which none has learnt the proofs of its own fold, and which of them answers for a theorem. No torch here.

A training with ``folds`` K makes K + 1 policies in one folder. The theorems of the split ``train`` fall into K folds,
each by a hash of its own name; ``fold-<k>`` learnt from the proofs of all folds but the k-th, ``whole`` from all. A
theorem of the split ``train`` is answered by the policy of its fold, every other one by ``whole``. So nothing that is
searched, recorded or measured with such a folder comes from a policy that had learnt the theorem's proof.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsearch import Theorem
from proofsearch.checkpoint import MANIFEST
from proofsearch.errors import InputError
from proofsearch_metamath.ranker.division import check_policies, read_entry
from proofsearch_metamath.ranker.weights import DIVISIONS

KIND = "folds"
"""What asks for them, and what the manifest calls them."""
FORMAT = DIVISIONS[KIND]
"""The version of the manifest's ``config``."""
WHOLE = "whole"
"""The folder of the policy that answers for every theorem that is in no fold."""
HASH = "the first 8 bytes, big-endian, of the SHA-256 of 'fold ' and the theorem's name in UTF-8, modulo count"
"""What :func:`fold_of` does, in words: it stands in the manifest, and folds by another hash are refused."""
SPLIT = "train"
"""The split whose theorems are in folds."""


def fold_of(name: str, count: int) -> int:
    """The fold of a theorem, from 0, by its name alone: see :data:`HASH`."""
    return int.from_bytes(hashlib.sha256(f"fold {name}".encode()).digest()[:8], "big") % count


def fold_name(fold: int | None) -> str:
    """The folder of the policy without a fold, inside that of all; ``None``: of the policy with all of them."""
    return WHOLE if fold is None else f"fold-{fold}"


@dataclass(frozen=True, slots=True)
class Folds:
    """The policies of folds; a :class:`~proofsearch_metamath.ranker.division.Division`.

    Attributes:
        names: the folder of each fold's policy, inside that of all.
        others: the folder of the policy for every theorem that is in no fold.
    """

    names: tuple[str, ...]
    others: str

    @classmethod
    def of(cls, count: int) -> Folds:
        """As many folds as are asked for."""
        return cls(tuple(map(fold_name, range(count))), fold_name(None))

    @property
    def kind(self) -> str:
        """``"folds"``."""
        return KIND

    @property
    def count(self) -> int:
        """How many."""
        return len(self.names)

    @property
    def policies(self) -> Sequence[str]:
        """The folds' policies, and then that of all."""
        return [*self.names, self.others]

    @property
    def chained(self) -> bool:
        """False: each lacks what the others know."""
        return False

    def bound(self, policy: str) -> None:
        """None: what a policy must not know may stand anywhere."""

    def learns(self, policy: str, theorem: Theorem) -> bool:
        """All but the theorems of its own fold."""
        return policy == self.others or self.names[fold_of(theorem.name, len(self.names))] != policy

    def answers(self, theorem: Theorem) -> str:
        """The policy of the theorem's fold, or of all."""
        return self.names[fold_of(theorem.name, len(self.names))] if theorem.split == SPLIT else self.others

    def to_json(self) -> dict[str, Any]:
        """What the manifest keeps: count, hash, split, policies, others."""
        return {
            "count": len(self.names),
            "hash": HASH,
            "split": SPLIT,
            "policies": list(self.names),
            "others": self.others,
        }


def read_folds(folder: Path) -> Folds | None:
    """The folds of a folder; ``None`` where it holds other weights.

    Raises:
        InputError: it holds none, or is damaged, or its folds were made by another hash.
    """
    found = read_entry(folder, KIND, {"count", "hash", "split", "policies", "others"})
    if found is None:
        return None
    source = folder / MANIFEST
    if (found["hash"], found["split"]) != (HASH, SPLIT):
        raise InputError(
            f"{source}: its folds are those of the split {found['split']!r} by {found['hash']!r}; this "
            f"proofsearch-metamath knows those of {SPLIT!r} by {HASH!r} only; train again"
        )
    count, policies = found["count"], found["policies"]
    if not isinstance(policies, list) or type(count) is not int or count != len(policies) or count < 2:
        raise InputError(f"{source}: damaged: {count!r} folds and the policies {policies!r}")
    check_policies(folder, [*policies, found["others"]])
    return Folds(tuple(policies), found["others"])
