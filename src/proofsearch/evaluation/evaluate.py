"""Evaluates runs: each by itself, and every further one against the first."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from proofsearch.errors import UsageError
from proofsearch.evaluation.collected import Recorded
from proofsearch.evaluation.neutrality import is_neutral
from proofsearch.evaluation.pairs import compare, efforts_of, expansion_limit, refuse_other_environments, time_limit
from proofsearch.evaluation.progress import so_far
from proofsearch.evaluation.recorded import contradictions, read
from proofsearch.evaluation.rescoring import Rescorer, with_scorer
from proofsearch.evaluation.result import Comparison, Compute, Evaluation, Rates, RunEvaluation, TimeSpent
from proofsearch.evaluation.settings import EvaluationSettings
from proofsearch.evaluation.values import judge
from proofsearch.measures.paired import expansion_budgets, proof_costs, solved, time_budgets
from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import Calibration, TheoremResult
from proofsearch.protocols.events import OnEvent, Preparing, ignore_event
from proofsearch.runs import RunFolder
from proofsearch.runs.faults import faults
from proofsearch.runs.selection import drawn
from proofsearch.runs.tiers import count_tiers


def evaluate(
    paths: Sequence[Path],
    settings: EvaluationSettings | None = None,
    *,
    plugins: Plugins | None = None,
    on_event: OnEvent = ignore_event,
) -> Evaluation:
    """Evaluates runs; each further one is compared with the first.

    Args:
        paths: run folders, at least one. They may still be written to: what has a result is evaluated.
        settings: what is evaluated and how.
        plugins: where an offline scorer is looked up; default: those that are installed.
        on_event: told what takes long.

    Raises:
        RunFolderError: not a run folder, or damaged.
        InputError: a trajectory is damaged.
        UsageError: nothing to evaluate, or runs that can't be compared.
        PluginError: the scorer is unknown or can't be built.
    """
    settings = settings or EvaluationSettings()
    if not paths:
        raise UsageError("no run to evaluate; name at least one run folder")
    if settings.stop_early and (len(paths) < 2 or settings.limit is not None):
        raise UsageError(
            "--stop-early says whether a comparison is decided, of all theorems in the order of the runs: give it two "
            "runs or more, and no --limit"
        )
    folders = [RunFolder.open(path) for path in paths]
    for folder in folders[1:]:
        refuse_other_environments(folders[0], folder)
    names = _selected(folders, settings)
    comparisons: list[Comparison] = [
        _compared(folders[0], names[0], folder, chosen, settings)
        for folder, chosen in zip(folders[1:], names[1:], strict=True)
    ]
    plugins = plugins or (Plugins.discover() if settings.scorer is not None else None)
    read_runs = [
        _read(folder, chosen, settings, plugins, on_event) for folder, chosen in zip(folders, names, strict=True)
    ]
    conflicting = contradictions(recorded for recorded, _, _ in read_runs)
    on_event(Preparing("computing intervals"))
    runs = tuple(
        _run(folder, chosen, settings, *of_run, conflicting)
        for folder, chosen, of_run in zip(folders, names, read_runs, strict=True)
    )
    return Evaluation(runs, tuple(comparisons), settings.seed, settings.resamples)


def _compared(
    first: RunFolder, names: frozenset[str], second: RunFolder, others: frozenset[str], settings: EvaluationSettings
) -> Comparison:
    """A run against the baseline, with the sequential test where that is asked for."""
    comparison = compare(first, names, second, others, settings.bootstrap)
    if not settings.stop_early:
        return comparison
    budget = comparison.expansions[-1].budget
    return dataclasses.replace(comparison, sequential=so_far(first, second, budget, settings.split))


def _selected(folders: Sequence[RunFolder], settings: EvaluationSettings) -> list[frozenset[str]]:
    """The names of each run's theorems that have a result and are asked for."""
    selected = []
    for folder in folders:
        results = folder.results()
        searched = [theorem for theorem in folder.theorems if theorem.name in results]
        if not searched:
            raise UsageError(f"{folder.path}: no theorem of this run has a result yet; there is nothing to evaluate")
        if settings.split is not None:
            splits = Counter(theorem.split or "none" for theorem in searched)
            searched = [theorem for theorem in searched if theorem.split == settings.split]
            if not searched:
                found = ", ".join(f"{name} ({count})" for name, count in sorted(splits.items()))
                raise UsageError(
                    f"{folder.path}: no theorem with a result is in the split {settings.split!r}; it has: {found}"
                )
        selected.append(frozenset(theorem.name for theorem in searched))
    if settings.limit is not None:
        common = frozenset.intersection(*selected)
        selected = [drawn(common or names, settings.limit, settings.seed) for names in selected]
    return selected


