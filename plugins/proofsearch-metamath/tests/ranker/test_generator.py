"""The ranker: what it learns from, its weights on disk, and the policy that they make."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.environment import MetamathEnvironment, split_of
from proofsearch_metamath.plugin import make_generator, make_trainer
from proofsearch_metamath.ranker.architecture import Architecture
from proofsearch_metamath.ranker.bags import Bags
from proofsearch_metamath.ranker.batches import make_batch
from proofsearch_metamath.ranker.collecting import Collector, choose_theorems, count_uses
from proofsearch_metamath.ranker.config import RankerConfig, RankerTrainerConfig, SizedConfig
from proofsearch_metamath.ranker.generator import shipped_weights
from proofsearch_metamath.ranker.judging import Judge
from proofsearch_metamath.ranker.statements import MEASURES, Statements
from proofsearch_metamath.ranker.towers import Towers
from proofsearch_metamath.ranker.weights import load_weights
from proofsearch_metamath.search.state import MetamathState
from safetensors import numpy as safetensors_numpy

from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import Fingerprinted, GenerationRequest, RepresentsStates, TrainingRequest, ignore_report
from proofsearch.testing import SampleBuilder, check_generator
from proofsearch.types import Advanced

pytest.importorskip("torch")

QUICK = RankerTrainerConfig(
    max_examples=400, validation_examples=100, epochs=4, batch=32, negatives=16, width=16, rows=1024, validate_every=10
)


@pytest.fixture(scope="module")
def trained(builder: SampleBuilder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ranker") / "weights"
    request = TrainingRequest(trajectories=[], out=out, seed=0, resume=False, report=ignore_report)
    return make_trainer(QUICK, builder).train(request)


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def ranks(environment: MetamathEnvironment, builder: SampleBuilder, path: Path | None) -> list[float]:
    """1 / rank of the library's own step, over the steps of some validation theorems."""
    generator = make_generator(RankerConfig(path=path), builder)
    theorems = [one for one in environment.theorems() if one.split == "validation"][:80]
    found = []
    for step in environment.demonstrations(theorems):
        assert isinstance(step.state, MetamathState)
        request = GenerationRequest(step.theorem, step.state, step.state.session.moves(step.state), 0)
        [candidates] = generator.generate([request], 10_000)
        found.append(1 / (1 + [one.tactic for one in candidates].index(step.tactic)))
    generator.close()
    return found


def test_it_learns_from_training_theorems_alone(prefix: MetamathEnvironment) -> None:
    split = choose_theorems(prefix, None, 0)
    assert {split_of(theorem.name) for theorem in split.train} == {"train"}
    assert {split_of(theorem.name) for theorem in split.validation} == {"validation"}


def test_before_leaves_out_what_stands_behind(prefix: MetamathEnvironment) -> None:
    split = choose_theorems(prefix, "19.24", 0)
    bound = prefix.theorem("19.24").position
    assert bound is not None
    assert max(theorem.position or 0 for theorem in [*split.train, *split.validation]) < bound
    with pytest.raises(UsageError, match="--metamath-ranker-before"):
        choose_theorems(prefix, "no such theorem", 0)


@pytest.mark.parametrize("most", [None, 70])
def test_several_processes_read_what_one_reads(prefix: MetamathEnvironment, most: int | None) -> None:
    theorems = choose_theorems(prefix, None, 0).train[:60]
    uses = count_uses(prefix.library, theorems)
    found = []
    for processes in (1, 3):
        config = QUICK.model_copy(update={"processes": processes, "steps_per_proof": 4}).sized(len(theorems))
        found.append(Collector(prefix, config, uses, 0).collect(theorems, lambda *_: None, most))
    one, several = found
    assert len(one) == len(several) == (most or len(one)) > 60
    batches = [dataclasses.asdict(make_batch(examples, np.arange(len(one)), surroundings=True)) for examples in found]
    for name, column in batches[0].items():
        np.testing.assert_equal(column, batches[1][name], err_msg=name)


def test_what_comes_along_knows_the_next_step_far_better_than_what_hardly_learnt(
    prefix: MetamathEnvironment, builder: SampleBuilder, trained: Path
) -> None:
    shipped, quick = ranks(prefix, builder, None), ranks(prefix, builder, trained)
    assert len(shipped) == len(quick) > 20
    assert np.mean(shipped) > 0.4
    assert np.mean(shipped) > np.mean(quick) + 0.1


