"""What the sequential test of `evaluate --stop-early` errs and saves, by simulation.

    python benchmarks/sequential.py [--comparisons 2000] [--seed 0]

First comparisons without a difference, tested after every theorem: how often they are called decided. Then comparisons
as large as those of docs/results.md, whose theorems are drawn anew with the shares that were found there, in a random
order: how often they are decided, after how many theorems, and how often McNemar's test of all theorems would decide
them. Beside the test that `evaluate` makes stand other ways to spend its error (the exponent), and an e-process: the
mixture of bets over all odds (Robbins 1970; Ramdas et al. 2023), which needs no planned number of theorems.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np
from bench_runs import print_table
from scipy.special import betaln

from proofsearch.measures.paired import mcnemar
from proofsearch.measures.sequential import ALPHA, EXPONENT, decided_at

EFFECTS = (
    ("prefix, test: shipped EBM over ranker", 426, 3, 16),
    ("prefix, test: confidence over ranker", 426, 3, 16),
    ("prefix, test: and-or over best-first", 426, 0, 6),
    ("prefix, validation: EBM over k-NN", 423, 4, 29),
    ("prefix, validation: EBM, --defer 4", 423, 3, 30),
    ("prefix, validation: EBM over ranker", 423, 4, 15),
    ("set.mm, 256: EBM over k-NN", 600, 5, 32),
    ("set.mm, 1,024: EBM over k-NN", 600, 4, 22),
    ("set.mm, 256: confidence over ranker", 600, 5, 39),
    ("set.mm, 1,024: confidence over ranker", 600, 1, 27),
    ("set.mm, 1,024: and-or over best-first", 600, 1, 9),
    ("set.mm, 256: and-or over best-first", 600, 3, 9),
    ("set.mm, 256: mixture over ranker", 600, 6, 16),
    ("set.mm, 256: EBM over ranker", 600, 8, 4),
    ("set.mm, 1,024: EBM over ranker", 600, 9, 10),
)
"""Comparisons of docs/results.md at a largest budget: theorems, solved by the first alone, by the second alone."""

Test = Callable[[Sequence[int], int], int | None]


def by_bets(signs: Sequence[int], planned: int, prior: float = 0.5) -> int | None:
    """After how many theorems an e-process decides at 5 %: bets on either run, mixed over Beta(prior, prior)."""
    seconds, firsts = np.cumsum(np.array(signs) > 0), np.cumsum(np.array(signs) < 0)
    wealth = betaln(prior + seconds, prior + firsts) - betaln(prior, prior) + (seconds + firsts) * np.log(2)
    rich = np.flatnonzero(wealth >= -np.log(ALPHA))
    return int(rich[0]) + 1 if len(rich) else None


def spending(exponent: float) -> Test:
    return lambda signs, planned: decided_at(signs, planned, ALPHA, exponent)


def drawn(random: np.random.Generator, theorems: int, first: float, second: float) -> list[int]:
    """A comparison: of each theorem −1, 0 or 1, with these shares of −1 and 1."""
    at = random.random(theorems)
    return np.where(at < first, -1, np.where(at < first + second, 1, 0)).tolist()


def without_difference(tests: dict[str, Test], comparisons: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    wrong = dict.fromkeys([*tests, "McNemar at every theorem", "McNemar at the end"], 0)
    for _ in range(comparisons):
        theorems = int(random.integers(100, 601))
        share = random.uniform(0.01, 0.1)
        signs = drawn(random, theorems, share, share)
        for name, test in tests.items():
            wrong[name] += test(signs, theorems) is not None
        seconds, firsts = np.cumsum(np.array(signs) > 0), np.cumsum(np.array(signs) < 0)
        looks = [mcnemar(int(one), int(two)) <= ALPHA for one, two in sorted(set(zip(firsts, seconds, strict=True)))]
        wrong["McNemar at every theorem"] += any(looks)
        wrong["McNemar at the end"] += looks[-1]
    rows = [[name, f"{count} ({count / comparisons:.1%})"] for name, count in wrong.items()]
    print_table((f"{comparisons:,} comparisons without a difference", "called decided"), rows)


def with_effects(tests: dict[str, Test], comparisons: int, seed: int) -> None:
    rows = []
    saved: dict[str, list[float]] = {name: [] for name in tests}
    for number, (name, theorems, first, second) in enumerate(EFFECTS):
        random = np.random.default_rng([seed, number])
        found: dict[str, list[int | None]] = {test: [] for test in tests}
        at_end = 0
        for _ in range(comparisons):
            signs = drawn(random, theorems, first / theorems, second / theorems)
            at_end += mcnemar(signs.count(-1), signs.count(1)) <= ALPHA
            for kind, test in tests.items():
                found[kind].append(test(signs, theorems))
        cells = []
        for kind, stops in found.items():
            part = 1 - float(np.mean([stop or theorems for stop in stops])) / theorems
            saved[kind].append(part)
            cells.append(f"{part:.0%} ({np.mean([stop is not None for stop in stops]):.0%})")
        p_value = mcnemar(first, second)
        rows.append(
            [name, str(theorems), f"{first}, {second}", f"{p_value:.2g}", f"{at_end / comparisons:.0%}", *cells]
        )
    print_table(("comparison", "theorems", "only one", "p", "decided by all theorems", *tests), rows)
    decided = [mcnemar(first, second) <= ALPHA for _, _, first, second in EFFECTS]
    for kind, parts in saved.items():
        print(
            f"{kind}: {np.mean(np.array(parts)[decided]):.0%} of the theorems saved, mean of the {sum(decided)} "
            f"comparisons with p ≤ {ALPHA:g}; {np.mean(parts):.0%} of all {len(parts)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    tests = {f"exponent {exponent:g}": spending(exponent) for exponent in (EXPONENT, 1.0, 3.0)}
    tests["e-process"] = by_bets
    without_difference(tests, arguments.comparisons, arguments.seed)
    with_effects(tests, arguments.comparisons, arguments.seed)


if __name__ == "__main__":
    main()
