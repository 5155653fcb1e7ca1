"""What was solved at which cost, and two runs on the same theorems compared pair by pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from proofsearch.measures.bootstrap import Bootstrap, Estimate
from proofsearch.measures.intervals import wilson

Cost = Literal["expansions", "seconds", "nodes", "model_calls", "processor_seconds", "tokens"]
"""What a proof can cost."""

COSTS: tuple[Cost, ...] = ("expansions", "nodes", "model_calls", "seconds", "processor_seconds", "tokens")

MAX_TIMES = 10
"""Budgets in seconds that are looked at, at most: the largest ones."""


def _unknown() -> NDArray[np.float64]:
    return np.empty(0)


@dataclass(frozen=True, slots=True)
class Efforts:
    """What a run spent on each of its theorems, as columns of shape ``(theorems,)``.

    Attributes:
        theorems: their names.
        proved: whether an independent check accepted a proof.
        limit_hit: the limit that stopped each search; ``""`` if none did.
        expansions: nodes expanded.
        nodes: states reached.
        model_calls: states sent to the generator and to the scorer.
        seconds: of the search, without verification.
        processor_seconds: how long processors worked for it; ``nan`` where that was not measured, as by default.
        tokens: that the policy read and wrote; ``nan`` where they were not counted, as by default.
    """

    theorems: tuple[str, ...]
    proved: NDArray[np.bool_]
    limit_hit: tuple[str, ...]
    expansions: NDArray[np.float64]
    nodes: NDArray[np.float64]
    model_calls: NDArray[np.float64]
    seconds: NDArray[np.float64]
    processor_seconds: NDArray[np.float64] = field(default_factory=_unknown)
    tokens: NDArray[np.float64] = field(default_factory=_unknown)

    def __post_init__(self) -> None:
        for name in ("processor_seconds", "tokens"):
            if not len(getattr(self, name)):
                object.__setattr__(self, name, np.full(len(self), math.nan))

    def __len__(self) -> int:
        return len(self.theorems)

    def cost(self, kind: Cost) -> NDArray[np.float64]:
        """The column of a cost."""
        column: NDArray[np.float64] = getattr(self, kind)
        return column

    def counts(self, kind: Cost) -> bool:
        """Whether this cost is known: of some theorem, and of every one that was proved."""
        unknown = np.isnan(self.cost(kind))
        return not unknown.all() and not unknown[self.proved].any()

    def select(self, names: Sequence[str]) -> Efforts:
        """Returns the efforts of some theorems, in the order of ``names``.

        Raises:
            KeyError: a name that is not among them.
        """
        place = {name: index for index, name in enumerate(self.theorems)}
        rows = [place[name] for name in names]
        return Efforts(
            tuple(names),
            self.proved[rows],
            tuple(self.limit_hit[row] for row in rows),
            self.expansions[rows],
            self.nodes[rows],
            self.model_calls[rows],
            self.seconds[rows],
            self.processor_seconds[rows],
            self.tokens[rows],
        )

    def solved(self, kind: Cost, budget: float) -> NDArray[np.bool_]:
        """Which were proved at a cost of at most ``budget``: as a run with that budget would have."""
        return self.proved & (self.cost(kind) <= budget)

    def cut_off(self, kind: Cost, budget: float) -> float:
        """The part of the theorems whose search another limit stopped, without a proof, before this budget was spent.

        A run with this budget alone might have proved them.
        """
        stopped = np.array([hit not in ("", kind) for hit in self.limit_hit], dtype=np.bool_)
        early = ~self.proved & stopped & (self.cost(kind) < budget)
        return float(early.mean()) if len(self) else 0.0


@dataclass(frozen=True, slots=True)
class Solved:
    """What one run solved within a budget.

    Attributes:
        budget: the cost that was allowed.
        solved: how many theorems.
        theorems: of how many.
        low: lower end of Wilson's 95 % interval of their ratio.
        high: upper end.
        cut_off: see :meth:`Efforts.cut_off`.
    """

    budget: float
    solved: int
    theorems: int
    low: float
    high: float
    cut_off: float


@dataclass(frozen=True, slots=True)
class ProofCost:
    """What a run's proofs cost; ``nan`` where there is no proof.

    Attributes:
        proofs: how many.
        lower: the lower quartile of their costs.
        median: the median.
        upper: the upper quartile.
    """

    proofs: int
    lower: float
    median: float
    upper: float


@dataclass(frozen=True, slots=True)
class PairedSolved:
    """What two runs solved within a budget, of the same theorems.

    Attributes:
        budget: the cost that was allowed.
        theorems: how many.
        first: solved by the first run, the baseline.
        second: solved by the second.
        only_first: solved by the first alone.
        only_second: solved by the second alone.
        difference: second less first as a part of the theorems, with a bootstrap interval over them.
        p_value: McNemar's, exact and two-sided.
        cut_off_first: see :meth:`Efforts.cut_off`.
        cut_off_second: the same of the second.
    """

    budget: float
    theorems: int
    first: int
    second: int
    only_first: int
    only_second: int
    difference: Estimate
    p_value: float
    cut_off_first: float
    cut_off_second: float


@dataclass(frozen=True, slots=True)
class CostRatio:
    """What proofs cost two runs, on the theorems that both solve.

    Attributes:
        theorems: how many.
        first: geometric mean of the first run's costs.
        second: of the second's.
        median_first: median of the first run's costs.
        median_second: of the second's.
        ratio: second / first, the ratio of the geometric means, with a bootstrap interval; below 1 where the second
            is cheaper.
    """

    theorems: int
    first: float
    second: float
    median_first: float
    median_second: float
    ratio: Estimate


def expansion_budgets(limit: float) -> list[float]:
    """1, 4, 16, … below the limit, and the limit; only the limit where it is below 1."""
    budgets, power = [], 1.0
    while power < limit:
        budgets.append(power)
        power *= 4
    return [*budgets, float(limit)]


def time_budgets(costs: NDArray[np.float64], limit: float) -> list[float]:
    """Budgets 1, 2, 5, 10, … times a power of ten: from where the first theorem is proved to the limit.

    Args:
        costs: what proofs took, in seconds or tokens, of all runs, shape ``(n,)``.
        limit: the most that is to be looked at; the last budget.

    Returns:
        At most :data:`MAX_TIMES`, the largest; none where nothing was proved in time.
    """
    within = costs[(costs <= limit) & (costs > 0)]
    if not len(within):
        return []
    least = float(within.min())
    exponent = math.floor(math.log10(least))
    budgets: list[float] = []
    while not budgets or budgets[-1] < limit:
        budgets += [float(f"{digit}e{exponent}") for digit in (1, 2, 5)]
        exponent += 1
    inside = [budget for budget in budgets if least <= budget < limit]
    return [*inside, float(limit)][-MAX_TIMES:]


def solved(efforts: Efforts, kind: Cost, budgets: Sequence[float]) -> list[Solved]:
    """What a run solved at each budget."""
    found = []
    for budget in budgets:
        count = int(efforts.solved(kind, budget).sum())
        cut = efforts.cut_off(kind, budget)
        found.append(Solved(budget, count, len(efforts), *wilson(count, len(efforts)), cut))
    return found


def proof_costs(efforts: Efforts) -> dict[Cost, ProofCost]:
    """What a run's proofs cost, by cost."""
    found: dict[Cost, ProofCost] = {}
    for kind in COSTS:
        spent = efforts.cost(kind)[efforts.proved]
        spent = spent[~np.isnan(spent)]
        quartiles = np.quantile(spent, [0.25, 0.5, 0.75]) if len(spent) else np.full(3, math.nan)
        found[kind] = ProofCost(len(spent), *quartiles.tolist())
    return found


