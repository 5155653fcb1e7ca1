"""Components that threads share: built once, asked in batches, closed last, and the results are those of one worker."""

from __future__ import annotations

import dataclasses
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from installing import Site

from proofsearch.builtins.scorers import LengthScorer, LogprobScorer
from proofsearch.config import ExecutionConfig, RunConfig
from proofsearch.engine import search
from proofsearch.errors import PluginError
from proofsearch.plugins.batching import Clients
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.registry import Registration, Registry
from proofsearch.plugins.resolution import resolve
from proofsearch.plugins.sharing import SharedComponents, SharedEncoder, SharedGenerator, stand_in
from proofsearch.protocols import (
    Calibrated,
    Calibration,
    CountsLost,
    EncodesRequests,
    Fingerprinted,
    GenerationRequest,
    PolicyStatistics,
    ProposesScripts,
    ReadsPolicy,
    ReportsStatistics,
    RepresentsStates,
    ScoreRequest,
    Script,
    TheoremResult,
    follows_paths,
)
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search
from proofsearch.runs.worker import SearchWorker, WorkerRecipe
from proofsearch.types import Candidate, Goal, ProofState, State, Theorem

SOURCE = '''
"""Models that threads share, on the test prover. What is built, closed and called is noted in this module."""

import threading

import numpy as np
from pydantic import Field

import fakeprover
from proofsearch import hookimpl
from proofsearch.config import ComponentConfig
from proofsearch.protocols import Calibration

trace = []
calls = {"generator": [], "scorer": [], "encoder": []}
meeting = None
"""A barrier at which searches wait for each other once, so that they really run at the same time."""


class Part:
    running = False

    def __init__(self, name):
        self.name = name
        trace.append(f"built {name}")

    def close(self):
        assert not self.running
        trace.append(f"closed {self.name}")

    def called(self, size):
        assert not self.running, "two calls at once"
        calls[self.name].append(size)


class Generator(Part, fakeprover.FakeGenerator):
    def generate(self, requests, n):
        self.called(len(requests))
        self.running = True
        try:
            return fakeprover.FakeGenerator.generate(self, requests, n)
        finally:
            self.running = False


class Encoder(Part):
    width = 2

    def encode(self, states):
        self.called(len(states))
        return np.array([[float(state.text.split()[0]), 1.0] for state in states], np.float32)

    def fingerprint(self):
        return "shared-1"


class Scorer:
    """Not shared; asks the shared encoder."""

    def __init__(self, encoder):
        self.encoder = encoder

    def score(self, requests):
        return [-float(row[0]) for row in self.encoder.encode([request.state for request in requests])]

    def close(self):
        pass


class CalibratedScorer(Part):
    def score(self, requests):
        self.called(len(requests))
        return [-float(request.state.text.split()[0]) for request in requests]

    def calibration(self):
        return Calibration(-50.0, 30.0, -5.0, 3.0, 0.75)


class Environment(fakeprover.FakeEnvironment):
    def open(self, theorem):
        if meeting is not None and not meeting.broken and meeting.n_waiting < meeting.parties:
            try:
                meeting.wait(600)
                meeting.abort()  # once is enough
            except threading.BrokenBarrierError:
                pass
        return super().open(theorem)


class GeneratorConfig(ComponentConfig):
    encoder: str | None = Field(default=None, description="An encoder to ask for.")


def make_generator(config, builder):
    if config.encoder:
        builder.encoder(config.encoder)
    return Generator("generator")


@hookimpl
def register_environments(register):
    register("meeting", Environment, config=fakeprover.FakeConfig)

@hookimpl
def register_generators(register):
    register("merged", make_generator, config=GeneratorConfig, shared=True)
    register("circular", lambda config, builder: builder.encoder("circular"), shared=True)

@hookimpl
def register_scorers(register):
    register("encoding", lambda config, builder: Scorer(builder.encoder("merged")))
    register("calibrated", lambda config, builder: CalibratedScorer("scorer"), shared=True)

@hookimpl
def register_encoders(register):
    register("merged", lambda config, builder: Encoder("encoder"), shared=True)
    register("single", lambda config, builder: Part("single"))
    register("circular", lambda config, builder: builder.encoder("circular"), shared=True)
'''

WORKERS = 4


