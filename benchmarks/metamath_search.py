"""How many held-out theorems of a Metamath database the k-NN policy proves.

    python benchmarks/metamath_search.py [--database set.mm] [--theorems 300] [--expansions 256]

Two conditions on the same theorems, a seeded sample of the split `test`:

* random split: the policy remembers the proofs of the split `train`, wherever they stand, as others report;
* chronological: it remembers only what stands before the target, as a working mathematician could.

Prints, for each, how many were proved within 16, 64, … expansions with Wilson's 95% interval, by the length of the
library's own proof, and the exact McNemar test between the two. Every proof counted was accepted by the verifier.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from proofsearch.config import ExecutionConfig, LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.evaluation.intervals import wilson
from proofsearch.run import Preparing, Recorded, RunEvent, RunSummary, run_search
from proofsearch.runs import RunFolder, TheoremResult
from proofsearch.types import Theorem

CONDITIONS = {"random split": "split", "chronological": "chronological"}
LENGTHS = ((0, 1), (2, 3), (4, 5), (6, 9), (10, 19), (20, 10**9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="a .mm file; default: the shipped prefix of set.mm")
    parser.add_argument("--theorems", type=int, default=300)
    parser.add_argument("--expansions", type=int, default=256)
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    parser.add_argument("--conditions", nargs="+", default=list(CONDITIONS), choices=list(CONDITIONS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--goal-weight", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="keep the run folders here")
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="metamath-search-"))
    runs: dict[str, Mapping[str, TheoremResult]] = {}
    for condition in arguments.conditions:
        started = time.monotonic()
        summary = _run(arguments, condition, out / CONDITIONS[condition])
        runs[condition] = summary.results
        _report(condition, summary, RunFolder.open(summary.path).theorems, arguments.expansions)
        print(f"\nwhole run {time.monotonic() - started:.0f} s with {arguments.workers} workers\n", flush=True)
    if len(runs) == 2:
        _compare(runs)


def _run(arguments: argparse.Namespace, condition: str, out: Path) -> RunSummary:
    options: dict[str, dict[str, object]] = {"knn": {"memory": CONDITIONS[condition]}, "metamath": {}}
    if arguments.database:
        options["metamath"]["database"] = arguments.database
    config = RunConfig(
        seed=arguments.seed,
        select=SelectionConfig(split=arguments.split, limit=arguments.theorems),
        search=SearchConfig(
            candidates=32,
            limit=LimitConfig(expansions=arguments.expansions),
            priority=PriorityConfig(goal_weight=arguments.goal_weight),
        ),
        execution=ExecutionConfig(workers=arguments.workers),
        trajectories=False,
        options=options,
    )
    last = [0.0]

    def tell(event: RunEvent) -> None:
        if isinstance(event, Preparing | Recorded) and time.monotonic() - last[0] > 30:
            last[0] = time.monotonic()
            print(f"  … {event}"[:150], flush=True)

    return run_search(config, out, on_event=tell)


def _report(condition: str, summary: RunSummary, theorems: tuple[Theorem, ...], expansions: int) -> None:
    results = summary.results
    print(f"### {condition}: {len(results)} theorems, at most {expansions} expansions, 32 candidates\n")
    print("| expansions | proved | share | 95% interval |\n|---|---|---|---|")
    budget = 16
    while budget <= expansions:
        proved = sum(result.proved and result.expansions <= budget for result in results.values())
        low, high = wilson(proved, len(results))
        print(f"| ≤ {budget} | {proved} | {proved / len(results):.1%} | {low:.1%} to {high:.1%} |")
        budget *= 4
    print("\n| steps of the library's proof | theorems | proved |\n|---|---|---|")
    for low_length, high_length in LENGTHS:
        group = [theorem.name for theorem in theorems if low_length <= (theorem.proof_length or 0) <= high_length]
        if group:
            proved = sum(results[name].proved for name in group)
            span = f"{low_length}–{high_length}" if high_length < 10**9 else f"{low_length} and more"
            print(f"| {span} | {len(group)} | {proved} ({proved / len(group):.0%}) |")
    total = sum(result.expansions for result in results.values())
    seconds = sum(result.seconds for result in results.values())
    parts: dict[str, float] = {}
    for result in results.values():
        for name, value in result.seconds_by_part.items():
            parts[name] = parts.get(name, 0.0) + value
    shares = ", ".join(f"{name} {value:.0f} s" for name, value in parts.items())
    refused = sum(result.refused for result in results.values())
    print(f"\n{total / max(seconds, 1e-9):.0f} expansions a second and worker; {shares}; {refused} proofs refused")


def _compare(runs: Mapping[str, Mapping[str, TheoremResult]]) -> None:
    """The exact McNemar test (two-sided binomial on the discordant pairs)."""
    (one, first), (other, second) = runs.items()
    only_first = sum(first[name].proved and not second[name].proved for name in first)
    only_second = sum(second[name].proved and not first[name].proved for name in first)
    discordant = only_first + only_second
    tail = sum(math.comb(discordant, count) for count in range(min(only_first, only_second) + 1)) / 2**discordant
    print(f"{one} only: {only_first}; {other} only: {only_second}; exact McNemar p = {min(1.0, 2 * tail):.2g}")


if __name__ == "__main__":
    main()
