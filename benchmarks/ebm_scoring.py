"""What the energy-based model's scores cost: the time of an expansion with and without its scorer.

    python benchmarks/ebm_scoring.py [--checkpoint ckpt] [--theorems 40] [--pairs 3] [--defer 4]

Each pair searches the same theorems twice, without recording: with the scorer `ebm`, and with the scorer `logprob`.
Both are ordered by log-probability and goal count, so that they expand the same states and the scores are computed and
not used. Two ratios a theorem:

* of one search: (generate + step + engine + score) / (generate + step + engine);
* of the pair: that numerator over generate + step + engine of the search without the model, which also counts what the
  model slows down elsewhere, such as the processor's caches.

Prints, for each pair, the median over theorems and the range, and microseconds a scored state. Theorems that took less
than a few expansions say nothing and are left out (--least).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_runs import Options, finished_run, merged, parse_options, print_table, scorer_options

from proofsearch.config import ExecutionConfig, LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.protocols import TheoremResult

BASE = ("generate", "step", "engine")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="default: the one that is shipped")
    parser.add_argument("--database", help="a .mm file; default: the shipped prefix of set.mm")
    parser.add_argument("--generator", default="knn")
    parser.add_argument("--policy-option", action="append", default=[], metavar="COMPONENT.FIELD=VALUE")
    parser.add_argument("--theorems", type=int, default=40)
    parser.add_argument("--expansions", type=int, default=256)
    parser.add_argument("--least", type=int, default=16, help="expansions that a search must have taken to count")
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--defer", type=int, help="score only so many likeliest children at once, as --defer does")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    options = parse_options(arguments.policy_option)
    if arguments.database:
        options = merged(options, {"metamath": {"database": arguments.database}})
    out = Path(tempfile.mkdtemp(prefix="ebm-scoring-"))
    rows = []
    for pair in range(1, arguments.pairs + 1):
        with_model = _run(arguments, "ebm", merged(options, scorer_options(arguments.checkpoint, {})), out / f"e{pair}")
        without = _run(arguments, "logprob", options, out / f"l{pair}")
        rows.append([str(pair), *_row(arguments.least, with_model, without)])
    header = ("pair", "theorems", "expansions", "states scored", "ratio in one search", "ratio of the pair")
    print_table((*header, "µs a scored state", "expansions/s without"), rows)


def _run(arguments: argparse.Namespace, scorer: str, options: Options, out: Path) -> Mapping[str, TheoremResult]:
    config = RunConfig(
        generator=arguments.generator,
        scorer=scorer,
        seed=arguments.seed,
        select=SelectionConfig(split=arguments.split, limit=arguments.theorems),
        search=SearchConfig(
            limit=LimitConfig(expansions=arguments.expansions),
            priority=PriorityConfig(kind="logprob", goal_weight=1.0),
            defer=arguments.defer if scorer == "ebm" else None,
        ),
        execution=ExecutionConfig(workers=1),
        trajectories=False,
        options=options,
    )
    return finished_run(config, out).results()


def _row(least: int, with_model: Mapping[str, TheoremResult], without: Mapping[str, TheoremResult]) -> Sequence[str]:
    differing = [name for name in without if with_model[name].expansions != without[name].expansions]
    if differing:
        raise SystemExit(f"{differing[0]}: the two searches went different ways, so their times can't be compared")
    names = [name for name, result in without.items() if result.expansions >= least]
    if not names:
        raise SystemExit(f"no search took {least} expansions; take more theorems, or a lower --least")
    inside, between = [], []
    for name in names:
        own = _base(with_model[name])
        whole = own + with_model[name].seconds_by_part["score"]
        inside.append(whole / own)
        between.append(whole / _base(without[name]))
    scored = sum(with_model[name].scored for name in names)
    seconds = sum(with_model[name].seconds_by_part["score"] for name in names)
    expansions = sum(without[name].expansions for name in names)
    return (
        str(len(names)),
        f"{expansions:,}",
        f"{scored:,}",
        _spread(inside),
        _spread(between),
        f"{1e6 * seconds / max(scored, 1):.0f}",
        f"{expansions / sum(_base(without[name]) for name in names):.0f}",
    )


def _base(result: TheoremResult) -> float:
    return sum(result.seconds_by_part[part] for part in BASE)


def _spread(ratios: Sequence[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
