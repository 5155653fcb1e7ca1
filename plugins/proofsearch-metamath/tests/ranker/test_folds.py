"""Policies without their fold: what each learns from, which of them answers, and that none answers what it learnt."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.environment import MetamathEnvironment, split_of
from proofsearch_metamath.plugin import make_generator, make_trainer
from proofsearch_metamath.ranker.config import RankerConfig, RankerTrainerConfig
from proofsearch_metamath.ranker.folds import fold_name, fold_of, read_folds
from proofsearch_metamath.ranker.weights import load_weights

from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import GenerationRequest, TrainingReport, TrainingRequest, ignore_report
from proofsearch.testing import SampleBuilder, check_trainer
from proofsearch.types import Advanced, Candidate, Demonstration, Theorem

pytest.importorskip("torch")

FOLDS = 3
QUICK = RankerTrainerConfig(
    folds=FOLDS,
    max_proof=2,  # so few that all of them are read
    validation_examples=50,
    epochs=1,
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
    return train(tmp_path_factory.mktemp("folds") / "out")


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


@pytest.fixture(autouse=True)
def report_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch.trainers.progress.INTERVAL", -1.0)


def of_split(environment: MetamathEnvironment, split: str) -> list[Theorem]:
    return [theorem for theorem in environment.theorems() if theorem.split == split]


def answers(path: Path, theorems: Sequence[Theorem], builder: SampleBuilder) -> list[list[Candidate]]:
    """What the weights in a folder suggest first for theorems that nothing closes at once."""
    environment = builder.environment()
    assert isinstance(environment, MetamathEnvironment)
    generator = make_generator(RankerConfig(path=path), builder)
    found = []
    for theorem in theorems:
        session = environment.open(theorem)
        first = session.initial()
        if isinstance(first, Advanced):
            request = GenerationRequest(theorem, first.state, session.moves(first.state), 0)
            found += generator.generate([request], 6)
    generator.close()
    return found


def tensors(folder: Path) -> dict[str, bytes]:
    """The weights of every policy."""
    return {path.parent.name: path.read_bytes() for path in folder.glob("*/ranker-*.safetensors")}


def seal(folder: Path) -> None:
    """Makes the manifest's sums those of what is there now."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_fold_is_found_by_the_name_alone_and_folds_are_about_equal(prefix: MetamathEnvironment) -> None:
    # Recorded once: a fold that moved would give theorems to policies that learnt them.
    assert [fold_of(name, 4) for name in ("syl", "19.24", "a1i", "id")] == [
        int(hashlib.sha256(f"fold {name}".encode()).hexdigest()[:16], 16) % 4 for name in ("syl", "19.24", "a1i", "id")
    ]
    sizes = Counter(fold_of(theorem.name, 4) for theorem in of_split(prefix, "train"))
    assert set(sizes) == {0, 1, 2, 3}
    assert min(sizes.values()) > 0.2 * sum(sizes.values())


def test_each_policy_says_that_it_learnt_all_but_its_fold(prefix: MetamathEnvironment, trained: Path) -> None:
    every = {theorem.name for theorem in of_split(prefix, "train")}
    for fold in range(FOLDS):
        own = {name for name in every if fold_of(name, FOLDS) == fold}
        assert load_weights(trained / fold_name(fold)).learnt == every - own
    assert load_weights(trained / fold_name(None)).learnt == every


def test_the_manifest_names_the_weights_of_each_fold_and_says_how_folds_are_made(trained: Path) -> None:
    found = json.loads((trained / "manifest.json").read_text())["config"]["folds"]
    assert (found["count"], found["policies"], found["others"]) == (3, ["fold-0", "fold-1", "fold-2"], "whole")
    assert "SHA-256 of 'fold '" in found["hash"]
    folds = read_folds(trained)
    assert folds is not None
    assert list(folds.policies) == ["fold-0", "fold-1", "fold-2", "whole"]
    assert read_folds(trained / "whole") is None


class Without(MetamathEnvironment):
    """The shipped database whose proofs of one fold nobody can read."""

    fold = 0

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        kept = [one for one in theorems if split_of(one.name) != "train" or fold_of(one.name, FOLDS) != self.fold]
        return super().demonstrations(kept)


def test_what_the_proofs_of_a_fold_are_makes_no_difference_to_its_policy(
    prefix: MetamathEnvironment, train: Train, trained: Path, tmp_path: Path
) -> None:
    with SampleBuilder(Without(MetamathConfig(), prefix._cache), cache=prefix._cache) as blind:
        train(tmp_path / "out", builder=blind)
    seen, unseen = tensors(trained), tensors(tmp_path / "out")
    assert seen["fold-0"] == unseen["fold-0"]
    assert all(seen[name] != unseen[name] for name in ("fold-1", "fold-2", "whole")), "without this it shows nothing"


def test_a_theorem_is_answered_by_the_policy_of_its_fold_and_others_by_the_whole(
    prefix: MetamathEnvironment, builder: SampleBuilder, trained: Path
) -> None:
    for fold in range(FOLDS):
        own = [theorem for theorem in of_split(prefix, "train") if fold_of(theorem.name, FOLDS) == fold][:10]
        found = answers(trained, own, builder)
        assert len(found) > 3
        assert found == answers(trained / fold_name(fold), own, builder)
        assert found != answers(trained / fold_name((fold + 1) % FOLDS), own, builder)
    for split in ("validation", "test", ""):
        others = of_split(prefix, split)[:10]
        assert answers(trained, others, builder) == answers(trained / "whole", others, builder) != []


