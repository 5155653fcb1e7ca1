"""A search that stops by itself as soon as its comparison with a finished run is decided, or is unlikely to be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from proofsearch.config import RunConfig
from proofsearch.errors import UsageError
from proofsearch.evaluation.pairs import refuse_others
from proofsearch.evaluation.progress import sign
from proofsearch.measures.sequential import SequentialTest
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.types import Theorem

LOOKS = 50
"""How often at most, over a whole run, it is asked whether the rest may still decide."""


class DecidedAgainst:
    """Stops a run by the sequential test against another one; a :class:`~proofsearch.runs.stopping.StopRule`.

    Theorems count in the order of the runs, up to the first that has no result yet: what is searched fast must not
    decide. The test is that of :mod:`proofsearch.evaluation.progress`, so a later evaluation says the same.

    Args:
        path: the finished run.
        futility: stop as well where the chance that the rest decides is below this; ``None``: only where it is decided.

    Attributes:
        path: the finished run.
        shuffled: whether that was searched in a drawn order; in the library's, the first theorems may be easier.
        test: how far the comparison has got.
        futile: whether the rest is unlikely to decide it.

    Raises:
        RunFolderError: not a run folder, or damaged.
        UsageError: it isn't finished.
    """

    def __init__(self, path: Path, futility: float | None = None) -> None:
        self.path = path
        self._baseline = RunFolder.open(path)
        self._futility = futility
        if remaining := len(self._baseline.remaining()):
            raise UsageError(
                f"--until-decided-against {path}: {remaining} of its {len(self._baseline.theorems)} theorems have no "
                f"result yet, and the comparison is with a finished run; finish it with: "
                f"proofsearch search --resume {path}"
            )
        self.shuffled = self._baseline.config.select.shuffle
        self.test = SequentialTest(len(self._baseline.theorems))
        self.futile = False
        self._expansions = math.inf
        self._waiting: dict[str, TheoremResult] = {}

    @property
    def enough(self) -> bool:
        """Whether it is decided, or unlikely to be."""
        return self.test.decided_at is not None or self.futile

    def begin(
        self,
        config: RunConfig,
        fingerprint: Mapping[str, str],
        theorems: Sequence[Theorem],
        results: Mapping[str, TheoremResult],
    ) -> None:
        """Takes what there is from before.

        Raises:
            UsageError: the run has another environment, or other theorems, or these in another order.
        """
        baseline = self._baseline
        theirs = baseline.config
        refuse_others(
            (str(self.path), theirs.env, baseline.fingerprint), ("this search", config.env, dict(fingerprint))
        )
        if [(one.name, one.statement) for one in theorems] != [(one.name, one.statement) for one in baseline.theorems]:
            raise UsageError(
                f"--until-decided-against {self.path}: that run has {len(baseline.theorems)} theorems, this search "
                f"{len(theorems)}, and they are not the same ones in the same order; give this search the selection of "
                f"that run (the part [select] of {self.path / 'config.toml'}) and its seed, {theirs.seed}"
            )
        limits = [run.search.limit.expansions for run in (theirs, config)]
        self._expansions = min((limit for limit in limits if limit is not None), default=math.inf)
        for result in results.values():
            self.take(result)

    def take(self, result: TheoremResult) -> None:
        """Takes a result, and those behind it that waited for it."""
        self._waiting[result.theorem] = result
        order, before = self._baseline.theorems, self._baseline.results()
        while self.test.looked < len(order):
            name = order[self.test.looked].name
            if (found := self._waiting.pop(name, None)) is None:
                return
            self.test.take(sign(before[name], found, self._expansions))
            if self._futility is not None and not self.enough and self.test.looked % self._every == 0:
                self.futile = self.test.chance < self._futility

    @property
    def _every(self) -> int:
        return max(1, self.test.planned // LOOKS)
