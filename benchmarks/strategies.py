"""How many theorems each search algorithm proves, at equal expansions and at equal model calls.

    python benchmarks/strategies.py --out DIR [--theorems 423] [--expansions 256] [--values logprob ebm]

The same theorems, a seeded sample of the split ``validation``, are searched by each strategy without a value and with
one. Every state is scored when it is met, so that model calls (states sent to the policy and to the value) can be
compared. Runs are kept in DIR, gone on with where they were stopped, and skipped where they are complete. Prints what
was proved within each budget with Wilson's 95% interval, and each strategy against the first by McNemar's exact test.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench_runs import Options, finished_run, merged, parse_options, points, print_table

from proofsearch.config import ExecutionConfig, LimitConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.evaluation.pairs import efforts_of
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.intervals import wilson
from proofsearch.measures.paired import Cost, Efforts, compare_solved


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--strategies", nargs="+", default=["best-first", "and-or", "puct"])
    parser.add_argument("--values", nargs="+", default=["logprob", "ebm"], help="scorers; logprob: no value")
    parser.add_argument("--generator", default="auto")
    parser.add_argument("--split", default="validation", choices=("validation", "test"))
    parser.add_argument("--theorems", type=int, help="default: all of the split")
    parser.add_argument("--expansions", type=int, default=256)
    option = "COMPONENT.FIELD=VALUE, such as puct.exploration=2; repeatable"
    parser.add_argument("--option", action="append", default=[], help=option)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    given = parse_options(arguments.option)
    for value in arguments.values:
        found = {strategy: searched(arguments, strategy, value, given) for strategy in arguments.strategies}
        names = len(next(iter(found.values())))
        print(f"### {names} theorems of the split {arguments.split}, seed {arguments.seed}, scorer {value}")
        budgets = [budget for budget in (4, 16, 64, 256, 1024) if budget <= arguments.expansions]
        print_solved(found, "expansions", budgets, arguments.seed)
        print_solved(found, "model_calls", [16 * budget for budget in budgets], arguments.seed)


def searched(arguments: argparse.Namespace, strategy: str, value: str, given: Options) -> Efforts:
    """What a strategy spent on the theorems."""
    options = {name: fields for name, fields in given.items() if name != "puct" or strategy == "puct"}
    config = RunConfig(
        generator=arguments.generator,
        scorer=value,
        seed=arguments.seed,
        select=SelectionConfig(split=arguments.split, limit=arguments.theorems),
        search=SearchConfig(limit=LimitConfig(expansions=arguments.expansions), strategy=strategy),
        execution=ExecutionConfig(workers=arguments.workers),
        trajectories=False,
        options=merged(options),
    )
    run = finished_run(config, arguments.out / f"{strategy}-{value}")
    return efforts_of(run, [theorem.name for theorem in run.theorems])


def print_solved(found: dict[str, Efforts], cost: Cost, budgets: Sequence[int], seed: int) -> None:
    """What each strategy proved within each budget, and how that compares with the first one."""
    rows = []
    first = next(iter(found))
    for strategy, efforts in found.items():
        cells = []
        compared = compare_solved(found[first], efforts, cost, budgets, Bootstrap(seed=seed))
        for budget, paired in zip(budgets, compared, strict=True):
            solved, count = int(efforts.solved(cost, budget).sum()), len(efforts)
            low, high = wilson(solved, count)
            cell = f"{solved} ({100 * low:.1f} to {100 * high:.1f}%)"
            if strategy != first:
                only = f"only {first} {paired.only_first}, only it {paired.only_second}"
                cell += f"; {points(paired.difference)}, p = {paired.p_value:.2g}, {only}"
            cells.append(cell)
        rows.append([strategy, *cells])
    print_table(("proved within", *(f"{budget:,} {cost.replace('_', ' ')}" for budget in budgets)), rows)


if __name__ == "__main__":
    main()