def test_vectors_of_several_folds_are_refused(builder: SampleBuilder, trained: Path) -> None:
    generator: Any = make_generator(RankerConfig(path=trained), builder)
    with pytest.raises(UsageError, match=f"policies of {FOLDS} folds"):
        generator.represent([])
    whole: Any = make_generator(RankerConfig(path=trained / "whole"), builder)
    assert generator.fingerprint() != whole.fingerprint()


def test_swapped_folds_are_refused(prefix: MetamathEnvironment, builder: SampleBuilder, copied: Path) -> None:
    theorems = of_split(prefix, "train")[:20]
    assert answers(copied, theorems, builder)
    (copied / "fold-0").rename(copied / "was-0")
    (copied / "fold-1").rename(copied / "fold-0")
    (copied / "was-0").rename(copied / "fold-1")
    with pytest.raises(InputError, match=r"fold-0/manifest.json: its SHA-256"):
        answers(copied, theorems, builder)
    seal(copied)
    for fold in (0, 1):
        [first, *_] = [theorem for theorem in theorems if fold_of(theorem.name, FOLDS) == fold]
        with pytest.raises(InputError, match=f"to answer for {first.name}, whose proof it has learnt"):
            answers(copied, [first], builder)
    others = [theorem for theorem in theorems if fold_of(theorem.name, FOLDS) == 2]
    assert answers(copied, others, builder)


def test_a_manifest_that_gives_a_fold_another_policy_is_found_out(
    prefix: MetamathEnvironment, builder: SampleBuilder, copied: Path
) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["config"]["folds"]["policies"] = ["whole", "fold-1", "fold-2"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    [first, *_] = [one for one in of_split(prefix, "train") if fold_of(one.name, FOLDS) == 0]
    with pytest.raises(InputError, match="has learnt"):
        answers(copied, [first], builder)


def test_a_training_theorem_that_lost_its_split_is_not_answered_by_the_whole(
    prefix: MetamathEnvironment, builder: SampleBuilder, trained: Path
) -> None:
    lost = [dataclasses.replace(theorem, split="") for theorem in of_split(prefix, "train")[:10]]
    with pytest.raises(InputError, match=r"whole: this policy was to answer for .* has learnt"):
        answers(trained, lost, builder)


def test_a_policy_that_does_not_say_what_it_learnt_is_refused(
    prefix: MetamathEnvironment, builder: SampleBuilder, copied: Path
) -> None:
    file = copied / "fold-0/manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["files"]["theorems.json"]
    file.write_text(json.dumps(manifest))
    seal(copied)
    with pytest.raises(InputError, match="don't say whose proofs they learnt"):
        answers(copied, of_split(prefix, "train")[:20], builder)


def test_folds_by_another_hash_are_refused(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["config"]["folds"]["hash"] = "md5"
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"by 'md5'.* train again"):
        read_folds(copied)


def test_several_policies_are_not_taken_for_one(trained: Path) -> None:
    with pytest.raises(InputError, match="holds several policies"):
        load_weights(trained)


class Killed:
    """Ends a training at the report of a step, as a kill would: nothing is saved any more."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, report: TrainingReport) -> None:
        if report.step >= self.step:
            raise MemoryError


def test_a_killed_training_goes_on_with_the_fold_that_it_was_at(train: Train, trained: Path, tmp_path: Path) -> None:
    metrics = {fold: load_weights(trained / fold_name(fold)).manifest.metrics for fold in (0, 1)}
    out = tmp_path / "out"
    out.mkdir()
    (out / "train.toml").write_text("")  # as the command leaves it
    stop = metrics[0]["steps"] + 8
    with pytest.raises(MemoryError):
        train(out, report=Killed(stop))
    assert sorted(tensors(out)) == ["fold-0"]
    assert (out / "fold-1/state-00000006").is_dir()
    with pytest.raises(InputError, match=r"its training did not come to its end.*train --resume --out"):
        read_folds(out)
    before = (out / "fold-0/manifest.json").stat().st_mtime_ns
    reached: list[int] = []
    train(out, resume=True, report=lambda report: reached.append(report.step))
    assert min(step for step in reached if step) == metrics[0]["steps"] + 7, "from the last save of the second fold"
    assert reached == sorted(reached)
    assert (out / "fold-0/manifest.json").stat().st_mtime_ns == before
    assert tensors(out) == tensors(trained)
    assert read_folds(out) is not None


def test_folds_and_one_policy_keep_out_of_each_others_folders(train: Train, trained: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--metamath-ranker-folds: .* with folds"):
        train(trained, resume=True, folds=None)
    with pytest.raises(UsageError, match=r"--metamath-ranker-folds: .*trained with 3, found 4"):
        train(trained, resume=True, folds=4)
    train(tmp_path / "one", folds=None)
    with pytest.raises(UsageError, match=r"--metamath-ranker-folds: .* without folds"):
        train(tmp_path / "one", resume=True)


def test_it_conforms(builder: SampleBuilder) -> None:
    report = check_trainer(make_trainer, QUICK.model_copy(update={"folds": 2, "max_examples": 300}), builder=builder)
    assert report.names("skipped") == ["the checkpoint can be used", "refuses what teaches nothing"]