def compare_solved(
    first: Efforts, second: Efforts, kind: Cost, budgets: Sequence[float], bootstrap: Bootstrap
) -> list[PairedSolved]:
    """Compares what two runs solved at each budget.

    Args:
        first: the baseline.
        second: the other, of the same theorems in the same order.
        kind: what the budgets are of.
        budgets: at which.
        bootstrap: how intervals are made.

    Raises:
        ValueError: the theorems differ.
    """
    _check(first, second)
    solved = [(first.solved(kind, budget), second.solved(kind, budget)) for budget in budgets]
    columns = [b.astype(np.float64) - a for a, b in solved]
    differences = bootstrap.means(np.stack(columns, axis=1)) if columns else []
    found = []
    for budget, (a, b), difference in zip(budgets, solved, differences, strict=True):
        only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
        found.append(
            PairedSolved(
                budget=budget,
                theorems=len(first),
                first=int(a.sum()),
                second=int(b.sum()),
                only_first=only_first,
                only_second=only_second,
                difference=difference,
                p_value=mcnemar(only_first, only_second),
                cut_off_first=first.cut_off(kind, budget),
                cut_off_second=second.cut_off(kind, budget),
            )
        )
    return found


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact two-sided p-value of a difference between paired proportions (McNemar 1947).

    Of the pairs that differ each falls to either side with probability 1/2 if there is no difference.

    Args:
        only_first: pairs in which only the first succeeded.
        only_second: pairs in which only the second did.
    """
    from scipy.stats import binomtest

    differing = only_first + only_second
    return float(binomtest(only_first, differing).pvalue) if differing else 1.0


def least_cost(kind: Cost) -> float:
    """What a proof is taken to cost at least, so that costs have logarithms."""
    return 1e-6 if kind in ("seconds", "processor_seconds") else 1.0


def compare_costs(
    first: Efforts, second: Efforts, both: NDArray[np.bool_], bootstrap: Bootstrap
) -> dict[Cost, CostRatio]:
    """Compares what proofs cost.

    Args:
        first: the baseline.
        second: the other, of the same theorems in the same order.
        both: which theorems both solve, shape ``(theorems,)``.
        bootstrap: how intervals are made.

    Returns:
        By cost; ``nan`` throughout where no theorem is solved by both.

    Raises:
        ValueError: the theorems differ.
    """
    _check(first, second)
    spent: dict[Cost, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for kind in COSTS:
        # A theorem that was closed before anything was counted still cost something.
        least = least_cost(kind)
        known = both & ~np.isnan(first.cost(kind)) & ~np.isnan(second.cost(kind))
        spent[kind] = np.maximum(first.cost(kind)[known], least), np.maximum(second.cost(kind)[known], least)
    logs_of = {kind: np.log(b) - np.log(a) for kind, (a, b) in spent.items()}
    # Those of the same theorems share their draws; what a run counted for some theorems only has draws of its own.
    alike = [kind for kind, logs in logs_of.items() if len(logs) == both.sum()]
    ratios = dict(zip(alike, bootstrap.means(np.stack([logs_of[kind] for kind in alike], axis=1)), strict=True))
    found: dict[Cost, CostRatio] = {}
    for kind, (a, b) in spent.items():
        logs = ratios[kind] if kind in ratios else bootstrap.mean(logs_of[kind])
        found[kind] = CostRatio(
            theorems=len(a),
            first=_geometric_mean(a),
            second=_geometric_mean(b),
            median_first=float(np.median(a)) if len(a) else math.nan,
            median_second=float(np.median(b)) if len(b) else math.nan,
            ratio=Estimate(math.exp(logs.value), math.exp(logs.low), math.exp(logs.high)),
        )
    return found


def _geometric_mean(values: NDArray[np.float64]) -> float:
    return float(np.exp(np.log(values).mean())) if len(values) else math.nan


def _check(first: Efforts, second: Efforts) -> None:
    if first.theorems != second.theorems:
        raise ValueError("paired comparison of different theorems")
