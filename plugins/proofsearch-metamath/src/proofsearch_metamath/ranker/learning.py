"""Training one policy of the ranker: what it learns from, the weights that it leaves, and how it is resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from proofsearch import Theorem
from proofsearch.checkpoint import Manifest
from proofsearch.errors import InputError
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.settings import Settings, load_training
from proofsearch.trainers.state import TrainingState, save_state
from proofsearch_metamath.config import NAME
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.ranker.architecture import Architecture
from proofsearch_metamath.ranker.bags import Floats, Ints
from proofsearch_metamath.ranker.collecting import count_uses
from proofsearch_metamath.ranker.config import SizedConfig
from proofsearch_metamath.ranker.examples import Examples
from proofsearch_metamath.ranker.loop import FORMAT, RankerLoop
from proofsearch_metamath.ranker.material import Material
from proofsearch_metamath.ranker.model import RankerModel
from proofsearch_metamath.ranker.starting import begin_with
from proofsearch_metamath.ranker.statements import Statements, statement_hashes
from proofsearch_metamath.ranker.vectors import match_labels
from proofsearch_metamath.ranker.weights import KnownLabel, Weights, load_weights, save_weights


@dataclass(frozen=True, slots=True)
class Policy:
    """One of the policies that a training makes, and where.

    Attributes:
        folder: of its weights.
        config: its options.
        settings: the same, and what of them may change.
        theorems: whose proofs it learns.
        bound: the position from which on nothing has any influence on it; ``None``: there is none.
        since: the position from which on its theorems are new to the weights that it begins with; ``None``: all are.
        until: where the theorems end that it answers for, which it may be measured on when it is done.
        start: the weights that it begins with, if it does with any.
        after: the folder of the policy of this training with whose weights it begins.
    """

    folder: Path
    config: SizedConfig
    settings: Settings
    theorems: Sequence[Theorem]
    bound: int | None = None
    since: int | None = None
    until: int | None = None
    start: Weights | None = None
    after: Path | None = None

    def finished(self) -> Manifest | None:
        """The manifest of its weights where it is done."""
        return self.settings.finished(self.folder, kind="generator", name=NAME)

    def lesson(self, material: Material) -> tuple[Ints, Ints]:
        """The numbers of the steps that are new to it, and of those that it has learnt before and rehearses."""
        steps = material.steps_of(self.theorems)
        known = material.train.earlier[steps] < (0 if self.since is None else material.assertions_before(self.since))
        return steps[~known], steps[known]

    def beginning(self) -> Weights | None:
        """The weights that it begins with, if it does with any; those of an earlier policy are read."""
        return self.start if self.after is None else load_weights(self.after)


def learn(
    policy: Policy,
    saved: TrainingState | None,
    material: Material,
    origin: Mapping[str, object],
    progress: Progress,
) -> Manifest:
    """Trains one policy, and writes its best weights.

    Args:
        policy: which, and where.
        saved: what it is resumed from, if it is.
        material: what all policies learn from.
        origin: what it is begun with.
        progress: is told.

    Returns:
        The manifest of its weights.

    Raises:
        InputError, StorageError, KeyboardInterrupt: as :meth:`proofsearch_metamath.ranker.trainer.RankerTrainer.train`.
    """
    out, settings, config = policy.folder, policy.settings, policy.config
    new, rehearsed = policy.lesson(material)
    steps = np.sort(np.append(new, rehearsed))
    if not len(new):
        raise InputError(
            f"{out}: none of the {len(policy.theorems)} proofs to learn from has a step; train with fewer "
            f"{'cuts' if config.folds is None else 'folds'}"
        )
    if config.folds is not None or config.cuts is not None:
        progress.say(f"{out.name}: learning from {len(policy.theorems)} of {len(material.theorems)} theorems")
    measured = material.validation_between(None, policy.bound, config.validation_examples, settings.seed)
    if not len(measured):
        progress.say("no theorem is left to validate on: the last weights are kept, not the best")
    torch.manual_seed(settings.seed)
    start = policy.beginning()
    model, learnt = _model(policy, material, steps, start)
    loop = RankerLoop(
        model,
        material.train,
        material.validation,
        config,
        settings.seed,
        progress,
        new,
        start is not None,
        measured,
        rehearsed,
    )
    if saved is not None:
        settings.check_data(out, saved.values["origin"], str(origin["data"]))
        loop.restore(saved)
        progress.say(f"resumed after step {loop.step}")
    stopped = loop.run_and_save(lambda: save_state(out, loop.state(origin)))
    loop.conclude()
    best, tensors = loop.best, loop.best_tensors
    metrics: dict[str, object] = {
        "stopped": stopped,
        "steps": loop.step,
        "best_step": loop.best_step,
        "examples": len(steps),
        "validation_examples": len(measured),
    }
    if best is not None:
        metrics |= best.metrics()
        tensors = model.architecture.divided(tensors, best.temperature)
    if policy.bound is not None:
        ahead = material.validation_between(policy.bound, policy.until, config.validation_examples, settings.seed)
        found = loop.measure_best(ahead)
        if found is not None:
            metrics |= {"ahead_examples": len(ahead), "ahead_loss": found.loss, "ahead_top_1": found.top[1]}
    environment = origin["environment"]
    assert isinstance(environment, Mapping)
    # Which makes the folder one that can be searched with.
    return save_weights(
        out,
        model.architecture,
        tensors,
        _known(material.library, learnt),
        learnt=_proofs_learnt(policy.theorems, start),
        step=loop.best_step,
        training=dict(settings.config) | {"seed": settings.seed},
        fingerprints=environment,
        metrics=metrics,
    )


def saved_training(policy: Policy) -> TrainingState:
    """What a policy's training is resumed from.

    Raises:
        InputError: it was saved by another version, or only weights are left.
        UsageError: it was begun with other options.
    """
    out = policy.folder
    saved = load_training(out)
    version = saved.values.get("format")
    if version != FORMAT:
        raise InputError(
            f"{out}: a training saved in format {version!r}, this proofsearch-metamath reads {FORMAT}; train "
            f"again into another folder"
        )
    policy.settings.check(out, saved.values["origin"])
    return saved


def _model(policy: Policy, material: Material, steps: Ints, start: Weights | None) -> tuple[RankerModel, Ints]:
    """The model at first, and the numbers of the assertions that have a vector of their own in it."""
    config = policy.config
    uses = count_uses(material.library, policy.theorems, material.found)
    known = np.full(len(uses), -1, np.int64)
    if start is not None:
        known, _ = match_labels(start, material.environment)
    learnt = np.flatnonzero((uses > 0) | (known >= 0))
    label_of = np.full(len(uses), -1, np.int64)
    label_of[learnt] = np.arange(len(learnt))
    model = RankerModel(
        Architecture(config.rows, config.width, len(learnt), config.surroundings),
        rarity(material.statements, material.assertions_before(policy.bound), material.train, steps, config.rows),
        uses[learnt],
        material.statements,
        label_of,
        dropout=config.dropout,
        feature_dropout=config.feature_dropout,
    )
    if start is not None:
        begin_with(model, start, learnt, known)
    return model, learnt


def _proofs_learnt(theorems: Sequence[Theorem], start: Weights | None) -> set[str] | None:
    """The names of the theorems whose proofs a policy has learnt; ``None`` where its start doesn't say."""
    names = {theorem.name for theorem in theorems}
    if start is None:
        return names
    return None if start.learnt is None else names | start.learnt


def rarity(statements: Statements, assertions: int, examples: Examples, steps: Ints, rows: int) -> Floats:
    """How much each row of the table says, by the logarithm of how seldom it occurs, about 1; shape ``(rows,)``.

    Args:
        statements: of the library.
        assertions: so many of its first ones count.
        examples: steps of proofs.
        steps: which of them count.
        rows: of the table.
    """
    conclusions = statements.conclusions
    occurrences = np.bincount(conclusions.rows[: conclusions.offsets[assertions]], minlength=rows).astype(np.float64)
    firsts = examples.parts.values[examples.parts.offsets[steps]]
    bags = examples.bags.take(firsts.astype(np.int64))
    occurrences += np.bincount(bags.rows, minlength=rows)
    found = np.log((assertions + len(firsts)) / (1 + occurrences))
    return (np.clip(found, 0.3, 8.0) / 4).astype(np.float32)


def _known(library: Library, learnt: Ints) -> list[KnownLabel]:
    hashes = statement_hashes(library)
    return [(library.provable_labels[index], hashes[index]) for index in learnt.tolist()]