def test_it_conforms(builder: SampleBuilder, trained: Path) -> None:
    assert check_generator(make_generator, RankerConfig(path=trained), builder=builder, candidates=8).conforms


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gets an entry each time that the towers look at a goal that stands alone."""
    asked: list[int] = []
    read = Judge._read_alone

    def counted(self: Judge, goal: int) -> Any:
        asked.append(1)
        return read(self, goal)

    monkeypatch.setattr(Judge, "_read_alone", counted)
    return asked


def test_what_it_said_of_a_state_is_used_when_that_is_expanded(
    builder: SampleBuilder, trained: Path, prefix: MetamathEnvironment, asked: list[int]
) -> None:
    generator = make_generator(RankerConfig(path=trained), builder)
    theorem = prefix.theorem("id")
    session = prefix.open(theorem)
    begun = session.initial()
    assert isinstance(begun, Advanced)
    state = begun.state
    request = GenerationRequest(theorem, state, session.moves(state))
    [statistics] = generator.statistics([request], 8)
    [candidates] = generator.generate([request], 8)
    assert len(asked) == 1
    assert statistics.best == pytest.approx(candidates[0].logprob)
    assert statistics.second == pytest.approx(candidates[1].logprob)
    assert statistics.moves >= len(candidates)
    assert 0 < statistics.admitted <= 1
    assert math.isfinite(statistics.log_sum_exp)
    assert statistics.goals == (dataclasses.replace(statistics, goals=()),)
    # An equal state of another session is another state.
    again = prefix.open(theorem)
    other = again.initial()
    assert isinstance(other, Advanced)
    [twin] = generator.statistics([GenerationRequest(theorem, other.state, again.moves(other.state))], 8)
    assert twin == statistics
    assert len(asked) == 2


def test_each_goal_is_looked_at_once(
    builder: SampleBuilder, trained: Path, prefix: MetamathEnvironment, asked: list[int]
) -> None:
    generator = make_generator(RankerConfig(path=trained), builder)
    theorem = prefix.theorem("id")
    session = prefix.open(theorem)
    begun = session.initial()
    assert isinstance(begun, Advanced)
    outcomes = [session.step(begun.state, tactic) for tactic in session.moves(begun.state).listed()]
    children = [outcome.state for outcome in outcomes if isinstance(outcome, Advanced)]
    several = [child for child in children if child.num_goals > 1]
    assert several
    requests = [GenerationRequest(theorem, child, session.moves(child)) for child in children]
    found = generator.statistics(requests, 8)
    goals = {goal[0] for child in children if isinstance(child, MetamathState) for goal in child.open}
    assert len(asked) == len(goals)
    assert [len(one.goals) for one in found] == [child.num_goals for child in children]
    for child, one in zip(children, found, strict=True):
        assert isinstance(child, MetamathState)
        assert one.goals[child.focus].best == one.best
    assert generator.statistics(requests, 8) == found
    assert len(asked) == len(goals)


def test_its_vectors_are_those_of_the_goals_and_cost_nothing_beside_the_statistics(
    builder: SampleBuilder, trained: Path, prefix: MetamathEnvironment, asked: list[int]
) -> None:
    generator = make_generator(RankerConfig(path=trained), builder)
    assert isinstance(generator, RepresentsStates)
    theorem = prefix.theorem("id")
    session = prefix.open(theorem)
    begun = session.initial()
    assert isinstance(begun, Advanced)
    outcomes = [session.step(begun.state, tactic) for tactic in session.moves(begun.state).listed()]
    children = [outcome.state for outcome in outcomes if isinstance(outcome, Advanced)]
    requests = [GenerationRequest(theorem, state, session.moves(state)) for state in (begun.state, *children)]
    generator.statistics(requests, 8)
    before = len(asked)
    rows = generator.represent(requests)
    assert len(asked) == before
    assert rows.shape == (len(requests), generator.representation_width)
    assert np.array_equal(rows[:1], generator.represent(requests[:1]))
    first, total, largest, about = np.split(rows, 4, axis=1)
    assert len({tuple(row) for row in about.tolist()}) == 1
    for row, blocks in enumerate((first, total, largest, about)):  # the theorem itself is its own one goal
        assert np.array_equal(blocks[0], about[0]), row
    several = [place for place, request in enumerate(requests) if request.state.num_goals > 1]
    assert several
    assert (largest[several] >= first[several]).all()
    assert not np.array_equal(total[several], first[several])


def test_its_fingerprint_tells_weights_and_options(
    builder: SampleBuilder, trained: Path, copied: Path, prefix: MetamathEnvironment
) -> None:
    def fingerprint(**options: Any) -> str:
        made = make_generator(RankerConfig(**options), builder)
        assert isinstance(made, Fingerprinted)
        return made.fingerprint()

    assert fingerprint(path=trained) == fingerprint(path=copied)  # wherever they are
    assert len({fingerprint(), fingerprint(path=trained), fingerprint(path=trained, temperature=2.0)}) == 3


def test_a_temperature_evens_the_probabilities_and_keeps_the_order(
    prefix: MetamathEnvironment, builder: SampleBuilder
) -> None:
    theorem = prefix.theorem("19.24")
    session = prefix.open(theorem)
    first = session.initial()
    assert isinstance(first, Advanced)
    request = GenerationRequest(theorem, first.state, session.moves(first.state), 0)
    cold, warm = (
        make_generator(RankerConfig(temperature=temperature), builder).generate([request], 5)[0]
        for temperature in (0.5, 2.0)
    )
    assert [one.tactic for one in cold] == [one.tactic for one in warm]
    assert cold[0].logprob > warm[0].logprob
    assert sum(math.exp(one.logprob) for one in cold) <= 1 + 1e-6


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.5, 3))
def test_a_temperature_can_be_worked_into_the_weights(seed: int, temperature: float) -> None:
    random = np.random.default_rng(seed)
    architecture = Architecture(rows=8, width=4, labels=3)
    tensors = {name: random.normal(size=shape).astype(np.float32) for name, shape in architecture.shapes().items()}
    goal, own = random.normal(size=(2, 4)).astype(np.float32)
    measures = random.normal(size=(3, MEASURES)).astype(np.float32)
    bags = Bags(np.arange(4), random.integers(0, 8, 3, dtype=np.int32), np.ones(3, np.float32))
    nothing = Bags(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    statements = Statements(bags, nothing, np.zeros(0, np.int64), measures)
    found = []
    for some in (tensors, architecture.divided(tensors, temperature)):
        towers = Towers(architecture, some)
        logits = towers.logits(goal, towers.assertions(statements, np.array([2, -1, 0])), np.arange(3), 5)
        found.append(np.concatenate((logits, towers.own_vectors([own]) @ goal + towers.own_bias)))
    np.testing.assert_allclose(found[1], found[0] / temperature, rtol=2e-4, atol=1e-4)


def test_searching_needs_no_torch(trained: Path) -> None:
    script = (
        "import sys; from proofsearch_metamath.ranker import generator, weights; from pathlib import Path; "
        f"weights.load_weights(Path({str(trained)!r})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_another_database_wants_weights_of_its_own(
    opened: Callable[[str], MetamathEnvironment], prefix: MetamathEnvironment
) -> None:
    with pytest.raises(UsageError, match="train --plugin metamath-ranker --metamath-database"):
        shipped_weights(opened(""))
    assert load_weights(shipped_weights(prefix)).manifest.name == "metamath-ranker"


def tensors_of(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    [path] = folder.glob("ranker-*.safetensors")
    return path, dict(safetensors_numpy.load_file(path))


def rewrite(folder: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    """Changes the tensors, and the manifest's sum of the file with them."""
    path, tensors = tensors_of(folder)
    change(tensors)
    safetensors_numpy.save_file(tensors, path)
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["files"][path.name]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest["files"][path.name] = (
        entry | {"sha256": digest, "bytes": path.stat().st_size} if isinstance(entry, dict) else digest
    )
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("fault", ["missing", "shape", "not finite", "belongs to no part"])
def test_weights_that_are_not_whole_are_refused_by_name(copied: Path, fault: str) -> None:
    name = sorted(tensors_of(copied)[1])[0]

    def change(tensors: dict[str, np.ndarray]) -> None:
        if fault == "missing":
            del tensors[name]
        elif fault == "shape":
            tensors[name] = np.zeros((3, 5, 7), np.float32)
        elif fault == "not finite":
            tensors[name] = np.full_like(tensors[name], np.nan)
        else:
            tensors["zzz"] = np.zeros(1, np.float32)

    rewrite(copied, change)
    with pytest.raises(InputError, match=fault):
        load_weights(copied)