@pytest.fixture
def models(fake_prover: Site) -> ModuleType:
    fake_prover.install("merged-models", {"merged": "merged_models"}, {"merged_models": SOURCE})
    import merged_models

    return merged_models


def config(mode: str = "threads", **fields: Any) -> RunConfig:
    execution = {"workers": WORKERS, "max_wait": 0.05, **fields.pop("execution", {})}
    options = {"local": {"mode": mode}, **fields.pop("options", {})}
    chosen = {"env": "meeting", "generator": "merged", "scorer": "encoding", "select": {"split": "all"}}
    return RunConfig(**{**chosen, "execution": execution, "options": options, **fields})


def comparable(path: Path) -> dict[str, TheoremResult]:
    return {
        name: dataclasses.replace(result, seconds=0.0, seconds_by_part={}, search_id="")
        for name, result in sorted(RunFolder.open(path).results().items())
    }


def parts(plugins: Plugins, **fields: Any) -> Any:
    return resolve(plugins, config(**fields))


# ------------------------------------------------------------------------------------------------------ whole runs


@pytest.mark.parametrize("scorer", ["encoding", "calibrated"])
def test_concurrent_searches_share_model_calls_and_find_what_one_worker_finds(
    models: ModuleType, tmp_path: Path, scorer: str
) -> None:
    run_search(config(scorer=scorer, execution={"workers": 1}), tmp_path / "alone")
    asked = {name: sum(sizes) for name, sizes in models.calls.items()}
    assert set(models.calls["generator"]) == {1}
    for sizes in models.calls.values():
        sizes.clear()
    models.trace.clear()
    models.meeting = threading.Barrier(WORKERS)
    run_search(config(scorer=scorer), tmp_path / "together")
    assert max(models.calls["generator"]) > 1, "requests of several searches went into one call"
    assert {name: sum(sizes) for name, sizes in models.calls.items()} == asked
    assert comparable(tmp_path / "together") == comparable(tmp_path / "alone")
    value = "encoder" if scorer == "encoding" else "scorer"
    # One for all threads; the parent, which prepares, builds its own first.
    built = [line for line in models.trace if line.startswith("built")]
    assert built == ["built generator", f"built {value}"] * 2
    assert len(models.trace) == 8, "all that was built was closed"


def test_with_room_for_one_state_nothing_is_merged(models: ModuleType, tmp_path: Path) -> None:
    models.meeting = threading.Barrier(WORKERS)
    run_search(config(execution={"max_batch": 1}), tmp_path / "run")
    assert set(models.calls["generator"]) == set(models.calls["encoder"]) == {1}


def test_a_process_has_components_of_its_own(models: ModuleType, tmp_path: Path) -> None:
    run_search(config(), tmp_path / "threads")
    run_search(config("processes", execution={"workers": 2}), tmp_path / "processes")
    assert comparable(tmp_path / "processes") == comparable(tmp_path / "threads")


def test_a_factory_can_be_sent_to_a_process_while_threads_use_it(models: ModuleType) -> None:
    recipe = WorkerRecipe(config())
    worker = recipe()
    sent = pickle.loads(pickle.dumps(recipe))
    assert sent == recipe
    other = sent()
    assert models.trace.count("built generator") == 2
    other.close()
    worker.close()


# ---------------------------------------------------------------------------------------------- who builds and closes


def test_what_is_shared_is_built_once_and_closed_with_the_last_worker(models: ModuleType) -> None:
    recipe = WorkerRecipe(config())
    first, second = recipe(), recipe()
    assert models.trace == ["built generator", "built encoder"]
    first.close()
    first.close()
    assert models.trace == ["built generator", "built encoder"]
    third = recipe()
    second.close()
    third.close()
    assert models.trace == ["built generator", "built encoder", "closed encoder", "closed generator"]
    recipe().close()
    assert models.trace[4:] == models.trace[:4], "a later worker gets it built again"


