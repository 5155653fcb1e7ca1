"""What two finished runs proved within budgets of expansions and of seconds, side by side: a row of a table each.

    python benchmarks/paired.py RUN OTHER [--expansions 4 16 64 256] [--seconds 0.1 0.5]

Both runs have searched the same theorems. Differences are the other run's over the first one's, in points, with
bootstrap intervals over theorems (seed 0), and McNemar's exact p. Then what proofs cost on the theorems that both
prove.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench_runs import cost_words, points, print_table

from proofsearch.evaluation.pairs import efforts_of
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.paired import Cost, compare_costs, compare_solved
from proofsearch.runs import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs=2, type=Path)
    parser.add_argument("--expansions", nargs="*", type=float, default=[4, 16, 64, 256])
    parser.add_argument("--seconds", nargs="*", type=float, default=[])
    arguments = parser.parse_args()
    first, second = (RunFolder.open(path) for path in arguments.runs)
    names = [theorem.name for theorem in first.theorems]
    a, b = efforts_of(first, names), efforts_of(second, names)
    bootstrap = Bootstrap(seed=0)
    rows = []
    kinds: list[tuple[Cost, list[float]]] = [("expansions", arguments.expansions), ("seconds", arguments.seconds)]
    for kind, budgets in kinds:
        for paired in compare_solved(a, b, kind, budgets, bootstrap) if budgets else []:
            share = " ".join(f"{solved} ({solved / len(names):.1%})" for solved in (paired.first, paired.second))
            only = f"{paired.only_first}, {paired.only_second}"
            p = f"{paired.p_value:.2g}"
            cut = f"{max(paired.cut_off_first, paired.cut_off_second):.0%}"
            budget = f"{paired.budget:g} {kind}"
            rows.append([budget, share, only, points(paired.difference), p, cut])
    print(f"{len(names)} theorems: {first.path} and {second.path}")
    print_table(("within", "solved", "only one of them", "difference (95%)", "exact McNemar p", "cut off before"), rows)
    both = a.solved("expansions", max(arguments.expansions)) & b.solved("expansions", max(arguments.expansions))
    print(f"{int(both.sum())} that both prove: {cost_words(compare_costs(a, b, both, bootstrap))}")


if __name__ == "__main__":
    main()