def _read(
    folder: RunFolder,
    names: frozenset[str],
    settings: EvaluationSettings,
    plugins: Plugins | None,
    on_event: OnEvent,
) -> tuple[Recorded, Calibration | None, tuple[int, int]]:
    """A run's columns, the scorer's calibration, and how many states were scored and how many of them in vain."""
    message = f"reading {folder.path}"
    config = folder.config
    neutral = is_neutral(config)
    with contextlib.ExitStack() as stack:
        rescorer = None
        if settings.scorer is not None and plugins is not None:
            if neutral:
                message = f"scoring {folder.path} with {settings.scorer}"
                rescorer = stack.enter_context(Rescorer(plugins, config, settings.scorer, settings.options, on_event))
            else:  # what is wrong with it is to be said here too
                with_scorer(plugins, config, settings.scorer, settings.options)
        recorded = read(
            folder,
            names,
            neutral=neutral,
            min_expansions=settings.min_expansions,
            rescorer=rescorer,
            on_search=lambda done, total: on_event(Preparing(message, done, total)),
        )
        if rescorer is not None:
            return recorded, rescorer.calibration, (rescorer.scored, rescorer.unscored)
    results = [result for name, result in folder.results().items() if name in names]
    return recorded, None, (sum(r.scored for r in results), sum(r.unscored for r in results))


def _run(
    folder: RunFolder,
    names: frozenset[str],
    settings: EvaluationSettings,
    recorded: Recorded,
    calibration: Calibration | None,
    scored: tuple[int, int],
    conflicting: int,
) -> RunEvaluation:
    config = folder.config
    efforts = efforts_of(folder, [theorem.name for theorem in folder.theorems if theorem.name in names])
    results = {name: result for name, result in folder.results().items() if name in names}
    failed = sum(bool(result.failure) for result in results.values())
    judged = judge(recorded, settings, config, calibration)
    return RunEvaluation(
        run=folder.path,
        environment=config.env,
        generator=config.generator,
        scorer=config.scorer,
        priority=config.search.priority.kind,
        theorems=len(results),
        proved=int(efforts.proved.sum()),
        checked=count_tiers(result.verdict for result in results.values()),
        failed=failed,
        limit=config.search.limit.model_dump(),
        value_of=settings.scorer or config.scorer,
        offline=settings.scorer is not None,
        neutral=is_neutral(config),
        combined=judged.combined,
        best_logprob=judged.best_logprob,
        notes=(*judged.notes, *_notes(folder, settings, results, recorded)),
        sign=judged.sign,
        rates=Rates(
            states=recorded.states,
            scored=scored[0],
            unscored=scored[1] / scored[0] if scored[0] else math.nan,
            duplicates=recorded.merged / recorded.advanced if recorded.advanced else math.nan,
            conflicting=conflicting,
        ),
        ranking=judged.ranking,
        separation=judged.separation,
        calibration=judged.calibration,
        histogram=judged.histogram,
        solved_expansions=tuple(solved(efforts, "expansions", expansion_budgets(expansion_limit(folder, efforts)))),
        solved_seconds=tuple(
            solved(
                efforts,
                "seconds",
                time_budgets(efforts.seconds[efforts.proved], time_limit([folder], [efforts])),
            )
        ),
        proof_costs=proof_costs(efforts),
        endings=dict(Counter(result.ending for result in results.values()).most_common()),
        steps=recorded.steps,
        time=_time(list(results.values()), settings),
        compute=Compute.of(results.values()),
        efforts=efforts,
    )


def _notes(
    folder: RunFolder, settings: EvaluationSettings, results: Mapping[str, TheoremResult], recorded: Recorded
) -> list[str]:
    """What is to be known of a run."""
    notes = []
    failed = sum(bool(result.failure) for result in results.values())
    if len(results) < len(folder.theorems) and settings.split is None and settings.limit is None:
        notes.append(f"{len(folder.theorems) - len(results)} of {len(folder.theorems)} theorems have no result yet")
    if "minimised" in folder.environment:
        notes.append("shorter proofs of another run (minimise): its searches were shown them, and measure no policy")
    if failed:
        notes.append(f"{failed} theorems whose worker failed count as not proved")
    notes += [str(fault) for fault in faults(results.values())]
    if not recorded.searches:
        notes.append("no search was recorded (--no-trajectories): nothing can be said of its values")
    return notes


def _time(results: Sequence[TheoremResult], settings: EvaluationSettings) -> TimeSpent:
    """Where the time of these searches went; those that failed measured none."""
    names = list(dict.fromkeys(name for result in results for name in result.seconds_by_part))
    spent = np.array([[result.seconds_by_part.get(name, 0.0) for name in names] for result in results])
    # A part of all time is a ratio of sums over theorems, so that long searches weigh as much as they took.
    shares = settings.bootstrap.ratios(spent, spent.sum(axis=1))
    return TimeSpent(
        seconds=float(spent.sum()),
        parts=dict(zip(names, spent.sum(axis=0).tolist(), strict=True)),
        shares=dict(zip(names, shares, strict=True)),
    )
