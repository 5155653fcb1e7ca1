"""What becomes of a finished training: the mixing, the measurements, the plots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proofsearch.trainers.mixing import Mixing, fit_mixing
from proofsearch.trajectory.choices import NEUTRAL_SCORERS
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.data.dataset import Dataset
from proofsearch_ebm.model.head import EnergyHead
from proofsearch_ebm.training.history import History
from proofsearch_ebm.training.plots import Curve, DepthRanks, TrainingPictures
from proofsearch_ebm.training.validation import (
    Choice,
    by_depth,
    choice_sets,
    evaluate_states,
    frontier_choices,
    sibling_choices,
)

POLICY_RANK = "policy_rank"
"""The metric of a validation that says how often the policy alone ranks a state on the path first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of a trained head on validation theorems.

    Attributes:
        mixing: by kind of value; empty without a decision.
        ranks: rank-1 among siblings by depth.
        on_path, off_path: energies of positives, and of states that are not known to be.
        messages: what a person should know of it.
    """

    mixing: Mapping[str, Mixing]
    ranks: Sequence[DepthRanks]
    on_path: NDArray[np.float64]
    off_path: NDArray[np.float64]
    messages: Sequence[str]


def judge(head: EnergyHead, dataset: Dataset, theorems: Sequence[int], config: EbmTrainerConfig, seed: int) -> Outcome:
    """Measures a head on validation theorems and fits how its values are mixed with log-probability.

    Args:
        head: the best one.
        dataset: where the states are.
        theorems: the validation theorems' indices.
        config: the options of the training.
        seed: of the folds, the bootstrap and the choice of rivals.
    """
    every = dataset.states_of(theorems)
    energies, costs = evaluate_states(head, dataset, every)
    positive = dataset.label[every] == 1
    on_path, off_path = energies[positive], energies[~positive]
    siblings = sibling_choices(dataset, theorems)
    if not siblings:
        message = "no decision of a validation theorem has a wrong child: the value can't be weighed and weighs 0"
        return Outcome({}, (), on_path, off_path, (message,))
    place = np.full(dataset.num_states, -1, np.int64)
    place[every] = np.arange(len(every))
    choices = siblings
    if config.mixing == "frontier":
        choices = frontier_choices(
            dataset, theorems, config.max_members, np.random.default_rng([seed, 1]), config.max_gap
        )
        if not choices:
            message = "no frontier of a validation theorem is left to weigh the value on (--ebm-max-gap): it weighs 0"
            return Outcome({}, (), on_path, off_path, (message,))
    members = place[np.concatenate([choice.states for choice in choices])]
    mixing = {}
    for name, scores in (("energy", energies), ("cost", costs)):
        if scores is not None:
            sets = choice_sets(dataset, choices, -scores[members])
            mixing[name] = fit_mixing(sets, resamples=config.bootstrap, rng=np.random.default_rng([seed, 2]))
    ranks = _ranks_by_depth(dataset, siblings, -energies[place[np.concatenate([choice.states for choice in siblings])]])
    words = _in_words(mixing["energy"], config.mixing, _orders(dataset))
    return Outcome(mixing, ranks, on_path, off_path, [words])


def _orders(dataset: Dataset) -> list[str]:
    """The scorers, other than known proofs and chance, that ordered some of the searches."""
    return sorted(set(dataset.scorers) - NEUTRAL_SCORERS)


_WEIGHS_NOTHING = (
    "the value will weigh 0 in searches unless they force it (--ebm-force); train on more theorems, or for longer"
)


def _in_words(mixing: Mixing, sets: str, orders: Sequence[str]) -> str:
    """What the value is worth on validation theorems, and what it weighs.

    Args:
        mixing: of the energies.
        sets: what was ranked.
        orders: as :func:`_orders`: at the decisions of these searches nothing is worth what it seems to be.
    """
    if orders:
        weighs = f"the value weighs {mixing.value_weight:.2f}" if mixing.helps else _WEIGHS_NOTHING
        return (
            f"{weighs}; what it gains is not said, since some of the searches were ordered by {', '.join(orders)}, "
            f"which chose the decisions: judge it along known proofs, with proofsearch evaluate RUN --scorer ebm on a "
            f"run with --generator demonstrated --scorer demonstration --priority split"
        )
    found = (
        f"on {mixing.sets} validation decisions ({sets}) of {mixing.theorems} theorems, rank-1: "
        f"chance {mixing.rank_random:.1%}, log-probability {mixing.rank_logprob:.1%}, with goals "
        f"{mixing.rank_logprob_goals:.1%}, energy {mixing.rank_value:.1%}, mixed {mixing.rank_mixed:.1%}"
    )
    gain = f"{100 * mixing.gain:+.1f} points (95 %: {100 * mixing.gain_low:+.1f} to {100 * mixing.gain_high:+.1f})"
    if mixing.helps:
        return f"{found}: a gain of {gain}; the value weighs {mixing.value_weight:.2f}"
    return f"{found}: {gain}, which may be no gain at all, so {_WEIGHS_NOTHING}"


def _ranks_by_depth(dataset: Dataset, choices: Sequence[Choice], values: NDArray[np.float64]) -> list[DepthRanks]:
    sets = choice_sets(dataset, choices, values)
    scores = {"energy": sets.value, "log-probability": sets.logprob, "chance": np.zeros_like(sets.value)}
    ranks = {name: sets.rank_one(score) for name, score in scores.items()}
    return [
        DepthRanks(band, len(inside), {name: float(values[inside].mean()) for name, values in ranks.items()})
        for band, inside in by_depth(choices)
    ]


def pictures(history: History, outcome: Outcome, kept: int) -> TrainingPictures:
    """What is plotted of a training.

    Args:
        history: what was measured in it.
        outcome: of its best head.
        kept: the step of that head.
    """
    names = dict.fromkeys(name for row in history.rows for name in row.metrics if name.split("/")[0] == "loss")
    losses = {
        f"{name.replace('loss/', '')} ({split})": _curve(history, name, split)
        for name in names
        for split in ("train", "validation")
    }
    gaps = {split: _curve(history, "gap", split) for split in ("train", "validation")}
    learning = {split: _curve(history, "rank_accuracy", split) for split in ("train", "validation")}
    # Measured on the validation's groups, which are the same at every step.
    levels = {"chance": _curve(history, "chance", "validation"), "policy": _curve(history, POLICY_RANK, "validation")}
    return TrainingPictures(
        {name: curve for name, curve in losses.items() if curve[0]},
        {name: curve for name, curve in gaps.items() if curve[0]},
        {name: curve for name, curve in learning.items() if curve[0]},
        {name: values[-1] for name, (_, values) in levels.items() if values},
        kept,
        outcome.ranks,
        outcome.on_path,
        outcome.off_path,
    )


def manifest_metrics(
    outcome: Outcome, dataset: Dataset, history: History, *, stopped: str, step: int, best_step: int
) -> dict[str, Any]:
    """What the manifest says was measured, as JSON: what is no finite number is ``null``."""
    at_best = [row.metrics for row in history.rows if (row.step, row.split) == (best_step, "validation")]
    figures: dict[str, Any] = {}
    if "energy" in outcome.mixing:
        energy = outcome.mixing["energy"]
        figures = {"value weight": energy.calibration().value_weight}
        if not _orders(dataset):
            figures |= {
                "rank energy": energy.rank_value,
                "chance": energy.rank_random,
                "rank without value": max(energy.rank_logprob, energy.rank_logprob_goals),
                "rank mixed": energy.rank_mixed,
                "gain": energy.gain,
            }
    return figures | {
        "stopped": stopped,
        "steps": step,
        "best_step": best_step,
        "validation": _finite(at_best[-1]) if at_best else {},
        "mixing": {name: mixing.to_json() for name, mixing in outcome.mixing.items()},
        "ranks": [asdict(entry) for entry in outcome.ranks],
        "data": asdict(dataset.report),
    }


def _finite(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def _curve(history: History, name: str, split: str) -> Curve:
    series = [(step, value) for step, value in history.series(name, split) if math.isfinite(value)]
    return [step for step, _ in series], [value for _, value in series]
