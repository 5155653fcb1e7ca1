"""Would catch: missing said as zero, a policy asked twice or about recorded states, a fingerprint that misses it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from fakeprover import state
from numpy.typing import NDArray

from proofsearch import Candidate, Theorem
from proofsearch.builtins.confidence.features import COLUMNS
from proofsearch.builtins.encoders.policy import PolicyConfig, make_policy
from proofsearch.errors import UsageError
from proofsearch.protocols import CountsLost, EncodesRequests, GenerationRequest, PolicyStatistics, ReadsPolicy
from proofsearch.testing import CountdownConfig, CountdownEnvironment, SampleBuilder, check_encoder
from proofsearch.testing.recordings import record
from proofsearch.trajectory.reader import read_searches

THEOREM = Theorem("ten", "10 is 0")
WIDTH = len(COLUMNS)


class Unsure:
    """A policy that has no vectors and no fingerprint, and says nothing of numbers above 5."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, set[str], bool]] = []

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        return [[Candidate("dec", 0.0)] for _ in requests]

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        kinds = {type(request.state).__name__ for request in requests}
        self.asked.append((n, kinds, all(request.moves is not None for request in requests)))
        numbers = [int(request.state.text.split()[0]) for request in requests]
        return [None if number > 5 else PolicyStatistics(best=0.0, entropy=float(number)) for number in numbers]

    def close(self) -> None:
        pass


class Known(Unsure):
    """One that knows states by a vector."""

    name = "known-1"
    representation_width = 3

    def represent(self, requests: Sequence[GenerationRequest]) -> NDArray[np.float32]:
        numbers = [int(request.state.text.split()[0]) for request in requests]
        return np.array([[number, 2 * number, 0] for number in numbers], np.float32).reshape(len(numbers), 3)

    def fingerprint(self) -> str:
        return self.name


def asked(*numbers: int) -> list[GenerationRequest]:
    return [GenerationRequest(THEOREM, state(number)) for number in numbers]


@pytest.fixture
def environment() -> Iterator[CountdownEnvironment]:
    environment = CountdownEnvironment(CountdownConfig())
    yield environment
    environment.close()


def test_missing_is_not_zero() -> None:
    with SampleBuilder(generators={"": Unsure()}) as builder:
        sure, half, silent = make_policy(PolicyConfig(), builder).encode_requests(asked(0, 3, 9))
    entropy, mass = COLUMNS.index("entropy"), COLUMNS.index("mass")
    assert (sure[entropy], sure[WIDTH + entropy]) == (0, 0)  # said to be 0
    assert (half[entropy], half[WIDTH + entropy]) == (3, 0)
    assert (sure[mass], sure[WIDTH + mass]) == (0, 1)  # not said
    assert silent[WIDTH + entropy] == 1
    assert silent[COLUMNS.index("dead")] == 1


def test_siblings_are_one_call() -> None:
    policy = Unsure()
    with SampleBuilder(generators={"": policy}) as builder:
        make_policy(PolicyConfig(candidates=7), builder).encode_requests(asked(1, 2, 3))
    assert policy.asked == [(7, {"State"}, False)]


def test_the_vector_is_appended_and_whether_there_is_one() -> None:
    with SampleBuilder(generators={"": Known()}) as builder:
        made = make_policy(PolicyConfig(vectors=True), builder)
        rows = made.encode_requests(asked(4, 0))
        assert made.width == rows.shape[1] == 2 * WIDTH + 4
    assert rows[:, 2 * WIDTH :].tolist() == [[4, 8, 0, 0], [0, 0, 0, 1]]


def test_vectors_of_a_policy_that_has_none_are_refused_by_its_name() -> None:
    with SampleBuilder(generators={"": Unsure()}) as builder, pytest.raises(UsageError, match=r"Unsure has no vectors"):
        make_policy(PolicyConfig(vectors=True), builder)


def test_the_fingerprint_changes_with_the_policy_where_its_vectors_are_read() -> None:
    policy = Known()
    with SampleBuilder(generators={"": policy}) as builder:
        plain, whole = make_policy(PolicyConfig(), builder), make_policy(PolicyConfig(vectors=True), builder)
        before = plain.fingerprint(), whole.fingerprint()
        assert len(set(before)) == 2
        policy.name = "known-2"
        assert plain.policy_fingerprint() == "known-2"
        assert plain.fingerprint() == before[0]
        assert whole.fingerprint() != before[1]


def test_a_policy_without_a_fingerprint_is_known_by_its_class() -> None:
    with SampleBuilder(generators={"": Unsure()}) as builder:
        assert make_policy(PolicyConfig(), builder).policy_fingerprint().endswith("test_policy.Unsure")


def test_states_by_themselves_are_refused() -> None:
    with SampleBuilder() as builder:
        made = make_policy(PolicyConfig(), builder)
        assert made.encode([]).shape == (0, made.width)
        with pytest.raises(UsageError, match="has to know the theorem"):
            made.encode([state(3)])


@pytest.mark.parametrize("replay", [True, False])
def test_recorded_states_are_found_again_unless_the_policy_reads_texts(
    environment: CountdownEnvironment, tmp_path: Path, replay: bool
) -> None:
    theorems = [theorem for theorem in environment.theorems() if theorem.split == "train"][2:5]
    searches = list(read_searches([record(environment, theorems, tmp_path / "searches.parquet")]))
    requests = [GenerationRequest(search.theorem, search.state(node)) for search in searches for node in (0, 1)]
    policy = Unsure()
    with SampleBuilder(environment, generators={"": policy}) as builder:
        made = make_policy(PolicyConfig(replay=replay), builder)
        rows = made.encode_requests(requests)
        alone = np.concatenate([made.encode_requests([request]) for request in requests])
        made.close()
    assert np.array_equal(rows, alone)
    # A session is open for one search at a time, so each search is one call.
    assert policy.asked[: len(searches)] == [(32, {"State" if replay else "RecordedState"}, replay)] * len(searches)


def test_a_recorded_state_that_is_not_found_again_is_all_missing(
    environment: CountdownEnvironment, tmp_path: Path
) -> None:
    theorem, other = [theorem for theorem in environment.theorems() if theorem.split == "train"][2:4]
    [search] = read_searches([record(environment, [theorem], tmp_path / "searches.parquet")])
    with SampleBuilder(environment, generators={"": Known()}) as builder:
        made = make_policy(PolicyConfig(vectors=True), builder)
        assert isinstance(made, CountsLost)
        made.encode_requests([GenerationRequest(theorem, search.state(0))])
        assert made.num_lost == 0
        [again] = read_searches([tmp_path / "searches.parquet"])
        [row] = made.encode_requests([GenerationRequest(other, again.state(0))])
        assert made.num_lost == 1
    assert not row[:WIDTH].any()
    assert row[WIDTH : 2 * WIDTH].all()
    assert row[-1] == 1


def test_it_conforms() -> None:
    report = check_encoder(make_policy, PolicyConfig())
    assert report.conforms
    with SampleBuilder() as builder:
        made = make_policy(PolicyConfig(), builder)
        assert isinstance(made, EncodesRequests)
        assert isinstance(made, ReadsPolicy)
        assert math.isclose(made.encode_requests(asked(1))[0, -1], 1.0)
