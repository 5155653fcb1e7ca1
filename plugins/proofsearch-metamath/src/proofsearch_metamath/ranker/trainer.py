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
from proofsearch_metamath.ranker.collecting import Split, choose_theorems
from proofsearch_metamath.ranker.config import MAY_CHANGE, RUNTIME_ONLY, RankerTrainerConfig, SizedConfig
from proofsearch_metamath.ranker.cuts import Cuts, choose_cuts, cut_name
from proofsearch_metamath.ranker.division import Division, order_of, write_division
from proofsearch_metamath.ranker.examples import data_hash
from proofsearch_metamath.ranker.folds import Folds, fold_name
from proofsearch_metamath.ranker.found import FoundProof, found_proofs
from proofsearch_metamath.ranker.learning import Policy, learn, saved_training
from proofsearch_metamath.ranker.loop import pass_of, steps_of
from proofsearch_metamath.ranker.material import Material, read_material
from proofsearch_metamath.ranker.starting import read_starts, with_shapes
from proofsearch_metamath.ranker.weights import Weights


@dataclass(frozen=True, slots=True)
class Given:
    """What a training is given by its options, its database and its folder.

    Attributes:
        environment: whose proofs are learnt.
        split: the theorems to learn from and to validate on.
        config: the options, none of them left open.
        division: of the theorems among several policies; ``None``: one is trained.
        policies: that are made, in their order.
        done: the manifests of those that are made already, by their folder.
        saved: what others are resumed from, by their folder.
    """

    environment: MetamathEnvironment
    split: Split
    config: SizedConfig
    division: Division | None
    policies: Sequence[Policy]
    done: Mapping[Path, Manifest]
    saved: Mapping[Path, TrainingState | None]


