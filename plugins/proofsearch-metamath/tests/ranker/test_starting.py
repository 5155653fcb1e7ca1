"""Beginning with earlier weights, and learning from proofs that searches found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.plugin import make_trainer
from proofsearch_metamath.ranker.collecting import Collector, count_uses
from proofsearch_metamath.ranker.config import RankerTrainerConfig
from proofsearch_metamath.ranker.folds import fold_of
from proofsearch_metamath.ranker.found import FoundProof, found_proofs
from proofsearch_metamath.ranker.weights import load_weights

from proofsearch.config import LimitConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.errors import InputError, UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols import ChecksOptions, TrainingReport, TrainingRequest, ignore_report
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search
from proofsearch.testing import SampleBuilder
from proofsearch.trajectory.reader import read_searches
from proofsearch.types import Theorem

pytest.importorskip("torch")

QUICK = RankerTrainerConfig(
    max_proof=2,
    max_examples=800,
    validation_examples=50,
    epochs=2,
    batch=32,
    negatives=8,
    width=8,
    rows=256,
    processes=1,
    patience=0,
)
Train = Callable[..., Path]


@pytest.fixture(scope="module")
def train(builder: SampleBuilder) -> Train:
    def run(
        out: Path,
        trajectories: Sequence[Path] = (),
        *,
        resume: bool = False,
        report: Callable[[TrainingReport], None] = ignore_report,
        **options: Any,
    ) -> Path:
        config = QUICK.model_copy(update=options)
        return make_trainer(config, builder).train(TrainingRequest(list(trajectories), out, 0, resume, report))

    return run


@pytest.fixture(scope="module")
def one(train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("one") / "out")


@pytest.fixture(scope="module")
def folds(train: Train, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("folds") / "out", folds=2)


@pytest.fixture(autouse=True)
def report_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch.trainers.progress.INTERVAL", -1.0)


def loss(folder: Path) -> float:
    return float(load_weights(folder).manifest.metrics["validation_loss"])


def test_options_are_refused_before_any_proof_is_read(builder: SampleBuilder, one: Path, tmp_path: Path) -> None:
    """Catches an error after the searches of a round of ``iterate``."""

    def check(out: Path = tmp_path / "out", resume: bool = False, **options: Any) -> None:
        trainer = make_trainer(QUICK.model_copy(update=options), builder)
        assert isinstance(trainer, ChecksOptions)
        trainer.check(TrainingRequest((), out, 0, resume))

    check(start=one)
    check(one, resume=True)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match=f"--metamath-ranker-start: {tmp_path}/nowhere: no such folder"):
        check(start=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="--metamath-ranker-width: the weights to begin with"):
        check(start=one, width=16)
    with pytest.raises(UsageError, match="--metamath-ranker-before: "):
        check(before="no such theorem")
    with pytest.raises(UsageError, match=r"--metamath-ranker-batch: .* was trained with 32, found 8"):
        check(one, resume=True, batch=8)


# ----------------------------------------------------------------------------------------------- beginning with weights


def test_what_only_gets_worse_leaves_the_weights_that_it_began_with(train: Train, one: Path, tmp_path: Path) -> None:
    # So high a rate forgets everything: the best validation is that before the first step.
    out = train(tmp_path / "out", start=one, learning_rate=5.0, epochs=0.5)
    before, after = load_weights(one), load_weights(out)
    assert after.manifest.metrics["best_step"] == 0
    assert after.labels == before.labels
    assert loss(out) == pytest.approx(loss(one), rel=1e-2)
    assert np.allclose(after.tensors["table"], before.tensors["table"], atol=1e-3)


def test_it_goes_on_from_where_the_other_training_was(train: Train, one: Path, tmp_path: Path) -> None:
    losses = {}
    for name, start in (("cold", None), ("warm", one)):
        out = train(tmp_path / name, start=start, epochs=1, learning_rate=1e-3, validate_every=5)
        losses[name] = loss(out)
    assert losses["warm"] < loss(one) < losses["cold"]


def test_resumed_it_is_the_same(train: Train, one: Path, tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", start=one, validate_every=5)

    def killed(report: TrainingReport) -> None:
        if report.step >= 12:
            raise MemoryError

    with pytest.raises(MemoryError):
        train(tmp_path / "out", start=one, validate_every=5, report=killed)
    out = train(tmp_path / "out", start=one, validate_every=5, resume=True)
    [first], [second] = whole.glob("ranker-*"), out.glob("ranker-*")
    assert (first.name, first.read_bytes()) == (second.name, second.read_bytes())


def test_assertions_are_known_again_by_what_they_say(train: Train, one: Path, tmp_path: Path) -> None:
    # The first training knew fewer theorems, so its rows stand elsewhere.
    few = train(tmp_path / "few", before="19.24")
    out = train(tmp_path / "out", start=few, learning_rate=1e-9, epochs=0.1)
    before, after = load_weights(few), load_weights(out)
    assert len(before.labels) < len(after.labels)
    rows = [list(after.labels).index(entry) for entry in before.labels]
    assert rows != list(range(len(rows)))
    assert np.allclose(after.tensors["ids"][rows], before.tensors["ids"], atol=1e-3)


def test_what_the_start_had_learnt_counts_as_learnt(train: Train, one: Path, tmp_path: Path) -> None:
    few = train(tmp_path / "few", start=one, before="19.24")
    assert load_weights(few).learnt == load_weights(one).learnt
    copy = Path(shutil.copytree(one, tmp_path / "copy"))
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["files"]["theorems.json"]  # as earlier versions left it
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert load_weights(train(tmp_path / "out", start=copy)).learnt is None


def test_folds_begin_each_with_its_own(train: Train, folds: Path, prefix: MetamathEnvironment, tmp_path: Path) -> None:
    out = train(tmp_path / "out", folds=2, start=folds, learning_rate=1e-9, epochs=0.1)
    every = {theorem.name for theorem in prefix.theorems() if theorem.split == "train"}
    for name in ("fold-0", "fold-1", "whole"):
        before, after = load_weights(folds / name), load_weights(out / name)
        assert np.allclose(after.tensors["table"], before.tensors["table"], atol=1e-3)
        assert after.learnt == before.learnt
    assert load_weights(out / "fold-1").learnt == {name for name in every if fold_of(name, 2) == 0}
    alone = train(tmp_path / "alone", start=folds, learning_rate=1e-9, epochs=0.1)
    table = load_weights(folds / "whole").tensors["table"]
    assert np.allclose(load_weights(alone).tensors["table"], table, atol=1e-3)


def test_a_fold_never_begins_with_weights_that_know_its_proofs(
    train: Train, one: Path, folds: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"--metamath-ranker-start: .* must not know"):
        train(tmp_path / "out", folds=2, start=one)
    with pytest.raises(UsageError, match=r"has 2 folds, found --metamath-ranker-folds 3"):
        train(tmp_path / "out", folds=3, start=folds)
    swapped = Path(shutil.copytree(folds, tmp_path / "swapped"))
    for old, new in (("fold-0", "was"), ("fold-1", "fold-0"), ("was", "fold-1")):
        (swapped / old).rename(swapped / new)
    manifest = json.loads((swapped / "manifest.json").read_text())
    files = manifest["files"]
    files["fold-0/manifest.json"], files["fold-1/manifest.json"] = (
        files["fold-1/manifest.json"],
        files["fold-0/manifest.json"],
    )
    (swapped / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=r"must not know"):
        train(tmp_path / "out", folds=2, start=swapped)
    assert not (tmp_path / "out").exists()


def test_another_shape_is_refused_and_that_of_the_start_is_the_default(
    train: Train, one: Path, builder: SampleBuilder, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"--metamath-ranker-width: .*have 8, found 16"):
        train(tmp_path / "out", start=one, width=16)
    out = train(tmp_path / "out", start=one, width=None, rows=None)
    assert load_weights(out).architecture.width == 8


# ------------------------------------------------------------------------------------------------------- found proofs


@pytest.fixture(scope="module", params=["best-first", "and-or"])
def run(request: pytest.FixtureRequest, prefix: MetamathEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Searches of training theorems."""
    config = RunConfig(
        generator="metamath-ranker",
        select=SelectionConfig(split="train", limit=40),
        search=SearchConfig(strategy=request.param, limit=LimitConfig(expansions=16)),
        options={"local": {"mode": "threads"}},
    )
    out = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROOFSEARCH_CACHE_DIR", str(prefix._cache))
        run_search(resolve(Plugins.discover(), config).config, out)
    return out


