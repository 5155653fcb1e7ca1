"""Policies before cuts of the database: what each learns from, which of them answers, and that none knows more."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.plugin import make_generator, make_trainer
from proofsearch_metamath.ranker.config import RankerConfig, RankerTrainerConfig
from proofsearch_metamath.ranker.cuts import Cuts, choose_cuts, read_cuts
from proofsearch_metamath.ranker.division import Order, order_of, refuse_later
from proofsearch_metamath.ranker.folds import read_folds
from proofsearch_metamath.ranker.policies import latest_of
from proofsearch_metamath.ranker.weights import load_weights
from pydantic import ValidationError

from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import GenerationRequest, TrainingReport, TrainingRequest, ignore_report
from proofsearch.testing import SampleBuilder, check_trainer
from proofsearch.types import Advanced, Candidate, Demonstration, Theorem

pytest.importorskip("torch")

QUICK = RankerTrainerConfig(
    cuts=2,
    max_proof=2,  # so few that all of them are read
    validation_examples=50,
    epochs=1,
    cut_epochs=1,
    batch=32,
    negatives=8,
    width=8,
    rows=256,
    validate_every=6,
    processes=1,
    patience=0,
)

Train = Callable[..., Path]


@pytest.fixture(scope="module")
def train(builder: SampleBuilder) -> Train:
    def run(
        out: Path,
        *,
        resume: bool = False,
        report: Callable[[TrainingReport], None] = ignore_report,
        builder: SampleBuilder = builder,
        **options: Any,
    ) -> Path:
        config = QUICK.model_copy(update=options)
        return make_trainer(config, builder).train(TrainingRequest([], out, 0, resume, report))

    return run


@pytest.fixture(scope="module")
def trained(train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("cuts") / "out")


@pytest.fixture(scope="module")
def order(prefix: MetamathEnvironment) -> Order:
    return order_of(prefix.library)


@pytest.fixture(scope="module")
def cuts(trained: Path, order: Order) -> Cuts:
    found = read_cuts(trained, order)
    assert found is not None
    return found


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


@pytest.fixture(autouse=True)
def report_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch.trainers.progress.INTERVAL", -1.0)


def asked(environment: MetamathEnvironment, theorems: Sequence[Theorem]) -> Iterator[GenerationRequest]:
    """The first states of theorems that nothing closes at once."""
    for theorem in theorems:
        session = environment.open(theorem)
        first = session.initial()
        if isinstance(first, Advanced):
            yield GenerationRequest(theorem, first.state, session.moves(first.state), 0)


def answers(path: Path, theorems: Sequence[Theorem], builder: SampleBuilder) -> list[list[Candidate]]:
    """What the weights in a folder suggest first for theorems."""
    environment = builder.environment()
    assert isinstance(environment, MetamathEnvironment)
    generator = make_generator(RankerConfig(path=path), builder)
    found = [generator.generate([request], 6)[0] for request in asked(environment, theorems)]
    generator.close()
    return [list(candidates) for candidates in found]


def between(environment: MetamathEnvironment, start: int, end: int) -> list[Theorem]:
    return [theorem for theorem in environment.theorems() if start <= (theorem.position or 0) < end]


def tensors(folder: Path) -> dict[str, bytes]:
    """The weights of every policy."""
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/ranker-*.safetensors")}


def seal(folder: Path) -> None:
    """Makes the manifest's sums those of what is there now."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def swap(folder: Path, one: str, other: str) -> None:
    (folder / one).rename(folder / "was")
    (folder / other).rename(folder / one)
    (folder / "was").rename(folder / other)