def test_workers_that_start_at_once_build_it_once(models: ModuleType) -> None:
    recipe = WorkerRecipe(config())
    workers: list[SearchWorker] = []
    threads = [threading.Thread(target=lambda: workers.append(recipe())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert models.trace == ["built generator", "built encoder"]
    for worker in workers:
        worker.close()
    assert models.trace[2:] == ["closed encoder", "closed generator"]


def test_a_shared_component_gets_shared_encoders_and_others_for_itself_alone(models: ModuleType) -> None:
    recipe = WorkerRecipe(config(options={"merged": {"encoder": "merged"}}))
    worker = recipe()
    assert models.trace == ["built encoder", "built generator"], "the scorer's encoder is the generator's"
    worker.close()
    assert models.trace[2:] == ["closed generator", "closed encoder"]

    models.trace.clear()
    recipe = WorkerRecipe(config(options={"merged": {"encoder": "single"}}))
    first, second = recipe(), recipe()
    assert models.trace == ["built single", "built generator", "built encoder"]
    first.close()
    assert "closed single" not in models.trace, "it goes with the component that asked, not with the first worker"
    second.close()
    assert models.trace[3:] == ["closed encoder", "closed generator", "closed single"]


def test_a_worker_that_cannot_be_built_gives_back_what_it_took(models: ModuleType) -> None:
    chosen = config(scorer="calibrated")
    plugins = Plugins.discover()
    shared = SharedComponents()
    with (
        pytest.raises(PluginError, match="generator 'circular' → encoder 'circular' → encoder 'circular'"),
        Components(plugins, resolve(plugins, chosen), shared=shared) as components,
    ):
        components.generator()
        components.generator("circular")
    assert models.trace == ["built generator", "closed generator"]


def test_outside_of_a_search_components_are_themselves(models: ModuleType) -> None:
    plugins = Plugins.discover()
    with Components(plugins, parts(plugins)) as components:
        assert isinstance(components.generator(), models.Generator)


@pytest.mark.parametrize("kind", ["environment", "executor", "trainer", "loss"])
def test_what_cannot_be_asked_in_batches_cannot_be_shared(kind: str) -> None:
    with pytest.raises(
        PluginError, match=rf"plugin 'p' registers the {kind} 'x' as shared; only a generator, scorer or"
    ):
        Registry(kind).add(Registration(kind, "x", lambda config, builder: None, None, "p", shared=True))


# ------------------------------------------------------------------------------------------------------- stand-ins


def state(text: str) -> State:
    return State(text, (Goal(text),))


ANY = ScoreRequest(Theorem("t", "t"), state("s"), 0, 0.0, 0)


def request(text: str) -> GenerationRequest:
    return GenerationRequest(Theorem("t", "t"), state(text), None, 0)


def together(functions: Sequence[Callable[[], Any]], clients: Clients) -> list[Any]:
    """Calls functions in threads that are all clients before the first asks."""
    barrier = threading.Barrier(len(functions))
    results: dict[int, Any] = {}

    def run(place: int) -> None:
        with clients.working():
            barrier.wait(600)
            results[place] = functions[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    return [results[place] for place in range(len(functions))]


def test_requests_for_other_numbers_of_candidates_are_not_merged() -> None:
    calls: list[tuple[int, int]] = []

    def generate(requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        calls.append((len(requests), n))
        return [[Candidate(f"{request.state.text} {place}", -1.0) for place in range(n)] for request in requests]

    clients = Clients()
    original: Any = SimpleNamespace(generate=generate, close=lambda: None)
    shared = SharedGenerator(original, clients, ExecutionConfig(max_wait=3600), "g")
    asked = [("a", 1), ("b", 2), ("c", 1)]
    found = together([lambda text=text, n=n: shared.generate([request(text)], n) for text, n in asked], clients)
    assert [[candidate.tactic for candidate in one[0]] for one in found] == [["a 0"], ["b 0", "b 1"], ["c 0"]]
    assert sorted(calls) == [(1, 2), (2, 1)]


def test_rows_of_a_merged_encoding_go_to_whoever_asked_for_them() -> None:
    class Lengths:
        width = 2
        calls: list[int] = []  # noqa: RUF012

        def encode(self, states: Sequence[ProofState]) -> Any:
            self.calls.append(len(states))
            return np.array([[len(state.text), 1] for state in states], np.float32)

        def fingerprint(self) -> str:
            return "lengths"

        def close(self) -> None:
            pass

    clients = Clients()
    shared = SharedEncoder(Lengths(), clients, ExecutionConfig(max_wait=3600, max_batch=4), "lengths")
    asked = [["a", "bb"], ["ccc"], ["dddd", "eeeee", "ffffff"]]
    found = together([lambda texts=texts: shared.encode([state(text) for text in texts]) for texts in asked], clients)
    assert [rows.tolist() for rows in found] == [[[len(text), 1] for text in texts] for texts in asked]
    assert Lengths.calls == [4, 2]
    assert (shared.width, shared.fingerprint()) == (2, "lengths")
    assert shared.encode([]).shape == (0, 2)


@pytest.mark.parametrize("patient", [False, True])
def test_a_call_is_put_off_for_max_wait_while_another_search_could_join_it(patient: bool) -> None:
    clients = Clients()
    here, leave, answered = threading.Event(), threading.Event(), threading.Event()
    scorer: Any = SimpleNamespace(score=lambda requests: [0.0] * len(requests), close=lambda: None)
    shared = stand_in(("scorer", "s"), scorer, clients, ExecutionConfig(max_wait=3600 if patient else 0))

    def busy_with_the_prover() -> None:
        with clients.working():
            here.set()
            leave.wait(600)

    other = threading.Thread(target=busy_with_the_prover)
    other.start()
    assert here.wait(600)
    asker = threading.Thread(target=lambda: (shared.score([ANY]), answered.set()))
    asker.start()
    assert answered.wait(0.2 if patient else 60) is not patient
    leave.set()
    assert answered.wait(600)
    asker.join(600)
    other.join(600)


@pytest.fixture
def slow_encoder() -> Iterator[tuple[Any, threading.Event, threading.Event]]:
    """An encoder in the midst of a call, until the second event; the first says that the call has begun."""
    begun, go_on = threading.Event(), threading.Event()

    def encode(states: Sequence[ProofState]) -> Any:
        begun.set()
        assert go_on.wait(600)
        return np.ones((len(states), 1), np.float32)

    yield SimpleNamespace(width=1, encode=encode, fingerprint=lambda: "slow", close=lambda: None), begun, go_on
    go_on.set()


def test_the_width_is_known_without_waiting_for_a_call_of_others(slow_encoder: Any) -> None:
    original, begun, go_on = slow_encoder
    shared = SharedEncoder(original, Clients(), ExecutionConfig(), "slow")
    assert (shared.width, shared.fingerprint()) == (1, "slow")
    thread = threading.Thread(target=lambda: shared.encode([state("a")]))
    thread.start()
    assert begun.wait(600)
    assert (shared.width, shared.fingerprint()) == (1, "slow")
    go_on.set()
    thread.join(600)


def test_a_component_is_not_closed_in_the_midst_of_a_call(slow_encoder: Any) -> None:
    original, begun, go_on = slow_encoder
    order: list[str] = []
    original.close = lambda: order.append("closed")
    shared = SharedEncoder(original, Clients(), ExecutionConfig(), "slow")
    caller = threading.Thread(target=lambda: (shared.encode([state("a")]), order.append("answered")))
    caller.start()
    assert begun.wait(600)
    closer = threading.Thread(target=shared.close)
    closer.start()
    assert order == []
    go_on.set()
    caller.join(600)
    closer.join(600)
    assert sorted(order) == ["answered", "closed"]


def test_a_shared_scorer_is_calibrated_if_it_is() -> None:
    calibration = Calibration(0.0, 1.0, 0.0, 1.0, 0.5)
    plain: Any = SimpleNamespace(score=lambda requests: [1.0] * len(requests), close=lambda: None)
    calibrated: Any = SimpleNamespace(calibration=lambda: calibration, score=plain.score, close=plain.close)
    make = lambda original: stand_in(("scorer", "s"), original, Clients(), ExecutionConfig())  # noqa: E731
    assert not isinstance(make(plain), Calibrated)
    shared = make(calibrated)
    assert isinstance(shared, Calibrated)
    assert shared.calibration() is calibration


def test_a_shared_scorer_follows_paths_if_it_does() -> None:
    make = lambda original: stand_in(("scorer", "s"), original, Clients(), ExecutionConfig())  # noqa: E731
    assert follows_paths(make(LogprobScorer()))
    assert not follows_paths(make(LengthScorer()))


def test_a_shared_generator_has_the_abilities_that_it_has() -> None:
    rows = np.ones((1, 3), np.float32)
    plain: Any = SimpleNamespace(generate=lambda requests, n: [[] for _ in requests], close=lambda: None)
    sure: Any = SimpleNamespace(
        **vars(plain),
        statistics=lambda requests, n: [PolicyStatistics(entropy=float(n)) for _ in requests],
        representation_width=3,
        represent=lambda requests: rows,
        fingerprint=lambda: "sure-1",
        propose_scripts=lambda requests, n: [[Script((Candidate("dec", -float(n)),))] for _ in requests],
    )
    make = lambda original: stand_in(("generator", "g"), original, Clients(), ExecutionConfig())  # noqa: E731
    abilities = (ReportsStatistics, RepresentsStates, Fingerprinted, ProposesScripts)
    assert not any(isinstance(make(plain), ability) for ability in abilities)
    shared: Any = make(sure)
    assert all(isinstance(shared, ability) for ability in abilities)
    request = GenerationRequest(Theorem("ten", "10 is 0"), State("10 is 0", (Goal("10 is 0"),), 10))
    assert [one.entropy for one in shared.statistics([request], 7)] == [7.0]
    assert shared.represent([request]) is rows
    assert shared.representation_width == 3
    assert shared.fingerprint() == "sure-1"
    assert shared.propose_scripts([request], 3) == [[Script((Candidate("dec", -3.0),))]]
    assert shared.generate([request], 3) == [[]]


def test_scripts_of_several_searches_are_proposed_in_one_call_and_apart_from_candidates() -> None:
    calls: list[tuple[str, int]] = []

    def generate(requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        calls.append(("generate", len(requests)))
        return [[Candidate(request.state.text, -1.0)] for request in requests]

    def propose(requests: Sequence[GenerationRequest], n: int) -> list[list[Script]]:
        calls.append(("propose", len(requests)))
        return [[Script((Candidate(f"script {request.state.text}", -1.0),))] for request in requests]

    clients = Clients()
    original: Any = SimpleNamespace(generate=generate, propose_scripts=propose, close=lambda: None)
    shared: Any = stand_in(("generator", "g"), original, clients, ExecutionConfig(max_wait=3600))
    found = together(
        [
            lambda: shared.propose_scripts([request("a")], 4),
            lambda: shared.generate([request("b")], 4),
            lambda: shared.propose_scripts([request("c")], 4),
        ],
        clients,
    )
    assert [one[0][0].steps[0].tactic for one in (found[0], found[2])] == ["script a", "script c"]
    assert found[1][0][0].tactic == "b"
    assert sorted(calls) == [("generate", 1), ("propose", 2)]


def test_a_shared_encoder_has_the_abilities_that_it_has() -> None:
    rows = np.ones((1, 3), np.float32)
    plain: Any = SimpleNamespace(encode=lambda states: rows, width=3, fingerprint=lambda: "e", close=lambda: None)
    asking: Any = SimpleNamespace(
        **vars(plain), encode_requests=lambda requests: rows, policy_fingerprint=lambda: "sure-1", num_lost=5
    )
    make = lambda original: stand_in(("encoder", "e"), original, Clients(), ExecutionConfig())  # noqa: E731
    abilities = (EncodesRequests, ReadsPolicy, CountsLost)
    assert not any(isinstance(make(plain), ability) for ability in abilities)
    shared: Any = make(asking)
    assert all(isinstance(shared, ability) for ability in abilities)
    request = GenerationRequest(Theorem("ten", "10 is 0"), State("10 is 0", (Goal("10 is 0"),), 10))
    assert shared.encode_requests([request]) is rows
    assert shared.policy_fingerprint() == "sure-1"
    assert shared.num_lost == 5
    assert (shared.width, shared.fingerprint()) == (3, "e")


def test_a_generator_that_breaks_its_contract_is_named_and_not_its_stand_in() -> None:
    class Broken:
        lists: list[list[Candidate]] = [[Candidate("dec", 0.5)]]  # noqa: RUF012

        def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
            return self.lists

        def close(self) -> None:
            pass

    from fakeprover import FakeSession

    chosen = RunConfig().search
    shared = SharedGenerator(Broken(), Clients(), ExecutionConfig(), "broken")
    with pytest.raises(PluginError, match=r"generator \S+Broken: candidate 'dec' has log-probability 0.5"):
        search(Theorem("t", "3 is 0"), FakeSession(3, "t", 0), shared, config=chosen)
    Broken.lists = []
    with pytest.raises(PluginError, match=r"generator 'broken' returned 0 lists of candidates for 1 states"):
        search(Theorem("t", "3 is 0"), FakeSession(3, "t", 0), shared, config=chosen)