def named(environment: MetamathEnvironment, names: Sequence[str]) -> list[Theorem]:
    return [environment.theorem(name) for name in names]


def test_found_proofs_are_replayed_step_by_step(prefix: MetamathEnvironment, run: Path) -> None:
    proved = {name: len(result.tactics) for name, result in RunFolder.open(run).results().items() if result.proved}
    assert len(proved) > 10
    found = found_proofs([run], set(proved))
    # What nothing has to be done for has no step to learn from.
    assert set(found) == set(proved)
    lengths = {}
    for name, proof in found.items():
        steps = proof.replayed(prefix, prefix.theorem(name))
        assert [step.remaining for step in steps] == list(range(len(proof), 0, -1))
        lengths[name] = len(steps)
    # A proof that is put together of parts may have repeated one.
    assert all(lengths[name] <= proved[name] for name in found)
    assert sum(lengths.values()) > len(lengths)


def test_only_what_was_asked_for_is_found(run: Path) -> None:
    proved = [name for name, result in RunFolder.open(run).results().items() if result.proved]
    assert set(found_proofs([run], set(proved[:3]))) == set(proved[:3])
    assert found_proofs([], set(proved)) == {}
    with pytest.raises(InputError, match="missing"):
        found_proofs([run / "missing.parquet"], set(proved))