# ----------------------------------------------------------------------------------------------------------- the cuts


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_the_parts_are_equal_but_the_first_which_is_half_as_large(prefix: MetamathEnvironment, count: int) -> None:
    every = prefix.theorems()
    theorems = [theorem for theorem in every if theorem.split == "train"]
    cuts = choose_cuts(theorems[::-1], count)
    bounds = [0, *cuts.positions, 10**9]
    sizes = [
        sum(theorem.split == "train" for theorem in between(prefix, *bounds[number : number + 2]))
        for number in range(count + 1)
    ]
    assert sum(sizes) == len(theorems)
    assert max(sizes[1:]) - min(sizes[1:]) <= 1
    assert abs(2 * sizes[0] - sizes[1]) <= 2
    assert [prefix.theorem(name).position for name in cuts.theorems] == list(cuts.positions)


def test_more_cuts_than_there_are_theorems_to_learn_from_are_refused(prefix: MetamathEnvironment) -> None:
    with pytest.raises(
        UsageError, match=r"--metamath-ranker-cuts 9: of the 8 theorems to learn from none .* give fewer"
    ):
        choose_cuts(prefix.theorems()[:8], 9)


def test_each_policy_learns_what_stands_before_its_cut(prefix: MetamathEnvironment, trained: Path, cuts: Cuts) -> None:
    for name, bound in zip(cuts.names, cuts.positions, strict=True):
        before = {theorem.name for theorem in between(prefix, 0, bound) if theorem.split == "train"}
        assert load_weights(trained / name).learnt == before
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["config"]["cuts"]["theorems"] == list(cuts.theorems)
    assert {"cut-1 ahead_loss", "cut-2 validation_loss"} <= manifest["metrics"].keys()


class Changed(MetamathEnvironment):
    """The shipped database, of whose proofs from a position on nobody can read every second one."""

    bound = 0

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        kept = [one for one in theorems if (one.position or 0) < self.bound or (one.position or 0) % 2]
        return super().demonstrations(kept)


