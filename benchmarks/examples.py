"""What the example packages do together: the environment ``sat``, its policy, and the value of ``ridge``.

    pip install ./examples/proofsearch-sat ./examples/proofsearch-ridge
    python benchmarks/examples.py --out DIR [--seed 0] [--expansions 256] [--workers 1]

1. records searches of the training formulas along their demonstrations, and trains ``ridge`` on them;
2. searches all test formulas with each combination of policy and order of expansion.

Prints a table: how many formulas were refuted, with Wilson's interval at 95%, how many of them only so and not by
log-probability, and the other way round, with McNemar's p, exact and two-sided, and the median of the expansions of
those that both refuted. Every run is kept in DIR; one that is complete is not made again.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from proofsearch.config import RunConfig, TrainConfig
from proofsearch.measures.intervals import wilson
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.runs.run import resume_search, run_search
from proofsearch.training import train

Results = dict[str, TheoremResult]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--expansions", type=int, default=256)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()

    guided = {"generator": "demonstrated", "scorer": "demonstration"}
    searched("recorded", options, "train", search={"priority": {"kind": "split"}}, **guided)
    checkpoint = options.out / "checkpoint"
    if not (checkpoint / "manifest.json").exists():
        recorded = str(options.out / "recorded")
        train(TrainConfig(plugin="ridge", env="sat", trajectories=(recorded,), seed=options.seed), checkpoint)

    print(f"test formulas, seed {options.seed}, {options.expansions} expansions\n")
    print("| policy | order | refuted | only so / only by log-probability (p) | median expansions |")
    print("|---|---|---|---|---|")
    for policy in ("jeroslow-wang", "knn"):
        baseline = None
        for order, parts in {
            "log-probability": {"scorer": "logprob"},
            "log-probability a step": {"scorer": "logprob", "search": {"priority": {"kind": "normalized"}}},
            "`length`": {"scorer": "length"},
            "`ridge`": {"scorer": "ridge", "options": {"ridge": {"path": str(checkpoint)}}},
            "`ridge`, caution 2": {"scorer": "ridge", "options": {"ridge": {"path": str(checkpoint), "caution": 2.0}}},
        }.items():
            name = f"{policy}-{order.replace('`', '').replace(' ', '-')}"
            results = searched(name, options, "test", generator=policy, **parts)
            baseline = baseline or results
            print(f"| `{policy}` | {order} | {row(results, baseline)} |", flush=True)


def searched(name: str, asked: argparse.Namespace, split: str, **parts: Any) -> Results:
    """The results of a run, made or gone on with where it is not complete."""
    path = asked.out / name
    if (path / "run.json").is_file():
        if RunFolder.open(path).status != "finished":
            resume_search(path, workers=asked.workers)
    else:
        search = {"limit": {"expansions": asked.expansions}} | parts.pop("search", {})
        execution = {"workers": asked.workers}
        common = {"env": "sat", "seed": asked.seed, "select": {"split": split}, "execution": execution}
        run_search(RunConfig(**common, search=search, **parts), path)
    return dict(RunFolder.open(path).results())


def row(results: Results, baseline: Results) -> str:
    """What the table says of a run."""
    proved = {name for name, result in results.items() if result.proved}
    known = {name for name, result in baseline.items() if result.proved}
    low, high = wilson(len(proved), len(results))
    more, less = len(proved - known), len(known - proved)
    p = binomtest(more, more + less).pvalue if more + less else 1.0
    both = [results[name].expansions for name in proved & known]
    return (
        f"{len(proved)} of {len(results)} ({low:.0%} to {high:.0%}) | {more} / {less} ({p:.2g}) | "
        f"{statistics.median(both):g}"
    )


if __name__ == "__main__":
    main()
