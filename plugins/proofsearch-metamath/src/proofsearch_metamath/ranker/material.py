"""What all policies of a training learn from: the steps of a library's proofs, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from proofsearch import Theorem
from proofsearch.trainers.progress import Progress
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.ranker.bags import Ints
from proofsearch_metamath.ranker.collecting import Collector, Split, Status, count_uses
from proofsearch_metamath.ranker.config import SizedConfig
from proofsearch_metamath.ranker.examples import Examples, join
from proofsearch_metamath.ranker.found import FoundProof
from proofsearch_metamath.ranker.reading import SymbolTable
from proofsearch_metamath.ranker.statements import Statements, read_statements


@dataclass(frozen=True, slots=True)
class Material:
    """What all policies of a training learn from.

    Attributes:
        environment: whose proofs.
        statements: of its library.
        theorems: to learn from.
        found: proofs of theirs that searches found, by theorem.
        train, validation: steps of their proofs, and of those that are validated on.
    """

    environment: MetamathEnvironment
    statements: Statements
    theorems: Sequence[Theorem]
    found: Mapping[str, FoundProof]
    train: Examples
    validation: Examples

    @property
    def library(self) -> Library:
        """The library whose proofs are learnt."""
        return self.environment.library

    def steps_of(self, theorems: Sequence[Theorem]) -> Ints:
        """The numbers of the steps in ``train`` that are of these theorems' proofs."""
        wanted = np.zeros(len(self.library.provable), np.bool_)
        wanted[[self.library.provable_index[theorem.name] for theorem in theorems]] = True
        # So many provable assertions stand before a theorem: that is its own number among them.
        return np.flatnonzero(wanted[self.train.earlier])

    def assertions_before(self, bound: int | None) -> int:
        """How many provable assertions stand before a position; all of them before none."""
        provable = self.library.provable
        return len(provable) if bound is None else int(np.searchsorted(provable, bound))

    def validation_between(self, start: int | None, end: int | None, most: int, seed: int) -> Ints:
        """The numbers of steps in ``validation`` of theorems from one position to before another, at most so many."""
        first = 0 if start is None else self.assertions_before(start)
        earlier = self.validation.earlier
        numbers = np.flatnonzero((earlier >= first) & (earlier < self.assertions_before(end)))
        if len(numbers) <= most:
            return numbers
        return np.sort(np.random.default_rng(seed).choice(numbers, most, replace=False))


def read_material(
    environment: MetamathEnvironment,
    split: Split,
    bounds: Sequence[int],
    found: Mapping[str, FoundProof],
    config: SizedConfig,
    seed: int,
    progress: Progress,
    status: Status,
) -> Material:
    """Reads the steps of proofs to learn from and of those to validate on.

    How often an assertion is drawn to be compared with a step depends on how often proofs cite it. Where the database
    is cut, only proofs before the next cut count in that: a step is the same whatever comes after the first cut before
    which it is learnt.

    Args:
        environment: whose proofs.
        split: the theorems.
        bounds: positions of cuts, ascending. Proofs from the last on are not learnt from; of validation theorems each
            part between cuts gives as many steps as are wanted. Without any all proofs are learnt from.
        found: proofs that searches found, by theorem.
        config: the options.
        seed: of the sampling.
        progress: is told what was read.
        status: is told how far it is.
    """
    library = environment.library
    train, validation, shorter, learnt = list[Examples](), list[Examples](), 0, list[Theorem]()
    ends = [*bounds, None]
    read = [theorem for theorem in split.train if not bounds or _position(theorem) < bounds[-1]]
    for start, end in zip([None, *bounds], ends, strict=True):
        some = [] if bounds and end is None else _between(split.train, start, end)
        learnt += some
        collector = Collector(environment, config, count_uses(library, learnt, found), seed, found)
        most = config.max_examples
        if most is not None and some:
            most = -(-most * len(some) // len(read))
        train.append(collector.collect(some, status, most))
        validated = _between(split.validation, start, end)
        shorter += collector.shorter
        validation.append(collector.collect(validated, status, config.validation_examples))
    if found:
        progress.say(
            f"searches proved {len(found)} training theorems; {shorter} of these proofs are shorter than "
            f"the library's and learnt in their place"
        )
    status("reading the library's statements", None, None)
    statements = read_statements(library, SymbolTable(library), config.rows)
    return Material(environment, statements, learnt, found, _joined(train), _joined(validation))


def _joined(pieces: Sequence[Examples]) -> Examples:
    return pieces[0] if len(pieces) == 1 else join(pieces)


def _between(theorems: Sequence[Theorem], start: int | None, end: int | None) -> list[Theorem]:
    """Those from one position on to before another, in their order."""
    return [
        theorem
        for theorem in theorems
        if (start is None or _position(theorem) >= start) and (end is None or _position(theorem) < end)
    ]


def _position(theorem: Theorem) -> int:
    assert theorem.position is not None
    return theorem.position
