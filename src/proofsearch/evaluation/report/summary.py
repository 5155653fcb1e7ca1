"""What the page says of whole runs, as plain data: the evaluation itself, its curves, and a row a theorem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.evaluation.pairs import expansion_limit
from proofsearch.evaluation.report.choice import Choice
from proofsearch.evaluation.report.tree import MAX_MESSAGE, clipped
from proofsearch.evaluation.result import Evaluation, RunEvaluation, run_names, to_json
from proofsearch.measures.paired import COSTS, Cost, Efforts, least_cost, solved
from proofsearch.process.version import __version__
from proofsearch.protocols import TheoremResult
from proofsearch.runs import RunFolder

MAX_POINTS = 300
"""Points of a curve; a run with more proofs has them at evenly spaced ones of these."""


def summary_data(
    evaluation: Evaluation,
    folders: Sequence[RunFolder],
    results: Sequence[Mapping[str, TheoremResult]],
    choice: Choice,
    trees: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Everything but the trees themselves.

    Args:
        evaluation: of these runs.
        folders: in its order.
        results: those that are evaluated, of each run by theorem.
        choice: whose trees are shown.
        trees: what the page needs to know of each tree before it opens it.

    Returns:
        A dictionary of

        * ``version``: of proofsearch;
        * ``evaluation``: as ``proofsearch evaluate --json`` has it;
        * ``names``: of the runs, all different;
        * ``runs``: of each when it was ``created``, and its ``curves`` by cost;
        * ``theorems``: see :func:`theorem_rows`;
        * ``choice``: how many trees are shown and left out;
        * ``trees``.
    """
    return {
        "version": __version__,
        "evaluation": to_json(evaluation),
        "names": run_names(evaluation),
        "runs": [
            {"created": folder.created, "curves": curves(run, folder, evaluation.runs)}
            for run, folder in zip(evaluation.runs, folders, strict=True)
        ],
        "theorems": theorem_rows(folders, results),
        "choice": {
            "theorems": len(choice.theorems),
            "proved": choice.proved,
            "failed": choice.failed,
            "proved_left_out": choice.proved_left_out,
            "failed_left_out": choice.failed_left_out,
        },
        "trees": list(trees),
    }


def curves(run: RunEvaluation, folder: RunFolder, runs: Sequence[RunEvaluation]) -> dict[Cost, dict[str, Any]]:
    """What a run solved at every budget at which it solved one more, by cost.

    Args:
        run: the run.
        folder: its folder.
        runs: all runs of the report: where the first of them proves something, all curves begin.

    Returns:
        By cost that the run counts the columns ``budget``, ``solved``, ``low``, ``high`` (as parts of the theorems) and
        ``cut_off``.
    """
    found: dict[Cost, dict[str, Any]] = {}
    for cost in COSTS:
        efforts = run.efforts
        if not efforts.counts(cost):
            continue
        begins = [_proof_costs(other.efforts, cost)[:1] for other in runs]
        least = min((float(first[0]) for first in begins if len(first)), default=1.0)
        most = expansion_limit(folder, efforts) if cost == "expansions" else float(np.nanmax(efforts.cost(cost)))
        budgets = budgets_between(_proof_costs(efforts, cost), least, max(most, least))
        points = solved(efforts, cost, budgets)
        found[cost] = {
            "budget": budgets,
            "solved": [point.solved for point in points],
            "low": [point.low for point in points],
            "high": [point.high for point in points],
            "cut_off": [point.cut_off for point in points],
        }
    return found


def budgets_between(costs: NDArray[np.float64], least: float, most: float) -> list[float]:
    """The budgets of a curve: where it begins, where something more is solved, where it ends.

    Args:
        costs: of proofs, increasing.
        least: the first budget.
        most: the last one, at least ``least``.

    Returns:
        Increasing, each once; at most :data:`MAX_POINTS` and the two ends.
    """
    steps = np.unique(costs[(costs > least) & (costs < most)])
    if len(steps) > MAX_POINTS:
        steps = steps[np.linspace(0, len(steps) - 1, MAX_POINTS).round().astype(np.int64)]
    return sorted({least, most, *steps.tolist()})


def _proof_costs(efforts: Efforts, cost: Cost) -> NDArray[np.float64]:
    """What the proofs cost, increasing; at least what a logarithmic axis can show."""
    spent = efforts.cost(cost)[efforts.proved]
    return np.sort(np.maximum(spent[~np.isnan(spent)], least_cost(cost)))


def theorem_rows(folders: Sequence[RunFolder], results: Sequence[Mapping[str, TheoremResult]]) -> dict[str, Any]:
    """The theorems with a result in any of the runs, in the order of the runs that have them.

    Returns:
        ``name``, ``statement``, ``split`` and ``library`` (steps of the library's own proof, or ``None``) by theorem;
        ``endings``, the words for how a search can end; and ``runs``, of each run by theorem, ``None`` where it has no
        result: ``ending`` (an index), ``proved``, ``expansions``, ``nodes``, ``model_calls``, ``seconds``,
        ``processor_seconds``, ``tokens``, ``steps`` (of the proof), ``recorded``, and ``said``, by theorem's index,
        what was reported of a search.
    """
    theorems = {theorem.name: theorem for folder in folders for theorem in reversed(folder.theorems)}
    evaluated = {name for run_results in results for name in run_results}
    ordered = dict.fromkeys(theorem.name for folder in folders for theorem in folder.theorems)
    names = [name for name in ordered if name in evaluated]
    endings: dict[str, int] = {}
    runs = []
    for run_results in results:
        found = [run_results.get(name) for name in names]
        runs.append(
            {
                "ending": [
                    None if result is None else endings.setdefault(result.ending, len(endings)) for result in found
                ],
                "proved": [None if result is None else result.proved for result in found],
                "expansions": [None if result is None else result.expansions for result in found],
                "nodes": [None if result is None else result.nodes for result in found],
                "model_calls": [None if result is None else result.generated + result.scored for result in found],
                "seconds": [None if result is None else round(result.seconds, 6) for result in found],
                "processor_seconds": [
                    None if result is None or result.processor_seconds is None else round(result.processor_seconds, 6)
                    for result in found
                ],
                "tokens": [None if result is None else result.tokens for result in found],
                "steps": [None if result is None or not result.proved else len(result.tactics) for result in found],
                "recorded": [result is not None and bool(result.search_id) for result in found],
                "said": {
                    index: said for index, result in enumerate(found) if result is not None and (said := _said(result))
                },
            }
        )
    return {
        "name": names,
        "statement": [clipped(theorems[name].statement, MAX_MESSAGE) for name in names],
        "split": [theorems[name].split for name in names],
        "library": [theorems[name].proof_length for name in names],
        "endings": list(endings),
        "runs": runs,
    }


def _said(result: TheoremResult) -> str:
    """What a person should know of a search beside how it ended."""
    refusal = result.verdict.message if result.verdict is not None and not result.verdict.proved else ""
    return clipped("\n".join(filter(None, [result.message, refusal, *result.messages])), MAX_MESSAGE)