def test_a_proof_of_another_database_is_left_out(prefix: MetamathEnvironment) -> None:
    theorem = prefix.theorem("syl")
    assert FoundProof({"|- nothing": "ax-mp"}).replayed(prefix, theorem) == []
    session = prefix.open(theorem)
    first = session.initial()
    text = first.state.text  # type: ignore[union-attr]
    assert FoundProof({text: "no-such-label"}).replayed(prefix, theorem) == []
    assert FoundProof({text: "ax-mp"}).replayed(prefix, theorem) == [], "it is not finished"


def shortened(environment: MetamathEnvironment, run: Path) -> dict[str, FoundProof]:
    """Found proofs that are shorter than the library's."""
    results = RunFolder.open(run).results()
    found = found_proofs([run], set(results))
    return {
        name: proof
        for name, proof in found.items()
        if 0 < len(proof) < len(list(environment.demonstrations([environment.theorem(name)])))
    }


def test_of_two_proofs_the_shorter_is_learnt(prefix: MetamathEnvironment, run: Path) -> None:
    shorter = shortened(prefix, run)
    assert shorter, "without one the test would show nothing"
    theorems = named(prefix, list(shorter))
    config = QUICK.sized(len(theorems)).model_copy(update={"max_proof": None})
    long, short = (
        Collector(prefix, config, count_uses(prefix.library, theorems), 0, found) for found in (None, shorter)
    )
    lengths = [len(collector.collect(theorems, lambda *_: None)) for collector in (long, short)]
    assert lengths[1] == sum(map(len, shorter.values())) < lengths[0]
    assert (long.shorter, short.shorter) == (0, len(shorter))
    longer = {
        name: FoundProof(dict(proof.tactics) | {f"{number}": "ax-mp" for number in range(100)})
        for name, proof in shorter.items()
    }
    beaten = Collector(prefix, config, count_uses(prefix.library, theorems), 0, longer)
    assert len(beaten.collect(theorems, lambda *_: None)) == lengths[0]


def test_found_proofs_are_learnt_however_few_steps_are(prefix: MetamathEnvironment, run: Path) -> None:
    """Catches searches that somebody gave and that chance leaves out."""
    shorter = shortened(prefix, run)
    others = [theorem for theorem in prefix.theorems() if theorem.split == "train" and theorem.name not in shorter]
    # Last in the order, and the library's proofs are longer than is allowed.
    theorems = [*others[-200:], *named(prefix, list(shorter))]
    longest = max(map(len, shorter.values())) + 1
    assert all((prefix.theorem(name).proof_length or 0) > longest for name in shorter)
    config = QUICK.sized(len(theorems)).model_copy(update={"max_proof": longest})
    most = sum(map(len, shorter.values())) + 5

    def collected(found: dict[str, FoundProof], most: int | None) -> tuple[set[str], Collector]:
        collector = Collector(prefix, config, count_uses(prefix.library, theorems), 0, found)
        examples = collector.collect(theorems, lambda *_: None, most)
        # So many provable assertions stand before a theorem: that is its own number among them.
        labels = prefix.library.tables.labels
        return {labels[prefix.library.provable[number]] for number in examples.earlier.tolist()}, collector

    names, collector = collected(shorter, most)
    assert set(shorter) <= names
    assert names - set(shorter), "there was room for another"
    assert collector.shorter == len(shorter)
    without, _ = collected({}, most)
    assert not without & set(shorter)
    everything, _ = collected(shorter, None)
    assert set(shorter) <= everything


def test_several_processes_take_the_same_proofs(prefix: MetamathEnvironment, run: Path) -> None:
    shorter = shortened(prefix, run)
    theorems = [theorem for theorem in prefix.theorems() if theorem.split == "train"][:60]
    theorems += named(prefix, [name for name in shorter if name not in {theorem.name for theorem in theorems}])
    counts = []
    for processes in (1, 2):
        config = QUICK.model_copy(update={"processes": processes, "max_proof": None}).sized(len(theorems))
        collector = Collector(prefix, config, count_uses(prefix.library, theorems), 0, shorter)
        counts.append((len(collector.collect(theorems, lambda *_: None)), collector.shorter))
    assert counts[0] == counts[1]
    assert counts[0][1] == len(shorter)


def test_a_training_says_what_it_took_and_learns_it(prefix: MetamathEnvironment, run: Path, train: Train) -> None:
    out = run.parent / "weights"
    messages: list[str] = []
    train(out, [run], report=lambda report: messages.extend(report.messages), max_proof=8, max_examples=300)
    proved = sum(result.proved for result in RunFolder.open(run).results().values())
    assert any(message.startswith(f"searches proved {proved} training theorems; ") for message in messages)
    with pytest.raises(InputError, match="trained on other data"):
        train(out, [], resume=True, max_proof=8, max_examples=300, epochs=3, warm_restart=True)


def test_proofs_of_other_splits_are_not_learnt(prefix: MetamathEnvironment, run: Path) -> None:
    searches = {search.theorem.name: search.theorem.split for search in read_searches([run])}
    assert set(searches.values()) == {"train"}
    held_out = {theorem.name for theorem in prefix.theorems() if theorem.split != "train"}
    assert found_proofs([run], held_out) == {}
