"""Whether the energy-based model helps: the whole table, from recording to paired searches, with any policy.

    python benchmarks/ebm.py --out DIR [--database set.mm] [--generator knn] [--policy-option knn.memory=chronological]
        [--train-option 'ebm.append=["policy"]'] [--seeds 0 1 2] [--oracle] [--run confidence=RUN]

1. records searches along the library's proofs of training theorems (or takes --trajectories), and trains;
2. records the same on held-out theorems and ranks siblings and labelled states there by the trained value, which is the
   energy, and by the head's second output, the predicted remaining steps;
3. searches the held-out theorems at the largest budget, ordered by log-probability and goals, and with the value;
   with --oracle also by the known proof, which no value can beat with these candidates.

With --seeds there is a head for each; the searches have one seed, --seed. --run NAME=RUN takes a finished run of the
same theorems: in place of the baseline (NAME log-probability), of the oracle (oracle), or to compare with as well.
The encoder policy (--train-option 'ebm.append=["policy"]') asks --generator with its options.

Every step is kept in DIR, gone on with where it was stopped, and skipped where it is complete. Prints what was asked
for and what was measured; intervals are bootstrapped over theorems at 95%, p is McNemar's, exact and two-sided. Equal
wall time: each search gets the seconds that the baseline takes for a budget on average, the budget times its seconds an
expansion; run it on an idle machine, or --together, two searches at a time, so that what else the machine does slows
both alike, with half as many --workers as there are cores. It is told of the first seed, whose search is next to the
baseline's, and not of a baseline that was made before. --choose-baseline tries priorities without a value on validation
theorems first.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from bench_arms import (
    ORACLE_PRIORITY,
    ORACLE_SCORER,
    cost_row,
    expansion_rows,
    finished_arm,
    print_by_length,
    print_headroom,
    print_solved,
    refuse_other_theorems,
    time_rows,
)
from bench_runs import (
    Options,
    finished_run,
    guided,
    list_theorems,
    merged,
    pace_words,
    parse_options,
    points,
    print_table,
    scorer_options,
    trained,
    with_interval,
)

from proofsearch.config import ExecutionConfig, LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.evaluation import EvaluationSettings, RunEvaluation, evaluate
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.runs import RunFolder

BASELINE, ORACLE = "log-probability", "oracle"
"""The arms beside those with the value."""
BASELINES = {
    f"{kind}-{weight:g}": PriorityConfig(kind=kind, goal_weight=weight)
    for kind, weight in product(("logprob", "normalized"), (0.0, 0.5, 1.0, 2.0, 4.0))
}
"""Priorities without a learned value, by kind and the weight of an open goal."""


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
    parser.add_argument("--train-steps", type=int, nargs=2, default=[2, 40], help="of their proofs, least and greatest")
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
    parser.add_argument("--only-searches", action="store_true", help="no ranking")
    parser.add_argument("--oracle", action="store_true", help="search by the known proof too")
    parser.add_argument("--run", action="append", default=[], metavar="NAME=RUN", help="a finished run; repeatable")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, nargs="+", help="of the trainings; default: --seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--together", action="store_true", help="search with and without the value at the same time")
    arguments = parser.parse_args()
    policy = parse_options(arguments.policy_option)
    if arguments.database:
        policy = merged(policy, {"metamath": {"database": str(Path(arguments.database).absolute())}})
    given = _given_runs(arguments.run)
    values = {
        name: scorer_options(checkpoint, parse_options(arguments.value_option))
        for name, checkpoint in _checkpoints(arguments, policy).items()
    }
    rows: list[tuple[str, ...]] = []
    if not arguments.only_searches:
        for name, value in values.items():
            rows += [(f"{name}: {row[0]}", *row[1:]) for row in _all_ranking_rows(arguments, policy, value)]
    if not arguments.only_ranking:
        rows += _search_rows(arguments, policy, values, given)
    print(f"\n### {arguments.split} theorems, {arguments.generator}")
    print_table(("", "at least", "aim", "measured", "on"), rows)


def _given_runs(texts: Sequence[str]) -> dict[str, Path]:
    runs = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise SystemExit(f"--run {text!r}: expected NAME=RUN, such as confidence=runs/confidence")
        runs[name] = Path(path)
    return runs


def _checkpoints(arguments: argparse.Namespace, policy: Options) -> dict[str, Path]:
    """The checkpoints by the names of their searches, one for each seed."""
    if arguments.checkpoint is not None:
        return {arguments.name: arguments.checkpoint}
    options = parse_options(arguments.train_option)
    own = options.get("ebm", {})
    if "policy" in (own.get("encoder"), *own.get("append", ())):
        options = merged(policy, {"policy": {"generator": arguments.generator}}, options)
    trajectories = arguments.trajectories or [_recorded(arguments, policy)]
    made = {}
    for seed in arguments.seeds or [arguments.seed]:
        suffix = f"-{seed}" if arguments.seeds else ""
        out = arguments.out / f"checkpoint{suffix}"
        made[f"{arguments.name}{suffix}"] = trained(trajectories, options, out, seed=seed, workers=arguments.workers)
    return made


def _recorded(arguments: argparse.Namespace, policy: Options) -> Path:
    """Searches along the library's proofs, to learn from."""
    out: Path = arguments.out
    least, most = arguments.train_steps
    file = list_theorems(out / f"{arguments.train_split}.txt", policy, arguments.train_split, (least, most))
    select = SelectionConfig(file=str(file), limit=arguments.train_theorems)
    return finished_run(guided(arguments, policy, select), out / "guided-train").path


