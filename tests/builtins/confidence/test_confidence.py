"""The value confidence: what it asks of a policy, its weights, and what a training shows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fakeprover import state
from hypothesis import given
from hypothesis import strategies as st

from proofsearch import Candidate, Theorem
from proofsearch.builtins.confidence.config import ConfidenceConfig, ConfidenceTrainerConfig
from proofsearch.builtins.confidence.features import COLUMNS, features
from proofsearch.builtins.confidence.model import LinearValue, QuickValue, fit
from proofsearch.builtins.confidence.policy import AskedPolicy
from proofsearch.builtins.confidence.scorer import MODEL, ConfidenceScorer, make_confidence, untrained
from proofsearch.builtins.confidence.trainer import make_trainer
from proofsearch.checkpoint import read_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch.models.confidence import summary_of
from proofsearch.plugins.conformance import CheckSettings, check_component, find
from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols import (
    ChecksOptions,
    GenerationRequest,
    PolicyStatistics,
    ScoreRequest,
    TrainingReport,
    TrainingRequest,
)
from proofsearch.testing import CountdownConfig, CountdownEnvironment, SampleBuilder, check_scorer, check_trainer
from proofsearch.testing.recordings import record

THEOREM = Theorem("ten", "10 is 0")


class Policy:
    """Suggests two tactics, the surer the smaller the number; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        self.asked.append(len(requests))
        return [self._candidates(request)[:n] for request in requests]

    def _candidates(self, request: GenerationRequest) -> list[Candidate]:
        number = int(request.state.text.split()[0])
        likely = 0.5 + 0.5 / (1 + number)
        return [Candidate("dec", math.log(likely)), Candidate("half", math.log1p(-likely + 1e-9))]

    def close(self) -> None:
        pass


def request(number: int) -> ScoreRequest:
    return ScoreRequest(THEOREM, state(number), 1, -1.0, 1)


@pytest.fixture
def environment() -> Iterator[CountdownEnvironment]:
    environment = CountdownEnvironment(CountdownConfig())
    yield environment
    environment.close()


def test_a_policy_without_statistics_is_asked_for_candidates_once_a_call(environment: CountdownEnvironment) -> None:
    policy = Policy()
    asked = AskedPolicy(policy, environment, 8)
    found = asked.statistics([request(number) for number in (1, 5, 9)])
    assert policy.asked == [3]
    entropies = [one.entropy for one in found if one is not None]
    assert entropies == sorted(entropies)
    assert asked.statistics([]) == []
    assert policy.asked == [3]


def test_untrained_it_prefers_where_the_policy_is_sure(environment: CountdownEnvironment) -> None:
    scorer = ConfidenceScorer(AskedPolicy(Policy(), environment, 8), *untrained())
    sure, unsure = scorer.score([request(1), request(9)])
    assert sure is not None and unsure is not None
    assert sure > unsure


def test_untrained_the_value_is_added_to_the_log_probability() -> None:
    _, calibration = untrained()
    by_value = calibration.value_weight / calibration.value_std
    by_logprob = (1 - calibration.value_weight) / calibration.logprob_std
    assert by_value == pytest.approx(by_logprob)


def test_what_a_policy_does_not_say_is_no_value(environment: CountdownEnvironment) -> None:
    class Silent(Policy):
        def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
            return [
                None if int(one.state.text.split()[0]) > 5 else PolicyStatistics(best=-1.0, entropy=1.0)
                for one in requests
            ]

    scorer = ConfidenceScorer(AskedPolicy(Silent(), environment, 8), *untrained())
    assert scorer.score([request(9), request(1)]) == [None, -1.0]


def test_missing_counts_as_the_mean_and_by_a_weight_of_its_own() -> None:
    rows = features([PolicyStatistics(entropy=1.0), PolicyStatistics(entropy=3.0), PolicyStatistics()])
    assert np.isnan(rows[2, COLUMNS.index("entropy")])
    width = len(COLUMNS)
    weights = np.zeros(width)
    weights[COLUMNS.index("entropy")] = -1.0
    missing = np.zeros(width)
    missing[COLUMNS.index("entropy")] = -5.0
    means = np.where(np.array(COLUMNS) == "entropy", 2.0, 0.0)
    value = LinearValue(means, np.ones(width), weights, missing)
    assert value.values(rows).tolist() == [1.0, -1.0, -5.0]


def sample_statistics() -> st.SearchStrategy[PolicyStatistics]:
    """Statistics of a state and of up to four goals, each number missing now and then."""
    number = st.one_of(st.just(float("nan")), st.floats(-9, 9))
    moves = st.one_of(st.just(float("nan")), st.floats(0, 999))
    goal = st.builds(PolicyStatistics, number, number, number, number, moves, number, number, number)
    return st.builds(
        PolicyStatistics,
        number,
        number,
        number,
        number,
        moves,
        number,
        number,
        number,
        st.lists(goal, max_size=4).map(tuple),
    )


