"""What an evaluation comes to, as data; :func:`to_json` gives the keys that ``docs/evaluation.md`` describes."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from proofsearch.measures.bootstrap import Estimate
from proofsearch.measures.calibration import CalibrationError
from proofsearch.measures.paired import Cost, CostRatio, Efforts, PairedSolved, ProofCost, Solved
from proofsearch.measures.ranking import RankingAtDepth
from proofsearch.measures.separation import Histogram, Separation
from proofsearch.measures.sequential import Sequential
from proofsearch.protocols import TheoremResult

FORMAT = 2
"""Version of the JSON; raised when a key changes its meaning or goes."""

SignVerdict = Literal["above chance", "no better than chance", "looks inverted", "unknown"]


@dataclass(frozen=True, slots=True)
class Sign:
    """Whether the value points the right way.

    Attributes:
        verdict: by the interval of the value's rank-1 less chance: above 0, around 0, below 0, or none. Unknown as well
            where the values are those that ordered the run.
        words: the same as a sentence.
    """

    verdict: SignVerdict
    words: str


@dataclass(frozen=True, slots=True)
class Rates:
    """How sound the recorded states are.

    Attributes:
        states: distinct states, roots left out.
        scored: states that were sent to the scorer.
        unscored: the part of them that got no value; ``nan`` where none was sent.
        duplicates: the part of the steps that led to a state which led to one that was known already.
        conflicting: states that are positive in one of the runs and negative in another, of all runs together.
    """

    states: int
    scored: int
    unscored: float
    duplicates: float
    conflicting: int


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """Where the time of a run's searches went.

    Attributes:
        seconds: all of it, verification included.
        parts: seconds in each part: ``generate``, ``step``, ``score``, ``engine`` (what the search itself needed) and
            ``accept`` (verification); empty where nothing was measured.
        shares: the same as parts of all, in [0, 1], with intervals.
    """

    seconds: float
    parts: Mapping[str, float]
    shares: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Compute:
    """What all searches of a run took, verification left out; ``None`` where it was not counted for each of them.

    Attributes:
        tokens_in: tokens that the policy read.
        tokens_out: tokens that it wrote.
        generated: states sent to the policy.
        generate_calls: in how many calls.
        scored: states sent to the scorer.
        score_calls: in how many calls.
        processor_seconds: how long processors worked, in the workers and in provers' own processes.
        prover_processor_seconds: the part of it that steps took.
    """

    tokens_in: float | None
    tokens_out: float | None
    generated: float | None
    generate_calls: float | None
    scored: float | None
    score_calls: float | None
    processor_seconds: float | None
    prover_processor_seconds: float | None

    @classmethod
    def of(cls, results: Iterable[TheoremResult]) -> Compute:
        """The sums over the results of searches; those whose worker failed counted nothing."""
        searched = [result for result in results if not result.failure]

        def total(name: str) -> float | None:
            counts = [getattr(result, name) for result in searched]
            return None if not counts or None in counts else sum(counts)

        return cls(**{entry.name: total(entry.name) for entry in dataclasses.fields(cls)})


@dataclass(frozen=True, slots=True)
class RunEvaluation:
    """What was measured of one run.

    Attributes:
        run: its folder.
        environment: name of the environment; also ``generator`` and ``scorer``.
        priority: the kind of priority that it searched by.
        theorems: those of its results that are evaluated.
        proved: how many of them were proved.
        checked: how many of the proofs were checked how far, by tier (:data:`proofsearch.types.TIERS`).
        failed: how many have no result because their worker failed; they count as not proved.
        limit: the bounds of each search; ``None`` where there was none.
        value_of: the scorer whose values are judged.
        offline: whether they were computed now, on the recorded states.
        neutral: whether the run's decisions and labels can judge a value; without, ``ranking`` and ``separation`` are
            empty, and ``sign`` says why and what to do (:mod:`proofsearch.evaluation.neutrality`).
        combined: what the ranking ``combined`` is, in words; empty where there is none.
        best_logprob: which ranking by log-probability the differences ``…_over_logprob`` are from.
        notes: what limits what can be concluded, a sentence each.
        sign: whether the value points the right way.
        rates: how sound the recorded states are.
        ranking: by depth, see :data:`proofsearch.measures.ranking.DEPTHS`.
        separation: by score: ``value`` where there is one, and baselines.
        calibration: of the value.
        histogram: of the value.
        solved_expansions: at budgets of expansions.
        solved_seconds: at budgets of seconds.
        proof_costs: what the proofs cost, by cost.
        endings: how the searches ended, in words, the most frequent first: how many.
        steps: what became of the recorded steps, by the outcome's name in lower case: how many.
        time: where the time went.
        compute: what the searches took in tokens, calls and processor time.
        efforts: what each theorem cost; not in the JSON.
    """

    run: Path
    environment: str
    generator: str
    scorer: str
    priority: str
    theorems: int
    proved: int
    checked: Mapping[str, int]
    failed: int
    limit: Mapping[str, float | None]
    value_of: str
    offline: bool
    neutral: bool
    combined: str
    best_logprob: str
    notes: tuple[str, ...]
    sign: Sign
    rates: Rates
    ranking: Mapping[str, RankingAtDepth]
    separation: Mapping[str, Separation]
    calibration: CalibrationError
    histogram: Histogram
    solved_expansions: tuple[Solved, ...]
    solved_seconds: tuple[Solved, ...]
    proof_costs: Mapping[Cost, ProofCost]
    endings: Mapping[str, int]
    steps: Mapping[str, int]
    time: TimeSpent
    compute: Compute
    efforts: Efforts = field(repr=False, metadata={"json": False})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against the baseline, on the theorems that both have a result for.

    Attributes:
        first: folder of the baseline.
        second: folder of the other run.
        theorems: how many are common.
        notes: what limits what can be concluded, a sentence each.
        expansions: what both solved at equal budgets of expansions, by budget; the last is the smaller limit.
        seconds: what both solved at equal wall time a theorem, by budget.
        processor_seconds: the same at equal processor time; empty where a run didn't measure it.
        tokens: the same at equal tokens, read and written; empty where a policy doesn't count them.
        costs: what proofs cost, on the theorems that both solve within the smaller limit.
        sequential: whether it is decided already, where that was asked for.
    """

    first: Path
    second: Path
    theorems: int
    notes: tuple[str, ...]
    expansions: tuple[PairedSolved, ...]
    seconds: tuple[PairedSolved, ...]
    processor_seconds: tuple[PairedSolved, ...]
    tokens: tuple[PairedSolved, ...]
    costs: Mapping[Cost, CostRatio]
    sequential: Sequential | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured of all runs, and how they compare.

    Attributes:
        runs: in the order in which they were named.
        comparisons: of each further run with the first.
        seed: of everything random.
        resamples: draws that the intervals were made from.
        format: :data:`FORMAT`.
    """

    runs: tuple[RunEvaluation, ...]
    comparisons: tuple[Comparison, ...]
    seed: int
    resamples: int
    format: int = FORMAT


def run_names(evaluation: Evaluation) -> list[str]:
    """What to call each run: its folder's name; where two runs share one, they are told apart by their paths."""
    counts = Counter(run.run.name for run in evaluation.runs)
    names = [str(run.run) if counts[run.run.name] > 1 else run.run.name for run in evaluation.runs]
    # One folder may be named twice.
    return [f"{name} ({names[:at].count(name) + 1})" if name in names[:at] else name for at, name in enumerate(names)]


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Plain values: what can't be said is ``None``, never ``nan``."""
    values = _plain(evaluation)
    assert isinstance(values, dict)
    return values


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            entry.name: _plain(getattr(value, entry.name))
            for entry in dataclasses.fields(value)
            if entry.metadata.get("json", True)
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