def _all_ranking_rows(arguments: argparse.Namespace, policy: Options, value: Options) -> Iterator[tuple[str, ...]]:
    ranked = _ranked(arguments, policy, value)
    yield from _ranking_rows(ranked)
    yield from _separation_rows(ranked, "the energy")
    steps = _ranked(arguments, policy, merged(value, {"ebm": {"value": "cost"}}))
    yield from _separation_rows(steps, "the predicted remaining steps")


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


def _searched(
    arguments: argparse.Namespace, policy: Options, values: Mapping[str, Options], given: Mapping[str, Path]
) -> dict[str, RunFolder]:
    """The searches by arm: what is given, and what is made, two at a time where wanted."""
    prefix, most = f"search-{arguments.split}", max(arguments.budgets)
    runs = {name: finished_arm(path, most) for name, path in given.items()}
    wanted: dict[str, Callable[[], RunFolder]] = {}
    if BASELINE not in given:
        baseline = _chosen_baseline(arguments, policy)
        print(f"baseline: {baseline}; with the value: {' '.join(arguments.priority)}")
        wanted[BASELINE] = partial(_search, arguments, policy, f"{prefix}-{baseline}", priority=BASELINES[baseline])
    fields = parse_options(f"priority.{text}" for text in arguments.priority)["priority"]
    by_value = {"priority": PriorityConfig.model_validate(fields), "scorer": "ebm", "defer": arguments.defer}
    for name, value in values.items():
        wanted[name] = partial(_search, arguments, merged(policy, value), f"{prefix}-{name}", **by_value)
    if arguments.oracle and ORACLE not in given:
        known = {"priority": ORACLE_PRIORITY, "scorer": ORACLE_SCORER}
        wanted[ORACLE] = partial(_search, arguments, policy, f"{prefix}-{ORACLE}", **known)
    with ThreadPoolExecutor(2 if arguments.together else 1) as pool:
        runs |= zip(wanted, pool.map(lambda make: make(), wanted.values()), strict=True)
    for run in runs.values():
        refuse_other_theorems(run, runs[BASELINE])
    return runs


def _search_rows(
    arguments: argparse.Namespace, policy: Options, values: Mapping[str, Options], given: Mapping[str, Path]
) -> Iterator[tuple[str, ...]]:
    runs = _searched(arguments, policy, values, given)
    base, bootstrap, budgets = runs[BASELINE], Bootstrap(seed=arguments.seed), arguments.budgets
    others = [name for name in given if name not in (BASELINE, ORACLE)]
    beside = next(iter(values)) if BASELINE not in given else None
    print_solved(base, runs, budgets)
    if ORACLE in runs:
        print_headroom(base, runs[ORACLE], {name: runs[name] for name in (*values, *others)}, budgets)
    for name in (BASELINE, *values):
        print(f"{name}: {pace_words(runs[name])}")
    for name in values:
        print_by_length(base, name, runs[name], budgets)
        for within, words, on in expansion_rows(base, runs[name], budgets, bootstrap):
            yield f"{name}: solved at {within}", "+2, p < .05", "+8", words, on
        for within, words, on in time_rows(base, runs[name], budgets, bootstrap) if name == beside else ():
            yield f"{name}: at equal wall time, {within}", "+0", "+4", words, on
        what, words, on = cost_row(base, runs[name], max(budgets), bootstrap)
        yield f"{name}: {what}", "−10%", "−30%", words, on
        for other in others:
            for within, words, on in expansion_rows(runs[other], runs[name], budgets, bootstrap):
                yield f"{name} over {other}: solved at {within}", "", "", words, on


if __name__ == "__main__":
    main()