@given(st.lists(sample_statistics(), max_size=5), st.integers(0, 2**32))
def test_row_by_row_the_value_is_the_same(statistics: list[PolicyStatistics], seed: int) -> None:
    random = np.random.default_rng(seed)
    means, weights, missing = random.normal(size=(3, len(COLUMNS)))
    value = LinearValue(means, random.uniform(0.1, 3, len(COLUMNS)), weights, missing)
    quick = QuickValue(value)
    assert [quick(summary_of(one)) for one in statistics] == pytest.approx(value.values(features(statistics)).tolist())


def test_a_row_puts_goals_together_and_counts_dead_ones_apart() -> None:
    goals = tuple(PolicyStatistics(best=best, entropy=entropy) for best, entropy in ((-1.0, 1.0), (-3.0, 2.0)))
    row = dict(zip(COLUMNS, summary_of(PolicyStatistics(goals=(*goals, PolicyStatistics()))), strict=True))
    assert [row[f"{how} best of goals"] for how in ("sum of", "least", "largest")] == [-4.0, -3.0, -1.0]
    assert [row[f"{how} entropy of goals"] for how in ("sum of", "least", "largest")] == [3.0, 1.0, 2.0]
    assert np.isnan(row["sum of mass of goals"])
    assert row["dead goals"] == 1.0
    assert row["dead"] == 1.0


def test_a_fit_finds_what_tells_good_members() -> None:
    rng = np.random.default_rng(0)
    sets, members = 400, 4
    rows = np.full((sets * members, len(COLUMNS)), np.nan)
    entropy = rng.normal(size=sets * members)
    rows[:, COLUMNS.index("entropy")] = entropy
    logprob = rng.normal(size=sets * members)
    utility = (logprob - 2 * entropy + rng.gumbel(size=sets * members)).reshape(sets, members)
    positive = (utility == utility.max(axis=1, keepdims=True)).ravel()
    offsets = np.arange(0, sets * members + 1, members)
    value = fit(rows, logprob, np.ones(sets * members), positive, offsets)
    slope = value.weights / value.scales
    assert slope[COLUMNS.index("entropy")] == pytest.approx(-2.0, abs=0.4)
    assert np.count_nonzero(value.weights) == 1


@pytest.mark.parametrize("damage", ["{", '{"columns": []}', None])
def test_a_damaged_model_is_named(tmp_path: Path, damage: str | None) -> None:
    file = tmp_path / MODEL
    value, _ = untrained()
    value.save(file)
    assert LinearValue.read(file).weights.tolist() == value.weights.tolist()
    if damage is None:
        content = json.loads(file.read_text())
        damage = json.dumps(content | {"weights": [1.0]})
    file.write_text(damage)
    with pytest.raises(InputError, match=MODEL):
        LinearValue.read(file)


def test_the_scorer_keeps_the_contract() -> None:
    assert check_scorer(make_confidence, ConfidenceConfig()).conforms


class Informed:
    """A policy that is sure where few steps remain, as a good one is; it reads states of a session only."""

    def __init__(self) -> None:
        self.kinds = set[str]()

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        return [[] for _ in requests]

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        self.kinds.update(type(request.state).__name__ for request in requests)
        return [PolicyStatistics(entropy=math.log1p(len(request.state.text))) for request in requests]

    def close(self) -> None:
        pass


@pytest.fixture
def recording(environment: CountdownEnvironment, tmp_path: Path) -> Path:
    theorems = [theorem for theorem in environment.theorems() if theorem.split != "test"]
    return record(environment, theorems, tmp_path / "searches.parquet")


def trained(builder: SampleBuilder, recording: Path, out: Path) -> list[TrainingReport]:
    out.mkdir()
    reports: list[TrainingReport] = []
    request = TrainingRequest([recording], out, seed=0, report=reports.append)
    assert make_trainer(ConfidenceTrainerConfig(resamples=50), builder).train(request) == out
    return reports


def test_a_training_measures_on_theorems_that_it_did_not_fit(
    environment: CountdownEnvironment, recording: Path, tmp_path: Path
) -> None:
    policy = Informed()
    with SampleBuilder(environment, generators={"": policy}) as builder:
        reports = trained(builder, recording, tmp_path / "out")
        assert policy.kinds == {"State"}  # recorded states were found again in a session
        [message] = reports[-1].messages
        assert "held-out decisions" in message
        scorer = make_confidence(ConfidenceConfig(path=tmp_path / "out", force=True), builder)
        values = scorer.score([ScoreRequest(THEOREM, state(number), 0, 0.0, 0) for number in (1, 1000)])
        assert None not in values
        assert math.isfinite(scorer.calibration().scale)
        before = (tmp_path / "out" / MODEL).read_bytes()
        again = TrainingRequest([recording], tmp_path / "out", resume=True)
        make_trainer(ConfidenceTrainerConfig(resamples=50), builder).train(again)
        assert (tmp_path / "out" / MODEL).read_bytes() == before