def test_a_second_training_into_one_folder_is_refused(builder: SampleBuilder, trained: Path) -> None:
    before = (trained / "manifest.json").read_bytes()
    request = TrainingRequest(trajectories=[], out=trained, seed=1, resume=False, report=ignore_report)
    with pytest.raises(UsageError, match="holds a training already"):
        make_trainer(QUICK, builder).train(request)
    assert (trained / "manifest.json").read_bytes() == before


def test_the_same_seed_gives_the_same_weights(builder: SampleBuilder, trained: Path, tmp_path: Path) -> None:
    request = TrainingRequest(trajectories=[], out=tmp_path / "again", seed=0, resume=False, report=ignore_report)
    again = make_trainer(QUICK, builder).train(request)
    first, second = tensors_of(trained)[1], tensors_of(again)[1]
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_what_is_not_given_depends_on_the_size_of_the_database() -> None:
    small, large = (RankerTrainerConfig(batch=7).sized(theorems) for theorems in (9_999, 10_000))
    assert (small.batch, small.width, small.negatives) == (7, 64, 256)
    assert (large.batch, large.width, large.negatives) == (7, 128, 64)
    assert all(value is not None for name, value in large if name in SizedConfig.__annotations__)


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        RankerTrainerConfig(rows=1000)
    assert MetamathConfig().database is None
