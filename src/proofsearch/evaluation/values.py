"""What a scorer's values are worth on a run: ranking, separation, calibration, and the sign."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proofsearch.config import RunConfig
from proofsearch.evaluation.collected import Recorded
from proofsearch.evaluation.mixture import equal_mixture, mixed
from proofsearch.evaluation.neutrality import OWN_VALUES, is_neutral, why_not
from proofsearch.evaluation.result import Sign
from proofsearch.evaluation.settings import EvaluationSettings
from proofsearch.measures.bootstrap import Estimate
from proofsearch.measures.calibration import CalibrationError, calibration_error
from proofsearch.measures.intervals import percentage
from proofsearch.measures.ranking import RankingAtDepth, best_logprob, rank
from proofsearch.measures.separation import Histogram, Separation, histogram, separate_all
from proofsearch.protocols import Calibration

SEPARATED = ("logprob", "goals", "length")
"""The baselines whose separation of labelled states is measured as well."""

MAX_UNSCORED = 0.05
"""The part of unscored children above which a note is due; the search itself stops trusting its scorer there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a value is worth: some of the attributes of :class:`proofsearch.evaluation.result.RunEvaluation`."""

    combined: str
    best_logprob: str
    notes: tuple[str, ...]
    sign: Sign
    ranking: Mapping[str, RankingAtDepth]
    separation: Mapping[str, Separation]
    calibration: CalibrationError
    histogram: Histogram


def judge(
    recorded: Recorded, settings: EvaluationSettings, config: RunConfig, calibration: Calibration | None
) -> Judged:
    """Judges values.

    Args:
        recorded: what the run's trajectories hold.
        settings: what is evaluated and how.
        config: of the run, which says whether it can judge a value at all.
        calibration: of an offline scorer; ``None`` where it has none, and for recorded values.
    """
    bootstrap = settings.bootstrap
    scores = dict(recorded.at_decisions.baselines)
    value = recorded.at_decisions.value
    notes = []
    combined = ""
    best = best_logprob(recorded.decisions, scores)
    compared: dict[str, tuple[str, str]] = {}
    missing = float(np.isnan(value).mean()) if len(value) else 0.0
    has_value = missing < 1 and not recorded.own
    if missing > MAX_UNSCORED and not recorded.own:
        notes.append(
            f"{percentage(missing)} of the children at decisions, and their parents, have no value; they are ranked "
            f"last"
        )
    if has_value:
        order, combined = _combined(recorded, settings, calibration)
        # What has no value ranks below what has one.
        scores = {"value": np.where(np.isnan(value), -np.inf, value)} | scores | {"combined": order}
        compared["value_over_random"] = ("value", "random")
        for name in ("value", "combined"):
            compared[f"{name}_over_logprob"] = (name, best)
            compared[f"{name}_over_logprob_goals"] = (name, "logprob_goals")
    ranking = rank(recorded.decisions, scores, compared, bootstrap)
    of_states = recorded.of_labelled
    of_value = of_states.value if has_value else np.full(len(recorded.labelled), np.nan)
    labelled = {name: of_states.baselines[name] for name in SEPARATED}
    if has_value:
        labelled = {"value": of_value} | labelled
    difference = ranking["all"].differences.get("value_over_random")
    return Judged(
        combined=combined,
        best_logprob=best,
        notes=tuple(notes),
        sign=_no_sign(recorded, settings, config)
        or _sign(difference.rank1 if difference is not None else None, len(recorded.decisions)),
        ranking=ranking,
        separation=separate_all(recorded.labelled, labelled, bootstrap),
        calibration=calibration_error(recorded.labelled, of_value, settings.seed),
        histogram=histogram(recorded.labelled, of_value),
    )


def _combined(
    recorded: Recorded, settings: EvaluationSettings, calibration: Calibration | None
) -> tuple[NDArray[np.float64], str]:
    """The combined score of the children at decisions, and what it is in words."""
    scores = recorded.at_decisions
    logprob = scores.baselines["logprob"]
    source = "the scorer's calibration" if calibration is not None else "standardised by these decisions"
    chosen = calibration or equal_mixture(scores.value, logprob)
    if settings.value_weight is not None:
        chosen = dataclasses.replace(chosen, value_weight=settings.value_weight)
    if settings.goal_weight is not None:
        chosen = dataclasses.replace(chosen, goal_weight=settings.goal_weight)
    weight = chosen.value_weight
    words = f"{1 - weight:.3g} z(log-prob) + {weight:.3g} z(value) − {chosen.goal_weight:.3g} goals; {source}"
    return mixed(scores.value, logprob, -scores.baselines["goals"], chosen), words


def _no_sign(recorded: Recorded, settings: EvaluationSettings, config: RunConfig) -> Sign | None:
    """Why nothing can be said of the values at this run's decisions; ``None`` where it can."""
    if not recorded.searches:
        return Sign("unknown", "no search was recorded to judge them by")
    if not is_neutral(config):
        scorer = settings.scorer or config.scorer
        return Sign("unknown", why_not(config, scorer, settings.options.get(scorer, {}).get("path")))
    return Sign("unknown", OWN_VALUES) if recorded.own else None


def _sign(over_random: Estimate | None, decisions: int) -> Sign:
    if not decisions:
        return Sign("unknown", "no decision was recorded to judge them by")
    if over_random is None:
        return Sign("unknown", f"none at any of the {decisions} decisions")
    points = f"{100 * over_random.value:+.1f} points"
    if np.isnan(over_random.low):
        return Sign("unknown", f"the value ranks {points} from chance, on one theorem: too few to say more")
    interval = (
        f"rank-1 {points} from chance, 95% interval {100 * over_random.low:+.1f} to {100 * over_random.high:+.1f}"
    )
    if over_random.above_zero:
        return Sign("above chance", f"the value ranks above chance ({interval})")
    if over_random.below_zero:
        return Sign(
            "looks inverted",
            f"the value ranks BELOW chance ({interval}): it looks inverted; a value must be higher where a proof is "
            f"nearer",
        )
    return Sign("no better than chance", f"the value can't be told from chance ({interval})")