@pytest.mark.parametrize(
    ("beside", "of_the_search", "told"),
    [(None, "folds", 0), (None, "whole", 1), ("whole", "whole", 0), ("whole", "folds", 0), ("whole", "other", 1)],
)
def test_a_search_beside_another_policy_says_so_unless_the_one_stood_in_for_the_other(
    environment: CountdownEnvironment,
    recording: Path,
    tmp_path: Path,
    beside: str | None,
    of_the_search: str,
    told: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Named(Informed):
        name = "folds"

        def fingerprint(self) -> str:
            return self.name

    said: list[str] = []
    monkeypatch.setattr(SampleBuilder, "status", lambda self, message, done=None, total=None: said.append(message))
    policy = Named()
    with SampleBuilder(environment, generators={"": policy}) as builder:
        (tmp_path / "out").mkdir()
        config = ConfidenceTrainerConfig(resamples=50, beside=beside)
        make_trainer(config, builder).train(TrainingRequest([recording], tmp_path / "out"))
        policy.name = of_the_search
        make_confidence(ConfidenceConfig(path=tmp_path / "out"), builder)
    messages = [message for message in said if "was fitted to the policy folds" in message]
    assert len(messages) == told
    assert all(f"--confidence-beside {of_the_search}" in message for message in messages)


def test_a_finished_training_notes_afterwards_which_policy_its_own_stood_in_for(
    environment: CountdownEnvironment, recording: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with SampleBuilder(environment, generators={"": Informed()}) as builder:
        make_trainer(ConfidenceTrainerConfig(resamples=50), builder).train(TrainingRequest([recording], out))
        value = (out / MODEL).read_bytes()
        again = ConfidenceTrainerConfig(resamples=50, beside="whole")
        make_trainer(again, builder).train(TrainingRequest([recording], out, resume=True))
    assert "whole" in read_manifest(out).policies
    assert (out / MODEL).read_bytes() == value


def test_a_policy_that_can_not_be_asked_is_refused_without_data(tmp_path: Path) -> None:
    """Catches weights that are not there and are missed only after searches were recorded."""

    class Lazy(Policy):
        def fingerprint(self) -> str:
            raise InputError("weights: no such folder")

    request = TrainingRequest((), tmp_path / "out")
    with SampleBuilder(generators={"lazy": Lazy()}) as builder:
        trainer = make_trainer(ConfidenceTrainerConfig(generator="lazy"), builder)
        assert isinstance(trainer, ChecksOptions)
        with pytest.raises(InputError, match="weights: no such folder"):
            trainer.check(request)
        make_trainer(ConfidenceTrainerConfig(), builder).check(request)
    assert list(tmp_path.iterdir()) == []


def test_a_finished_training_is_not_taken_for_another_one(environment: CountdownEnvironment, tmp_path: Path) -> None:
    """Catches a resumed training that says it is done, with what nobody asked for."""

    class Named(Policy):
        name = "first"

        def fingerprint(self) -> str:
            return self.name

    searches = record(environment, environment.theorems()[:20], tmp_path / "searches.parquet")
    policy, out = Named(), tmp_path / "out"
    out.mkdir()
    with SampleBuilder(environment, generators={"": policy, "other": policy}) as builder:

        def train(seed: int = 0, **options: object) -> Path:
            config = ConfidenceTrainerConfig.model_validate({"resamples": 10, **options})
            return make_trainer(config, builder).train(TrainingRequest([searches], out, seed, resume=True))

        train()
        before = (out / "manifest.json").read_bytes()
        train(generator="other")  # the same policy, by another name
        for message, seed, options in (
            (r"--confidence-candidates: .* was trained with 32, found 16", 0, {"candidates": 16}),
            (r"--seed: .* was trained with 0, found 1", 1, {}),
        ):
            with pytest.raises(UsageError, match=message):
                train(seed, **options)
        policy.name = "second"
        with pytest.raises(UsageError, match="was trained beside the policy first, found second"):
            train()
        with pytest.raises(UsageError, match=r"--confidence-generator: .* was trained with None, found 'other'"):
            train(generator="other")
    assert (out / "manifest.json").read_bytes() == before


def test_a_training_needs_two_theorems(environment: CountdownEnvironment, tmp_path: Path) -> None:
    theorems = [theorem for theorem in environment.theorems() if theorem.split == "train"][:1]
    recording = record(environment, theorems, tmp_path / "one.parquet")
    with (
        SampleBuilder(environment, generators={"": Informed()}) as builder,
        pytest.raises(InputError, match="at least 2"),
    ):
        trained(builder, recording, tmp_path / "out")


def test_the_trainer_keeps_the_contract() -> None:
    assert check_trainer(make_trainer, ConfidenceTrainerConfig(resamples=50)).conforms


@pytest.mark.parametrize("kind", ["scorer", "trainer"])
def test_they_are_checked_by_name_without_an_environment_or_a_policy(kind: str) -> None:
    plugins = Plugins.discover()
    entry = find(plugins, "confidence", kind)
    assert check_component(plugins, entry, CheckSettings()).conforms