class RankerTrainer:
    """Learns which assertion a goal wants from the library's own proofs; implements ``Trainer``.

    Proofs of theorems of the splits ``validation`` and ``test`` are not learnt from, whatever the options. Of
    trajectories it takes proofs that are shorter than the library's (:mod:`proofsearch_metamath.ranker.found`). With
    ``folds`` or ``cuts`` it makes several policies, one after the other: see the modules
    :mod:`~proofsearch_metamath.ranker.folds` and :mod:`~proofsearch_metamath.ranker.cuts`.

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
        environment, split, config, division = given.environment, given.split, given.config, given.division
        policies, done, saved = given.policies, given.done, given.saved
        if len(done) == len(policies) and (out / MANIFEST).exists():
            progress.say(f"{out}: the training is done; nothing to resume")
            return out
        with writing(out, "nothing was trained"):
            for policy in policies:
                policy.folder.mkdir(parents=True, exist_ok=True)
            if division is not None:
                (out / MANIFEST).unlink(missing_ok=True)  # of policies that are about to change
        found = found_proofs(request.trajectories, {one.name for policy in policies for one in policy.theorems})
        material = self._material(environment, split, division, found, config, request.seed, progress)
        progress.steps = sum(steps_of(one.config, pass_of(*map(len, one.lesson(material)))) for one in policies)
        data = data_hash(material.train, material.validation)
        with threads(torch, config.threads):
            for policy in policies:
                manifest = done.get(policy.folder)
                if manifest is None:
                    origin = policy.settings.origin(data, environment=dict(environment.fingerprint()))
                    manifest = learn(policy, saved.get(policy.folder), material, origin, progress)
                progress.before += int(manifest.metrics["steps"])
        if division is not None:
            training = config.model_dump(mode="json") | {"seed": request.seed}
            _write_division(out, division, policies, training)
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
        division = _division(self._config, split)
        start, order = self._config.start, order_of(environment.library)
        starts = {} if start is None else read_starts(start, division, split.train, order)
        shaped = self._config if not starts else with_shapes(self._config, next(iter(starts.values())))
        config = shaped.sized(len(split.train))
        _refuse_others(request.out, division)
        policies = _policies(request.out, config, request.seed, split, division, starts, environment)
        taken = [policy for policy in policies if holds_training(policy.folder, resume=request.resume)]
        done = {policy.folder: manifest for policy in taken if (manifest := policy.finished()) is not None}
        saved = {policy.folder: saved_training(policy) for policy in taken if policy.folder not in done}
        return Given(environment, split, config, division, policies, done, saved)

    def _material(
        self,
        environment: MetamathEnvironment,
        split: Split,
        division: Division | None,
        found: Mapping[str, FoundProof],
        config: SizedConfig,
        seed: int,
        progress: Progress,
    ) -> Material:
        """The steps of proofs to learn from and those to validate on."""
        bounds = [] if division is None else [division.bound(policy) for policy in division.policies]
        cuts = [bound for bound in bounds if bound is not None]
        material = read_material(environment, split, cuts, found, config, seed, progress, self._builder.status)
        steps = len(material.train)
        if not steps:
            raise InputError(f"{environment.path}: none of the {len(material.theorems)} training proofs has a step")
        progress.say(f"{steps} steps of proofs to learn from and {len(material.validation)} to validate on")
        if environment.skipped_demonstrations:
            progress.say(f"{environment.skipped_demonstrations} proofs can't be replayed and are left out")
        return material


def _division(config: RankerTrainerConfig, split: Split) -> Division | None:
    """How the theorems are divided among several policies; ``None``: one is trained."""
    if config.cuts is not None:
        return choose_cuts(split.train, config.cuts)
    return None if config.folds is None else Folds.of(config.folds)


def _policies(
    out: Path,
    config: SizedConfig,
    seed: int,
    split: Split,
    division: Division | None,
    starts: Mapping[str, Weights],
    environment: MetamathEnvironment,
) -> list[Policy]:
    """What a training makes: one policy, or those of a division, in the order in which they are trained."""
    options = config.model_dump(mode="json")

    def settings(options: Mapping[str, object], length: str = "epochs") -> Settings:
        return Settings(NAME, options, seed, RUNTIME_ONLY, MAY_CHANGE, lengths=(length,))

    if division is None:
        bound = None if config.before is None else environment.theorem(config.before).position
        return [Policy(out, config, settings(options), split.train, bound, start=starts.get("."))]
    policies = list[Policy]()
    bounds = [division.bound(name) for name in division.policies]
    for number, name in enumerate(division.policies):
        lesson = [theorem for theorem in split.train if division.learns(name, theorem)]
        after = policies[-1].folder if division.chained and policies and name not in starts else None
        length = "epochs" if after is None else "cut_epochs"
        # What says how long the others are is none of this one's options.
        own = options | dict.fromkeys({"epochs", "cut_epochs"} - {length})
        if isinstance(division, Cuts):
            own |= {"cut": division.theorems[number]}
        else:
            own |= {"fold": number if number < division.count else None}
        fitted = config if after is None else config.model_copy(update={"epochs": config.cut_epochs})
        since = None if after is None else bounds[number - 1]
        until = bounds[number + 1] if number + 1 < len(bounds) else None
        where = bounds[number], since, until
        policies.append(
            Policy(out / name, fitted, settings(own, length), lesson, *where, start=starts.get(name), after=after)
        )
    return policies


def _refuse_others(out: Path, division: Division | None) -> None:
    """Refuses to train several policies where one was trained, or in another way, and the other way round."""
    wanted = None if division is None else division.kind
    for kind, first in (("folds", fold_name(0)), ("cuts", cut_name(1))):
        if kind != wanted and (out / first).is_dir():
            raise UsageError(f"--{NAME}-{kind}: {out} was trained with {kind}; resume with as many, or train elsewhere")
    if wanted is not None and (out / LATEST).is_file():
        raise UsageError(f"--{NAME}-{wanted}: {out} was trained without {wanted}; train them into another folder")


def _write_division(out: Path, division: Division, policies: Sequence[Policy], training: Mapping[str, object]) -> None:
    """Completes the folder of several policies."""
    manifests = {policy.folder.name: read_manifest(policy.folder) for policy in policies}
    ended = [manifest.metrics["stopped"] for manifest in manifests.values()]
    metrics: dict[str, object] = {
        "stopped": next((stopped for stopped in ended if stopped not in (STEPS, PATIENCE)), STEPS),
        "steps": sum(manifest.metrics["steps"] for manifest in manifests.values()),
    }
    for name, manifest in manifests.items():
        for figure in ("examples", "validation_loss", "ahead_loss"):
            if figure in manifest.metrics:
                metrics[f"{name} {figure}"] = manifest.metrics[figure]
    fingerprints = manifests[policies[-1].folder.name].fingerprints
    write_division(out, division, training=training, fingerprints=fingerprints, metrics=metrics)
