"""Whether the energy-based model helps: the whole table, from recording to paired searches, with any policy.

    python benchmarks/ebm.py --out DIR [--database set.mm] [--generator knn] [--policy-option knn.memory=chronological]

1. records searches along the library's proofs of training theorems (or takes --trajectories), and trains;
2. records the same on held-out theorems and ranks siblings and labelled states there by the trained value, which is the
   energy, and by the head's second output, the predicted remaining steps;
3. searches the held-out theorems at the largest budget, ordered by log-probability and goals, and with the value.

Every step is kept in DIR, gone on with where it was stopped, and skipped where it is complete. Prints what was asked
for and what was measured; intervals are bootstrapped over theorems at 95%, p is McNemar's, exact and two-sided. Equal
wall time: each search gets the seconds that the baseline takes for a budget on average, the budget times its seconds an
expansion; run it on an idle machine, or --together, so that what else the machine does slows both alike, with half as
many --workers as there are cores. --choose-baseline tries priorities without a value on validation theorems first.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

from bench_runs import (
    Options,
    cost_words,
    finished_run,
    guided,
    list_theorems,
    merged,
    pace_words,
    paired_words,
    parse_options,
    points,
    print_table,
    scorer_options,
    trained,
    with_interval,
)

from proofsearch.config import ExecutionConfig, LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.evaluation import EvaluationSettings, RunEvaluation, evaluate
from proofsearch.evaluation.pairs import efforts_of
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.paired import compare_costs, compare_solved
from proofsearch.runs import RunFolder

STEPS = (2, 40)
"""Least and greatest number of steps of the proofs that are recorded for training."""
BASELINES = {
    f"{kind}-{weight:g}": PriorityConfig(kind=kind, goal_weight=weight)
    for kind, weight in product(("logprob", "normalized"), (0.0, 0.5, 1.0, 2.0, 4.0))
}
"""Priorities without a learned value, by kind and the weight of an open goal."""
LENGTHS = ((0, 1), (2, 3), (4, 5), (6, 9), (10, 19), (20, 10**9))
"""Numbers of steps of the library's proof that are told apart."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="every step is kept here")
    parser.add_argument("--database", help="a .mm file; default: the shipped prefix of set.mm")
    parser.add_argument("--generator", default="knn")
    option: dict[str, Any] = {"action": "append", "default": [], "metavar": "COMPONENT.FIELD=VALUE"}
    parser.add_argument("--policy-option", **option, help="of the policy or the environment; repeatable")
    parser.add_argument("--train-option", **option, help="of the training, such as ebm.steps=3000; repeatable")
    parser.add_argument("--value-option", **option, help="of searching with it, such as ebm.force=true; repeatable")
    parser.add_argument("--train-theorems", type=int, default=2500)
    parser.add_argument("--train-split", default="train", help="validation for a policy that has learnt from train")
    parser.add_argument("--trajectories", type=Path, nargs="+", help="learn from these instead of recording")
    parser.add_argument("--checkpoint", type=Path, help="judge this one: neither record nor train")
    parser.add_argument("--test-theorems", type=int, default=600)
    parser.add_argument("--split", default="test", choices=("test", "validation"))
    parser.add_argument("--min-expansions", type=int, help="below a state, without a proof, that make it negative")
    parser.add_argument("--budgets", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--baseline", default="logprob-1", choices=list(BASELINES), help="kind and weight of a goal")
    parser.add_argument("--choose-baseline", type=int, metavar="N", help="choose it on N validation theorems")
    parser.add_argument("--priority", nargs="+", default=["kind=auto"], metavar="FIELD=VALUE", help="with the value")
    parser.add_argument("--defer", type=int, metavar="N", help="with the value: score a node only when it is next")
    parser.add_argument("--name", default="value", help="of the search with the value, for several in one folder")
    parser.add_argument("--only-ranking", action="store_true", help="no searches")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--together", action="store_true", help="search with and without the value at the same time")
    arguments = parser.parse_args()
    policy = parse_options(arguments.policy_option)
    if arguments.database:
        policy = merged(policy, {"metamath": {"database": str(Path(arguments.database).absolute())}})
    checkpoint = arguments.checkpoint or _checkpoint(arguments, policy)
    value = scorer_options(checkpoint, parse_options(arguments.value_option))
    ranked = _ranked(arguments, policy, value)
    rows = [*_ranking_rows(ranked), *_separation_rows(ranked, "the energy")]
    steps = _ranked(arguments, policy, merged(value, {"ebm": {"value": "cost"}}))
    rows += _separation_rows(steps, "the predicted remaining steps")
    if not arguments.only_ranking:
        rows += _search_rows(arguments, policy, value)
    print(f"### {arguments.split} theorems, {arguments.generator}, checkpoint {checkpoint}")
    print_table(("", "at least", "aim", "measured", "on"), rows)


def _checkpoint(arguments: argparse.Namespace, policy: Options) -> Path:
    out: Path = arguments.out
    trajectories = arguments.trajectories
    if not trajectories:
        file = list_theorems(out / f"{arguments.train_split}.txt", policy, arguments.train_split, STEPS)
        select = SelectionConfig(file=str(file), limit=arguments.train_theorems)
        trajectories = [finished_run(guided(arguments, policy, select), out / "guided-train").path]
    options = parse_options(arguments.train_option)
    return trained(trajectories, options, out / "checkpoint", seed=arguments.seed, workers=arguments.workers)


def _ranked(arguments: argparse.Namespace, policy: Options, value: Options) -> RunEvaluation:
    select = SelectionConfig(split=arguments.split, limit=arguments.test_theorems)
    held_out = finished_run(guided(arguments, policy, select), arguments.out / f"guided-{arguments.split}")
    settings = EvaluationSettings("ebm", value, min_expansions=arguments.min_expansions, seed=arguments.seed)
    (run,) = evaluate([held_out.path], settings).runs
    for note in run.notes:
        print(f"note: {note}")
    depths = [depth for depth in run.ranking if depth != "all"]
    decisions = run.ranking["all"].decisions
    print(f"\n### Rank-1 at {decisions:,} decisions of {arguments.split} theorems, by score and depth")
    print(f"\ncombined: {run.combined}; {run.sign.words}")
    print_table(
        ("score", "all", *depths, "AUROC within theorem", "Spearman"),
        (_score_row(run, name, depths) for name in ("random", *run.ranking["all"].rankings)),
    )
    return run


def _score_row(run: RunEvaluation, name: str, depths: Sequence[str]) -> list[str]:
    by_depth = {depth: {"random": at.random, **at.rankings}[name].rank1 for depth, at in run.ranking.items()}
    row = [name, with_interval(by_depth["all"]), *(f"{by_depth[depth].value:.3f}" for depth in depths)]
    of = run.separation.get(name)
    return row + (["", ""] if of is None else [with_interval(of.auroc_within), with_interval(of.spearman)])


def _ranking_rows(run: RunEvaluation) -> Iterator[tuple[str, ...]]:
    every = run.ranking["all"]
    on = f"{every.decisions:,} decisions, {every.theorems} theorems"
    best = f"mixed over the best log-prob ranking ({run.best_logprob})"
    for what, name, least, aim in (
        ("sibling rank-1 of the energy over random", "value_over_random", "+30", "+40"),
        (best, "combined_over_logprob", "+3, above 0", "+8"),
        ("mixed over log-prob with goal count", "combined_over_logprob_goals", "+1, above 0", "+4"),
    ):
        yield what, least, aim, points(every.differences[name].rank1) if name in every.differences else "none", on


def _separation_rows(run: RunEvaluation, output: str) -> Iterator[tuple[str, ...]]:
    if "value" in run.separation:
        of = run.separation["value"]
        states = f"{of.positives:,} positive and {of.negatives:,} negative states"
        auroc, on = with_interval(of.auroc_within), f"{states}, {of.auroc_theorems} theorems"
        yield f"AUROC within theorem, {output}", ".70", ".82", auroc, on
        on = f"{of.positives:,} positive states, {of.spearman_theorems} theorems"
        yield f"Spearman with remaining steps, {output}", ".40", ".60", with_interval(of.spearman), on


def _search(arguments: argparse.Namespace, options: Options, name: str, **given: object) -> RunFolder:
    """Searches the held-out theorems at the largest budget, unless ``given`` says otherwise."""
    wanted: dict[str, Any] = {"split": arguments.split, "limit": arguments.test_theorems, "scorer": "logprob"}
    wanted |= {"expansions": max(arguments.budgets), "defer": None} | given
    config = RunConfig(
        generator=arguments.generator,
        scorer=wanted["scorer"],
        seed=arguments.seed,
        select=SelectionConfig(split=wanted["split"], limit=wanted["limit"]),
        search=SearchConfig(
            limit=LimitConfig(expansions=wanted["expansions"]), priority=wanted["priority"], defer=wanted["defer"]
        ),
        execution=ExecutionConfig(workers=arguments.workers),
        trajectories=False,
        options=options,
    )
    return finished_run(config, arguments.out / name)


def _chosen_baseline(arguments: argparse.Namespace, policy: Options) -> str:
    if arguments.choose_baseline is None:
        return str(arguments.baseline)
    solved = {}
    where = {"split": "validation", "limit": arguments.choose_baseline, "expansions": min(arguments.budgets)}
    for name, priority in BASELINES.items():
        run = _search(arguments, policy, f"choose-{name}", priority=priority, **where)
        solved[name] = sum(result.proved for result in run.results().values())
        print(f"baseline {name}: {solved[name]} of {len(run.theorems)} validation theorems", flush=True)
    return max(solved, key=lambda name: (solved[name], name == arguments.baseline))


def _search_rows(arguments: argparse.Namespace, policy: Options, value: Options) -> Iterator[tuple[str, ...]]:
    baseline = _chosen_baseline(arguments, policy)
    prefix = f"search-{arguments.split}"
    fields = parse_options(f"priority.{text}" for text in arguments.priority)["priority"]
    priority = PriorityConfig.model_validate(fields)

    def without() -> RunFolder:
        return _search(arguments, policy, f"{prefix}-{baseline}", priority=BASELINES[baseline])

    def with_value() -> RunFolder:
        options = merged(policy, value)
        given = {"priority": priority, "scorer": "ebm", "defer": arguments.defer}
        return _search(arguments, options, f"{prefix}-{arguments.name}", **given)

    if arguments.together:
        with ThreadPoolExecutor() as pool:
            first, second = (job.result() for job in [pool.submit(without), pool.submit(with_value)])
    else:
        first, second = without(), with_value()
    names = [theorem.name for theorem in first.theorems]
    _print_by_length(first, second, arguments.budgets)
    for run, name in ((first, "without a value"), (second, "with the value")):
        print(f"{name}: {pace_words(run)}")
    a, b = efforts_of(first, names), efforts_of(second, names)
    bootstrap = Bootstrap(seed=arguments.seed)
    print(f"baseline: {baseline}; with the value: {' '.join(arguments.priority)}\n")
    on = f"{len(names)} theorems"
    for paired in compare_solved(a, b, "expansions", arguments.budgets, bootstrap):
        yield f"solved at {paired.budget:,} expansions", "+2, p < .05", "+8", paired_words(paired), on
    pace = float(a.seconds.sum() / max(a.expansions.sum(), 1.0))
    times = [budget * pace for budget in arguments.budgets]
    for budget, paired in zip(arguments.budgets, compare_solved(a, b, "seconds", times, bootstrap), strict=True):
        what = f"at equal wall time, {paired.budget:.3g} s (the baseline's for {budget:,} expansions)"
        yield what, "+0", "+4", paired_words(paired), on
    both = a.solved("expansions", max(arguments.budgets)) & b.solved("expansions", max(arguments.budgets))
    costs = cost_words(compare_costs(a, b, both, bootstrap))
    yield "nodes to proof, both solve", "−10%", "−30%", costs, f"{int(both.sum())} theorems"


def _print_by_length(first: RunFolder, second: RunFolder, budgets: Sequence[int]) -> None:
    """What either run solved, by the length of the library's proof."""
    print("\n### Solved without a value, with the value, by the steps of the library's proof")
    rows = []
    for low, high in LENGTHS:
        names = [theorem.name for theorem in first.theorems if low <= (theorem.proof_length or 0) <= high]
        cells = []
        for budget in budgets:
            solved = [efforts_of(run, names).solved("expansions", budget).sum() for run in (first, second)]
            cells.append(", ".join(str(int(one)) for one in solved))
        rows.append([f"{low}–{high}" if high < LENGTHS[-1][1] else f"{low} and more", str(len(names)), *cells])
    print_table(("steps", "theorems", *(f"{budget:,} expansions" for budget in budgets)), rows)


if __name__ == "__main__":
    main()
