"""The trainer ``metamath-ranker``: from a library's proofs to weights, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest, writing
from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import Builder, TrainingRequest
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.settings import Settings, holds_training
from proofsearch.trainers.state import LATEST, TrainingState
from proofsearch.trainers.stepping import PATIENCE, STEPS, threads
from proofsearch_metamath.config import NAME
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.ranker.collecting import Collector, Split, choose_theorems, count_uses
from proofsearch_metamath.ranker.config import MAY_CHANGE, RUNTIME_ONLY, RankerTrainerConfig, SizedConfig
from proofsearch_metamath.ranker.examples import data_hash
from proofsearch_metamath.ranker.folds import fold_name, fold_of, write_folds
from proofsearch_metamath.ranker.found import FoundProof, found_proofs
from proofsearch_metamath.ranker.learning import Material, Policy, learn, saved_training
from proofsearch_metamath.ranker.loop import steps_of
from proofsearch_metamath.ranker.reading import SymbolTable
from proofsearch_metamath.ranker.starting import read_start, refuse_knowing, with_shapes
from proofsearch_metamath.ranker.statements import read_statements
from proofsearch_metamath.ranker.weights import Weights


@dataclass(frozen=True, slots=True)
class Given:
    """What a training is given by its options, its database and its folder.

    Attributes:
        environment: whose proofs are learnt.
        split: the theorems to learn from and to validate on.
        config: the options, none of them left open.
        policies: that are made, in their order.
        done: the manifests of those that are made already, by their folder.
        saved: what others are resumed from, by their folder.
    """

    environment: MetamathEnvironment
    split: Split
    config: SizedConfig
    policies: Sequence[Policy]
    done: Mapping[Path, Manifest]
    saved: Mapping[Path, TrainingState | None]


class RankerTrainer:
    """Learns which assertion a goal wants from the library's own proofs; implements ``Trainer``.

    Proofs of theorems of the splits ``validation`` and ``test`` are not learnt from, whatever the options. Of
    trajectories it takes proofs that are shorter than the library's (:mod:`proofsearch_metamath.ranker.found`). With
    ``folds`` it makes several policies, one after the other: see :mod:`proofsearch_metamath.ranker.folds`.

    Args:
        config: the options.
        builder: gives the environment.
    """

    def __init__(self, config: RankerTrainerConfig, builder: Builder) -> None:
        self._config = config
        self._builder = builder

    def train(self, request: TrainingRequest) -> Path:
        """Trains, or goes on training, and writes the weights of the best validation when it is done.

        Raises:
            InputError: nothing to learn from, a training that can't be resumed, or a loss that stays no number.
            UsageError: options that don't fit, a folder that is taken, or another environment.
            StorageError: something can't be written; what was saved before is whole.
            KeyboardInterrupt: on Ctrl-C, once everything is saved.
        """
        out = request.out
        progress = Progress(request.report)
        given = self._given(request)
        environment, split, config = given.environment, given.split, given.config
        policies, done, saved = given.policies, given.done, given.saved
        if len(done) == len(policies) and (out / MANIFEST).exists():
            progress.say(f"{out}: the training is done; nothing to resume")
            return out
        with writing(out, "nothing was trained"):
            for policy in policies:
                policy.folder.mkdir(parents=True, exist_ok=True)
            if config.folds is not None:
                (out / MANIFEST).unlink(missing_ok=True)  # of policies that are about to change
        found = found_proofs(request.trajectories, {theorem.name for theorem in split.train})
        material = self._material(environment, split, found, config, request.seed, progress)
        lessons = [material.theorems_for(policy.fold, config.folds) for policy in policies]
        progress.steps = sum(steps_of(config, len(material.steps_of(lesson))) for lesson in lessons)
        data = data_hash(material.train, material.validation)
        with threads(torch, config.threads):
            for policy, lesson in zip(policies, lessons, strict=True):
                manifest = done.get(policy.folder)
                if manifest is None:
                    origin = policy.settings.origin(data, environment=dict(environment.fingerprint()))
                    manifest = learn(policy, saved.get(policy.folder), material, lesson, config, origin, progress)
                progress.before += int(manifest.metrics["steps"])
        if config.folds is not None:
            _write_folds(out, config.folds, policies)
        progress.say(f"search with them: proofsearch search --generator {NAME} --{NAME}-path {out}")
        return out

    def check(self, request: TrainingRequest) -> None:
        """Refuses options that can't be trained with; see :class:`proofsearch.protocols.ChecksOptions`."""
        self._given(request)

    def _given(self, request: TrainingRequest) -> Given:
        """What the options mean for this database and in this folder, before any proof is read."""
        environment = self._builder.environment()
        if not isinstance(environment, MetamathEnvironment):
            raise UsageError(f"--plugin {NAME}: learns from --env metamath only")
        split = choose_theorems(environment, self._config.before, request.seed)
        starts = _starts(self._config, split)
        shaped = self._config if not starts else with_shapes(self._config, starts[0])
        config = shaped.sized(len(split.train))
        _refuse_others(request.out, config.folds)
        policies = _policies(request.out, config, request.seed, starts)
        taken = [policy for policy in policies if holds_training(policy.folder, resume=request.resume)]
        done = {policy.folder: manifest for policy in taken if (manifest := policy.finished()) is not None}
        saved = {policy.folder: saved_training(policy) for policy in taken if policy.folder not in done}
        return Given(environment, split, config, policies, done, saved)

    def _material(
        self,
        environment: MetamathEnvironment,
        split: Split,
        found: Mapping[str, FoundProof],
        config: SizedConfig,
        seed: int,
        progress: Progress,
    ) -> Material:
        """The steps of proofs to learn from and those to validate on."""
        library, status = environment.library, self._builder.status
        collector = Collector(environment, config, count_uses(library, split.train, found), seed, found)
        train = collector.collect(split.train, status, config.max_examples)
        if found:
            progress.say(
                f"searches proved {len(found)} training theorems; {collector.shorter} of these proofs are shorter than "
                f"the library's and learnt in their place"
            )
        validation = collector.collect(split.validation, status, config.validation_examples)
        if not len(train):
            raise InputError(f"{environment.path}: none of the {len(split.train)} training proofs has a step")
        progress.say(f"{len(train)} steps of proofs to learn from and {len(validation)} to validate on")
        if environment.skipped_demonstrations:
            progress.say(f"{environment.skipped_demonstrations} proofs can't be replayed and are left out")
        if not len(validation):
            progress.say("no theorem is left to validate on: the last weights are kept, not the best")
        status("reading the library's statements", None, None)
        statements = read_statements(library, SymbolTable(library), config.rows)
        return Material(environment, statements, split.train, found, train, validation)