def test_nothing_from_the_cut_on_makes_a_difference_to_its_policy(
    prefix: MetamathEnvironment,
    train: Train,
    trained: Path,
    cuts: Cuts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = Changed(MetamathConfig(), prefix._cache)
    changed.bound = cuts.positions[0]
    tables = changed.library.tables
    # Later proofs, the validation theorems' too, are gone or cite something else.
    cited = np.array(tables.arrays["cited"])
    at = int(tables.arrays["cited_at"][cuts.positions[0]])
    cited[at:] = cited[at:][::-1]
    monkeypatch.setattr(changed.library, "tables", dataclasses.replace(tables, arrays=tables.arrays | {"cited": cited}))
    with SampleBuilder(changed, cache=prefix._cache) as other:
        train(tmp_path / "out", builder=other)
    seen, unseen = tensors(trained), tensors(tmp_path / "out")
    assert seen["cut-1"] == unseen["cut-1"]
    assert seen["cut-2"] != unseen["cut-2"], "without this it shows nothing"


def test_each_begins_with_the_one_before(train: Train, tmp_path: Path) -> None:
    out = train(tmp_path / "out", learning_rate=1e-9, cut_epochs=0.1)
    first, second = load_weights(out / "cut-1"), load_weights(out / "cut-2")
    temperature = second.manifest.metrics["temperature"]
    assert np.allclose(first.tensors["context"], second.tensors["context"], atol=1e-3)
    assert np.allclose(first.tensors["table"], second.tensors["table"], atol=1e-3)
    assert temperature > 0
    assert set(first.labels) < set(second.labels)


# ------------------------------------------------------------------------------------------------------- who answers


def test_the_last_policy_answers_whose_cut_is_not_after_the_theorem(
    prefix: MetamathEnvironment, builder: SampleBuilder, trained: Path, cuts: Cuts
) -> None:
    first, second = cuts.positions
    for name, other, theorems in (
        ("cut-1", "cut-2", between(prefix, first, second)[:8]),
        ("cut-1", "cut-2", between(prefix, first, second)[-4:]),
        ("cut-2", "cut-1", between(prefix, second, 10**9)[:8]),
    ):
        found = answers(trained, theorems, builder)
        assert found and all(found)
        assert found == answers(trained / name, theorems, builder)
        assert found != answers(trained / other, theorems, builder)


def test_nothing_is_suggested_before_the_first_cut_and_a_person_is_told(
    prefix: MetamathEnvironment, builder: SampleBuilder, trained: Path, cuts: Cuts, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(builder, "status", lambda message, done=None, total=None: told.append(message))
    requests = list(asked(prefix, between(prefix, 0, cuts.positions[0])[-6:]))
    generator: Any = make_generator(RankerConfig(path=trained), builder)
    generator.prepare()
    assert generator.generate(requests, 6) == [[]] * len(requests) != []
    assert generator.statistics(requests, 6) == [None] * len(requests)
    early = len(between(prefix, 0, cuts.positions[0]))
    assert sum(f"suggests nothing for {early} theorems, which stand before the first cut" in one for one in told) == 1


def test_vectors_of_several_cuts_are_refused(builder: SampleBuilder, trained: Path) -> None:
    generator: Any = make_generator(RankerConfig(path=trained), builder)
    with pytest.raises(UsageError, match="policies of 2 cuts"):
        generator.represent([])


def test_swapped_policies_are_refused(
    prefix: MetamathEnvironment, builder: SampleBuilder, copied: Path, cuts: Cuts
) -> None:
    first, second = cuts.positions
    theorems = between(prefix, first, second)
    held_out = [theorem for theorem in theorems if theorem.split == "validation"][:6]
    learnt = [theorem for theorem in theorems if theorem.split == "train"][:6]
    assert answers(copied, held_out, builder)
    swap(copied, "cut-1", "cut-2")
    with pytest.raises(InputError, match=r"cut-1/manifest.json: its SHA-256"):
        answers(copied, held_out, builder)
    seal(copied)
    with pytest.raises(InputError, match=r"and has learnt the proof of .*, which doesn't come before it"):
        answers(copied, held_out, builder)
    with pytest.raises(InputError, match="whose proof it has learnt"):
        answers(copied, learnt, builder)


def test_a_manifest_that_gives_a_cut_a_later_policy_is_found_out(
    prefix: MetamathEnvironment, builder: SampleBuilder, copied: Path, cuts: Cuts
) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["config"]["cuts"]["policies"] = ["cut-2", "cut-2"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    test = [one for one in between(prefix, *cuts.positions) if one.split == "test"][:6]
    with pytest.raises(InputError, match="doesn't come before it"):
        answers(copied, test, builder)


def test_a_theorem_that_moved_before_what_was_learnt_is_refused(
    prefix: MetamathEnvironment, trained: Path, cuts: Cuts, order: Order
) -> None:
    weights = load_weights(trained / "cut-1")
    position, name = latest_of(weights, order)
    assert name in (weights.learnt or ()) and position < cuts.positions[0]
    theorem = next(one for one in between(prefix, *cuts.positions) if one.split == "test")
    refuse_later(weights, theorem, (position, name))
    moved = {name: cuts.positions[1]}
    with pytest.raises(InputError, match=f"has learnt the proof of {name}, which doesn't come before it"):
        refuse_later(weights, theorem, latest_of(weights, lambda one: moved.get(one, order(one))))


def test_a_database_that_is_another_one_is_refused(trained: Path, cuts: Cuts, order: Order) -> None:
    with pytest.raises(InputError, match=f"before {cuts.theorems[1]}, which is no theorem of this database"):
        read_cuts(trained, lambda name: None if name == cuts.theorems[1] else order(name))
    with pytest.raises(InputError, match="stand in another order"):
        read_cuts(trained, lambda name: -(order(name) or 0))


def test_several_policies_are_neither_one_nor_folds(trained: Path) -> None:
    assert read_folds(trained) is None
    with pytest.raises(InputError, match="holds several policies"):
        load_weights(trained)


# ------------------------------------------------------------------------------------------------ options and resuming


class Killed:
    """Ends a training at the report of a step, as a kill would: nothing is saved any more."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, report: TrainingReport) -> None:
        if report.step >= self.step:
            raise MemoryError


def test_a_killed_training_goes_on_with_the_policy_that_it_was_at(
    train: Train, trained: Path, order: Order, tmp_path: Path
) -> None:
    first = load_weights(trained / "cut-1").manifest.metrics["steps"]
    out = tmp_path / "out"
    out.mkdir()
    (out / "train.toml").write_text("")  # as the command leaves it
    with pytest.raises(MemoryError):
        train(out, report=Killed(first + 8))
    assert sorted(tensors(out)) == ["cut-1"]
    assert (out / "cut-2/state-00000006").is_dir()
    with pytest.raises(InputError, match=r"its training did not come to its end.*train --resume --out"):
        read_cuts(out, order)
    before = (out / "cut-1/manifest.json").stat().st_mtime_ns
    train(out, resume=True)
    assert (out / "cut-1/manifest.json").stat().st_mtime_ns == before
    assert tensors(out) == tensors(trained)
    told: list[str] = []
    train(out, resume=True, report=lambda report: told.extend(report.messages))
    assert any("the training is done" in message for message in told)


def test_longer_chains_of_passes_go_on_with_a_warm_restart_alone(train: Train, copied: Path) -> None:
    with pytest.raises(UsageError, match=r"--metamath-ranker-cut-epochs: .* begun with 1.0"):
        train(copied, resume=True, cut_epochs=2.0)
    before = tensors(copied)
    train(copied, resume=True, cut_epochs=2.0, warm_restart=True)
    after = tensors(copied)
    assert before["cut-1"] == after["cut-1"]
    assert before["cut-2"] != after["cut-2"]


def test_cuts_folds_and_one_policy_keep_out_of_each_others_folders(train: Train, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--metamath-ranker-cuts: .* was trained with cuts"):
        train(trained, resume=True, cuts=None, cut_epochs=None)
    with pytest.raises(UsageError, match=r"--metamath-ranker-cuts: .* was trained with cuts"):
        train(trained, resume=True, cuts=None, cut_epochs=None, folds=2)
    with pytest.raises(UsageError, match=r"--metamath-ranker-cuts: .*trained with 2, found 3"):
        train(trained, resume=True, cuts=3)
    (tmp_path / "fold-0").mkdir()
    with pytest.raises(UsageError, match=r"--metamath-ranker-folds: .* was trained with folds"):
        train(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cuts": 2, "folds": 2}, "cuts and folds"),
        ({"cuts": 2, "before": "syl"}, "cuts and before"),
        ({"cut_epochs": 1.0}, "there is no option cuts"),
    ],
)
def test_options_that_do_not_fit_together(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RankerTrainerConfig(**options)


def test_cuts_begin_with_cuts_or_with_what_knows_no_more(
    train: Train, trained: Path, cuts: Cuts, tmp_path: Path
) -> None:
    slow = {"learning_rate": 1e-9, "epochs": 0.1, "cut_epochs": 0.1}
    again = train(tmp_path / "again", start=trained, **slow)
    for name in cuts.names:
        old, new = load_weights(trained / name), load_weights(again / name)
        assert np.allclose(old.tensors["table"], new.tensors["table"], atol=1e-3)
        assert new.learnt == old.learnt
    alone = train(tmp_path / "alone", start=trained / "cut-1", **slow)
    assert load_weights(alone / "cut-2").learnt == load_weights(trained / "cut-2").learnt
    with pytest.raises(UsageError, match="has learnt proofs that the policy of a cut must not know"):
        train(tmp_path / "knowing", start=trained / "cut-2")
    with pytest.raises(UsageError, match=r"has 2 cuts, found --metamath-ranker-cuts 3"):
        train(tmp_path / "others", start=trained, cuts=3)


def test_it_conforms(builder: SampleBuilder) -> None:
    report = check_trainer(make_trainer, QUICK.model_copy(update={"max_examples": 300}), builder=builder)
    assert report.names("skipped") == ["the checkpoint can be used", "refuses what teaches nothing"]
