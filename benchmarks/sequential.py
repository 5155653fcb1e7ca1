"""What the sequential test of `evaluate --stop-early` errs and saves, by simulation.

    python benchmarks/sequential.py [--comparisons 2000] [--seed 0] [--only futility]

First comparisons without a difference, tested after every theorem: how often they are called decided. Then comparisons
as large as those of docs/results.md, whose theorems are drawn anew with the shares that were found there, in a random
order: how often they are decided, after how many theorems, and how often McNemar's test of all theorems would decide
them. Beside the test that `evaluate` makes stand other ways to spend its error (the exponent), and an e-process: the
mixture of bets over all odds (Robbins 1970; Ramdas et al. 2023), which needs no planned number of theorems. And the
same test given up as `search --futility` does: what that saves where there is no difference, and how many of those
there are it overlooks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from bench_runs import print_table
from scipy.special import betaln

from proofsearch.evaluation.stopping import LOOKS
from proofsearch.measures.paired import mcnemar
from proofsearch.measures.sequential import ALPHA, EXPONENT, SequentialTest, chance_of_deciding, decided_at

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

Test = Callable[[Sequence[int], int], tuple[int, bool]]
"""After how many theorems of the planned ones it stops, and whether something is decided then."""

KINDS = ("spending", "futility")

chance = cache(chance_of_deciding)


def by_bets(signs: Sequence[int], planned: int, prior: float = 0.5) -> tuple[int, bool]:
    """An e-process at 5 %: bets on either run, mixed over Beta(prior, prior)."""
    seconds, firsts = np.cumsum(np.array(signs) > 0), np.cumsum(np.array(signs) < 0)
    wealth = betaln(prior + seconds, prior + firsts) - betaln(prior, prior) + (seconds + firsts) * np.log(2)
    rich = np.flatnonzero(wealth >= -np.log(ALPHA))
    return (int(rich[0]) + 1, True) if len(rich) else (planned, False)


def spending(exponent: float) -> Test:
    def test(signs: Sequence[int], planned: int) -> tuple[int, bool]:
        stop = decided_at(signs, planned, ALPHA, exponent)
        return (planned, False) if stop is None else (stop, True)

    return test


def giving_up(below: float) -> Test:
    """The test that stops as well where the chance that the rest decides is below a bound."""

    def test(signs: Sequence[int], planned: int) -> tuple[int, bool]:
        under_way = SequentialTest(planned)
        for looked, sign in enumerate(signs, start=1):
            under_way.take(sign)
            if under_way.decided_at is not None:
                return looked, True
            if looked % max(1, planned // LOOKS) == 0:
                counted = under_way.only_first, under_way.only_second
                if chance(looked, planned, *counted) < below:
                    return looked, False
        return planned, False

    return test


def drawn(random: np.random.Generator, theorems: int, first: float, second: float) -> list[int]:
    """A comparison: of each theorem −1, 0 or 1, with these shares of −1 and 1."""
    at = random.random(theorems)
    return np.where(at < first, -1, np.where(at < first + second, 1, 0)).tolist()


def without_difference(tests: dict[str, Test], comparisons: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    wrong = dict.fromkeys([*tests, "McNemar at every theorem", "McNemar at the end"], 0)
    saved = dict.fromkeys(tests, 0.0)
    for _ in range(comparisons):
        theorems = int(random.integers(100, 601))
        share = random.uniform(0.01, 0.1)
        signs = drawn(random, theorems, share, share)
        for name, test in tests.items():
            stop, decided = test(signs, theorems)
            wrong[name] += decided
            saved[name] += 1 - stop / theorems
        seconds, firsts = np.cumsum(np.array(signs) > 0), np.cumsum(np.array(signs) < 0)
        looks = [mcnemar(int(one), int(two)) <= ALPHA for one, two in sorted(set(zip(firsts, seconds, strict=True)))]
        wrong["McNemar at every theorem"] += any(looks)
        wrong["McNemar at the end"] += looks[-1]
    rows = [
        [name, f"{count} ({count / comparisons:.1%})", f"{saved.get(name, 0) / comparisons:.0%}"]
        for name, count in wrong.items()
    ]
    print_table((f"{comparisons:,} comparisons without a difference", "called decided", "theorems saved"), rows)


def with_effects(tests: dict[str, Test], comparisons: int, seed: int) -> None:
    rows = []
    saved: dict[str, list[float]] = {name: [] for name in tests}
    found_out: dict[str, list[float]] = {name: [] for name in tests}
    for number, (name, theorems, first, second) in enumerate(EFFECTS):
        random = np.random.default_rng([seed, number])
        found: dict[str, list[tuple[int, bool]]] = {test: [] for test in tests}
        at_end = 0
        for _ in range(comparisons):
            signs = drawn(random, theorems, first / theorems, second / theorems)
            at_end += mcnemar(signs.count(-1), signs.count(1)) <= ALPHA
            for kind, test in tests.items():
                found[kind].append(test(signs, theorems))
        cells = []
        for kind, stops in found.items():
            part = 1 - float(np.mean([stop for stop, _ in stops])) / theorems
            saved[kind].append(part)
            found_out[kind].append(float(np.mean([decided for _, decided in stops])))
            cells.append(f"{part:.0%} ({found_out[kind][-1]:.0%})")
        p_value = mcnemar(first, second)
        rows.append(
            [name, str(theorems), f"{first}, {second}", f"{p_value:.2g}", f"{at_end / comparisons:.0%}", *cells]
        )
    print_table(("comparison", "theorems", "only one", "p", "decided by all theorems", *tests), rows)
    decided = [mcnemar(first, second) <= ALPHA for _, _, first, second in EFFECTS]
    for kind, parts in saved.items():
        print(
            f"{kind}: {np.mean(np.array(parts)[decided]):.0%} of the theorems saved, mean of the {sum(decided)} "
            f"comparisons with p ≤ {ALPHA:g}; {np.mean(parts):.0%} of all {len(parts)}; decided: "
            f"{np.mean(np.array(found_out[kind])[decided]):.1%} and {np.mean(found_out[kind]):.1%}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=KINDS, choices=KINDS)
    arguments = parser.parse_args()
    tests = {f"exponent {EXPONENT:g}": spending(EXPONENT)}
    if "spending" in arguments.only:
        tests |= {f"exponent {exponent:g}": spending(exponent) for exponent in (1.0, 3.0)}
        tests["e-process"] = by_bets
    if "futility" in arguments.only:
        tests |= {f"given up below {below:g}": giving_up(below) for below in (0.02, 0.05, 0.1, 0.2)}
    without_difference(tests, arguments.comparisons, arguments.seed)
    with_effects(tests, arguments.comparisons, arguments.seed)


if __name__ == "__main__":
    main()
