"""Whether the value ``confidence`` helps: how sure the policy is at a state, beside its log-probability.

    python benchmarks/confidence.py --out DIR [--database set.mm] [--generator metamath-ranker]
        [--policy-option metamath-ranker.path=WEIGHTS] [--test-theorems 600] [--defer 4]

1. records searches along the library's proofs of validation theorems, which the policy has not learnt from, and fits;
2. records the same on test theorems and ranks siblings there;
3. searches the test theorems at the largest budget: by log-probability, with the value untrained, with the value, and
   by the known proof, which no value can beat with these candidates (the oracle).

Every step is kept in DIR, resumed where it was stopped, and skipped where it is complete. Printed are differences from
log-probability, paired, with intervals bootstrapped over theorems at 95%; p is McNemar's, exact and two-sided. The
headroom is what the oracle solves and log-probability doesn't. The two arms of wall time are searched at the same time,
with one worker each, so that what else the machine does slows both alike; proofs count that were found within the
seconds that log-probability takes for a budget on average.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench_arms import ORACLE_PRIORITY, ORACLE_SCORER, cost_row, expansion_rows, print_headroom, time_rows
from bench_runs import (
    Options,
    finished_run,
    guided,
    merged,
    pace_words,
    parse_options,
    points,
    print_table,
    trained,
)

from proofsearch.config import ExecutionConfig, LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.evaluation import EvaluationSettings, evaluate
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.runs import RunFolder

BASELINE, UNTRAINED, TRAINED, ORACLE = "log-probability", "untrained", "trained", "oracle"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="every step is kept here")
    parser.add_argument("--database", help="a .mm file; default: the shipped prefix of set.mm")
    parser.add_argument("--generator", default="metamath-ranker")
    parser.add_argument("--policy-option", action="append", default=[], metavar="COMPONENT.FIELD=VALUE")
    parser.add_argument("--validation-theorems", type=int, default=1500, help="to fit on")
    parser.add_argument("--test-theorems", type=int, default=600)
    parser.add_argument("--file", type=Path, help="the test theorems, a name a line; default: a sample of the split")
    parser.add_argument("--split", default="test", choices=("test", "validation"), help="that is searched")
    parser.add_argument("--budgets", type=int, nargs="+", default=[16, 64, 256, 1024])
    parser.add_argument("--defer", type=int, default=4, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="of one search; two searches run at a time")
    arguments = parser.parse_args()
    policy = parse_options(arguments.policy_option)
    if arguments.database:
        policy = merged(policy, {"metamath": {"database": str(Path(arguments.database).absolute())}})
    checkpoint = fitted(arguments, policy)
    print_ranking(arguments, policy, checkpoint)
    runs = searched(arguments, policy, checkpoint)
    print(f"\n### {arguments.split} theorems, {arguments.generator}, --defer {arguments.defer}")
    print_table(("", "within", "difference in points", "on"), [*rows(arguments, runs)])
    arms = {arm: runs[arm] for arm in (UNTRAINED, TRAINED)}
    print_headroom(runs[BASELINE], runs[ORACLE], arms, arguments.budgets)
    for arm in (BASELINE, TRAINED):
        print(f"{arm}: {pace_words(runs[arm])}")


def fitted(arguments: argparse.Namespace, policy: Options) -> Path:
    """The checkpoint, fitted on searches of validation theorems along their proofs."""
    select = SelectionConfig(split="validation", limit=arguments.validation_theorems)
    recorded = finished_run(guided(arguments, policy, select), arguments.out / "guided-validation")
    options = merged(policy, {"confidence": {"generator": arguments.generator}})
    out: Path = arguments.out / "checkpoint"
    return trained([recorded.path], options, out, seed=arguments.seed, workers=1, trainer="confidence")


def selected(arguments: argparse.Namespace) -> SelectionConfig:
    """The theorems that are searched."""
    if arguments.file is not None:
        return SelectionConfig(file=str(arguments.file.absolute()))
    return SelectionConfig(split=arguments.split, limit=arguments.test_theorems)


def print_ranking(arguments: argparse.Namespace, policy: Options, checkpoint: Path) -> None:
    """Prints how well siblings are ranked at decisions along the proofs of the test theorems."""
    recorded = finished_run(guided(arguments, policy, selected(arguments)), arguments.out / "guided-searched")
    settings = EvaluationSettings(
        "confidence", {"confidence": {"path": str(checkpoint.absolute())}}, seed=arguments.seed
    )
    (run,) = evaluate([recorded.path], settings).runs
    every = run.ranking["all"]
    print(f"\n### Rank-1 at {every.decisions:,} decisions of {every.theorems} theorems")
    names = {
        "combined_over_logprob_goals": "over log-probability with goals",
        "combined_over_logprob": "over log-probability",
    }
    for name, words in names.items():
        if name in every.differences:
            print(f"mixed {words}: {points(every.differences[name].rank1)}")


def searched(arguments: argparse.Namespace, policy: Options, checkpoint: Path) -> dict[str, RunFolder]:
    """The searches of the test theorems, by arm."""
    trained_options = {"confidence": {"path": str(checkpoint.absolute())}}
    arms: dict[str, tuple[str, PriorityConfig, int | None, Options]] = {
        BASELINE: ("logprob", PriorityConfig(kind="logprob"), None, {}),
        TRAINED: ("confidence", PriorityConfig(), arguments.defer, trained_options),
        UNTRAINED: ("confidence", PriorityConfig(), arguments.defer, {}),
        ORACLE: (ORACLE_SCORER, ORACLE_PRIORITY, None, {}),
    }

    def run(arm: str) -> RunFolder:
        scorer, priority, defer, options = arms[arm]
        config = RunConfig(
            generator=arguments.generator,
            scorer=scorer,
            seed=arguments.seed,
            select=selected(arguments),
            search=SearchConfig(limit=LimitConfig(expansions=max(arguments.budgets)), priority=priority, defer=defer),
            execution=ExecutionConfig(workers=arguments.workers),
            trajectories=False,
            options=merged(policy, options),
        )
        return finished_run(config, arguments.out / arm)

    # Two at a time: the two that are compared in wall time, then the others.
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(arms, pool.map(run, arms), strict=True))


def rows(arguments: argparse.Namespace, runs: dict[str, RunFolder]) -> Iterator[tuple[str, ...]]:
    """What each arm solved over the baseline."""
    base, bootstrap = runs[BASELINE], Bootstrap(seed=arguments.seed)
    for arm in (UNTRAINED, TRAINED, ORACLE):
        for row in expansion_rows(base, runs[arm], arguments.budgets, bootstrap):
            yield arm, *row
        if arm == TRAINED:
            for row in time_rows(base, runs[arm], arguments.budgets, bootstrap):
                yield arm, *row
        yield arm, *cost_row(base, runs[arm], max(arguments.budgets), bootstrap)


if __name__ == "__main__":
    main()