def _starts(config: RankerTrainerConfig, split: Split) -> list[Weights]:
    """The weights that each policy begins with; none where it begins with nothing."""
    if config.start is None:
        return []
    if config.folds is None:
        return [read_start(config.start, None, None)]
    starts = [read_start(config.start, fold, config.folds) for fold in (*range(config.folds), None)]
    for fold, start in enumerate(starts[:-1]):
        refuse_knowing(start, [one.name for one in split.train if fold_of(one.name, config.folds) == fold])
    return starts


def _policies(out: Path, config: SizedConfig, seed: int, starts: Sequence[Weights]) -> list[Policy]:
    """What a training makes: one policy, or those of the folds and then that of all."""
    options = config.model_dump(mode="json")

    def policy(number: int, folder: Path, fold: int | None, options: Mapping[str, object]) -> Policy:
        settings = Settings(NAME, options, seed, RUNTIME_ONLY, MAY_CHANGE, lengths=("epochs",))
        return Policy(folder, fold, settings, starts[number] if starts else None)

    if config.folds is None:
        return [policy(0, out, None, options)]
    folds = enumerate((*range(config.folds), None))
    return [policy(number, out / fold_name(fold), fold, options | {"fold": fold}) for number, fold in folds]


def _refuse_others(out: Path, folds: int | None) -> None:
    """Refuses to train folds where one policy was trained, and the other way round."""
    if folds is None and (out / fold_name(0)).is_dir():
        raise UsageError(f"--{NAME}-folds: {out} was trained with folds; resume with as many, or train elsewhere")
    if folds is not None and (out / LATEST).is_file():
        raise UsageError(f"--{NAME}-folds: {out} was trained without folds; train them into another folder")


def _write_folds(out: Path, folds: int, policies: Sequence[Policy]) -> None:
    """Completes the folder of several policies."""
    manifests = {policy.folder.name: read_manifest(policy.folder) for policy in policies}
    ended = [manifest.metrics["stopped"] for manifest in manifests.values()]
    metrics: dict[str, object] = {
        "stopped": next((stopped for stopped in ended if stopped not in (STEPS, PATIENCE)), STEPS),
        "steps": sum(manifest.metrics["steps"] for manifest in manifests.values()),
    }
    for name, manifest in manifests.items():
        for figure in ("examples", "validation_loss"):
            if figure in manifest.metrics:
                metrics[f"{name} {figure}"] = manifest.metrics[figure]
    last = policies[-1].settings
    fingerprints = manifests[policies[-1].folder.name].fingerprints
    training = dict(last.config) | {"seed": last.seed}
    write_folds(out, folds, training=training, fingerprints=fingerprints, metrics=metrics)
