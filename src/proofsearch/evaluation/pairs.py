"""Two runs side by side: which can be compared at all, on which theorems, up to which budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from proofsearch.errors import UsageError
from proofsearch.evaluation.result import Comparison
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.intervals import percentage
from proofsearch.measures.paired import (
    Cost,
    Efforts,
    PairedSolved,
    compare_costs,
    compare_solved,
    expansion_budgets,
    time_budgets,
)
from proofsearch.runs import RunFolder
from proofsearch.runs.provenance import differing

MAX_CUT_OFF = 0.01
"""The part of searches that another limit may have stopped before a note is due."""


def efforts_of(folder: RunFolder, names: Sequence[str]) -> Efforts:
    """What a run spent on some of its theorems, in the order of ``names``; each must have a result."""
    found = folder.results()
    results = [found[name] for name in names]

    def column(values: Sequence[float | None]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array(values, dtype=np.float64)  # None becomes nan

    return Efforts(
        theorems=tuple(names),
        proved=np.array([result.proved for result in results], dtype=np.bool_),
        limit_hit=tuple(result.limit_hit for result in results),
        expansions=column([result.expansions for result in results]),
        nodes=column([result.nodes for result in results]),
        model_calls=column([result.generated + result.scored for result in results]),
        seconds=column([result.seconds for result in results]),
        processor_seconds=column([result.processor_seconds for result in results]),
        tokens=column([result.tokens for result in results]),
    )


def expansion_limit(folder: RunFolder, efforts: Efforts) -> float:
    """The run's bound on expansions; without one the most that a search needed."""
    limit = folder.config.search.limit.expansions
    return float(limit) if limit is not None else float(efforts.expansions.max(initial=1.0))


def time_limit(folders: Sequence[RunFolder], efforts: Sequence[Efforts]) -> float:
    """The least bound on seconds of these runs; without one the longest that a proof took in any of them."""
    limits = [seconds for folder in folders if (seconds := folder.config.search.limit.seconds) is not None]
    longest = max((float(run.seconds[run.proved].max(initial=0.0)) for run in efforts), default=0.0)
    return min([*limits, longest]) if longest > 0 else 0.0


def at_equal(kind: Cost, first: Efforts, second: Efforts, bootstrap: Bootstrap) -> list[PairedSolved]:
    """What two runs solved at equal budgets of a cost that not every run counts; nothing where one of them doesn't."""
    if not (first.counts(kind) and second.counts(kind)):
        return []
    spent = np.concatenate([run.cost(kind)[run.proved] for run in (first, second)])
    return compare_solved(first, second, kind, time_budgets(spent, float(spent.max(initial=0.0))), bootstrap)


def refuse_other_environments(first: RunFolder, second: RunFolder) -> None:
    """Refuses runs whose results mean different things.

    Raises:
        UsageError: they ran on different environments, or on other versions or files of one.
    """
    refuse_others(*((str(run.path), run.config.env, run.fingerprint) for run in (first, second)))


def refuse_others(first: tuple[str, str, Mapping[str, str]], second: tuple[str, str, Mapping[str, str]]) -> None:
    """Refuses what :func:`refuse_other_environments` does.

    Args:
        first: what to call a run, its environment's name, and the environment's fingerprint.
        second: the same of another one.

    Raises:
        UsageError: as there.
    """
    (one, env, before), (other, other_env, after) = first, second
    why = ""
    if env != other_env:
        why = f"one searched in the environment {env!r}, the other in {other_env!r}"
    elif keys := differing(before, after):
        key = keys[0]
        why = f"{key} of the environment is {before.get(key)!r} in the first and {after.get(key)!r} in the second"
    if why:
        raise UsageError(
            f"{one} and {other} can't be compared: {why}; evaluate them one at a time, or search again on one "
            f"environment"
        )


def compare(
    first: RunFolder,
    first_names: frozenset[str],
    second: RunFolder,
    second_names: frozenset[str],
    bootstrap: Bootstrap,
) -> Comparison:
    """Compares a run with the baseline.

    Args:
        first: the baseline.
        first_names: its theorems that count; each has a result.
        second: the other run.
        second_names: the same of that.
        bootstrap: how intervals are made.

    Raises:
        UsageError: no theorem is common.
    """
    statements = {theorem.name: theorem.statement for theorem in second.theorems}
    common = first_names & second_names
    names = [
        theorem.name
        for theorem in first.theorems
        if theorem.name in common and statements[theorem.name] == theorem.statement
    ]
    if not names:
        raise UsageError(
            f"{first.path} and {second.path} have no theorem in common; expected runs on the same theorems: give both "
            f"searches the same --split, --limit and --seed, or one --file"
        )
    a, b = efforts_of(first, names), efforts_of(second, names)
    limits = expansion_limit(first, a), expansion_limit(second, b)
    limit = min(limits)
    at_expansions = compare_solved(a, b, "expansions", expansion_budgets(limit), bootstrap)
    proved = np.concatenate([a.seconds[a.proved], b.seconds[b.proved]])
    times = time_budgets(proved, time_limit([first, second], [a, b]))
    both = a.solved("expansions", limit) & b.solved("expansions", limit)
    notes = _notes(len(names), (len(first_names), len(second_names)), limits, at_expansions[-1])
    return Comparison(
        first=first.path,
        second=second.path,
        theorems=len(names),
        notes=tuple(notes),
        expansions=tuple(at_expansions),
        seconds=tuple(compare_solved(a, b, "seconds", times, bootstrap)),
        processor_seconds=tuple(at_equal("processor_seconds", a, b, bootstrap)),
        tokens=tuple(at_equal("tokens", a, b, bootstrap)),
        costs=compare_costs(a, b, both, bootstrap),
    )


def _notes(common: int, theorems: tuple[int, int], limits: tuple[float, float], last: PairedSolved) -> list[str]:
    """What is to be known of a comparison.

    Args:
        common: theorems that both runs have.
        theorems: how many each has.
        limits: on expansions, of each.
        last: what was solved at the largest common budget.
    """
    notes = []
    if not common == theorems[0] == theorems[1]:
        notes.append(
            f"the first run has {theorems[0]} theorems, the second {theorems[1]}; compared on the "
            f"{common} that both have"
        )
    if limits[0] != limits[1]:
        notes.append(
            f"the first run was allowed {limits[0]:,.0f} expansions, the second {limits[1]:,.0f}; compared up to "
            f"{min(limits):,.0f}"
        )
    cut_off = max(last.cut_off_first, last.cut_off_second)
    if cut_off > MAX_CUT_OFF:
        notes.append(
            f"another limit stopped up to {percentage(cut_off, 0)} of a run's searches before {min(limits):,.0f} "
            f"expansions: at equal expansions that run looks worse than it is"
        )
    return notes
