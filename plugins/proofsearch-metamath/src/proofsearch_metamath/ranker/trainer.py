"""The trainer ``metamath-ranker``: from a library's proofs to weights, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from proofsearch.checkpoint import writing
from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import Builder, TrainingRequest
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.settings import Settings, holds_training, load_training
from proofsearch.trainers.state import TrainingState, save_state
from proofsearch.trainers.stepping import threads
from proofsearch_metamath.config import NAME
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.ranker.architecture import Architecture
from proofsearch_metamath.ranker.bags import Floats
from proofsearch_metamath.ranker.collecting import Collector, Split, choose_theorems, count_uses
from proofsearch_metamath.ranker.config import MAY_CHANGE, RUNTIME_ONLY, RankerTrainerConfig, SizedConfig
from proofsearch_metamath.ranker.examples import Examples, data_hash
from proofsearch_metamath.ranker.loop import FORMAT, RankerLoop, steps_of
from proofsearch_metamath.ranker.model import RankerModel
from proofsearch_metamath.ranker.reading import SymbolTable
from proofsearch_metamath.ranker.statements import Statements, read_statements, statement_hashes
from proofsearch_metamath.ranker.weights import KnownLabel, save_weights


class RankerTrainer:
    """Learns which assertion a goal wants from the library's own proofs; implements ``Trainer``.

    Proofs of theorems of the splits ``validation`` and ``test`` are not learnt from, whatever the options.

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
        environment = self._builder.environment()
        if not isinstance(environment, MetamathEnvironment):
            raise UsageError(f"--plugin {NAME}: learns from --env metamath only")
        progress = Progress(request.report)
        taken = holds_training(out, resume=request.resume)
        split = choose_theorems(environment, self._config.before, request.seed)
        config = self._config.sized(len(split.train))
        settings = Settings(
            NAME, config.model_dump(mode="json"), request.seed, RUNTIME_ONLY, MAY_CHANGE, lengths=("epochs",)
        )
        if settings.finished(out, kind="generator", name=NAME) is not None:
            progress.say(f"{out}: the training is done; nothing to resume")
            return out
        saved = _saved(out, settings) if taken else None
        with writing(out, "nothing was trained"):
            out.mkdir(parents=True, exist_ok=True)
        uses = count_uses(environment.library, split.train)
        train, validation = self._examples(environment, split, uses, config, request.seed, progress)
        self._builder.status("reading the library's statements", None, None)
        library = environment.library
        statements = read_statements(library, SymbolTable(library), config.rows)
        learnt = np.flatnonzero(uses)
        origin = settings.origin(data_hash(train, validation), environment=dict(environment.fingerprint()))
        with threads(torch, config.threads):
            torch.manual_seed(request.seed)
            model = _model(config, statements, train, uses, learnt)
            progress.steps = steps_of(config, len(train))
            loop = RankerLoop(model, train, validation, config, request.seed, progress)
            if saved is not None:
                settings.check_data(out, saved.values["origin"], origin["data"])
                loop.restore(saved)
                progress.say(f"resumed after step {loop.step}")
            stopped = loop.run_and_save(lambda: save_state(out, loop.state(origin)))
            loop.conclude()
        self._write(out, loop, model.architecture, _known(library, learnt), origin, stopped, (train, validation))
        progress.say(f"search with them: proofsearch search --generator {NAME} --{NAME}-path {out}")
        return out

    def _examples(
        self,
        environment: MetamathEnvironment,
        split: Split,
        uses: Floats,
        config: SizedConfig,
        seed: int,
        progress: Progress,
    ) -> tuple[Examples, Examples]:
        """The steps of proofs to learn from and those to validate on."""
        collector = Collector(environment, config, uses, seed)
        train = collector.collect(split.train, self._builder.status, config.max_examples)
        validation = collector.collect(split.validation, self._builder.status, config.validation_examples)
        if not len(train):
            raise InputError(f"{environment.path}: none of the {len(split.train)} training proofs has a step")
        progress.say(f"{len(train)} steps of proofs to learn from and {len(validation)} to validate on")
        if environment.skipped_demonstrations:
            progress.say(f"{environment.skipped_demonstrations} proofs can't be replayed and are left out")
        if not len(validation):
            progress.say("no theorem is left to validate on: the last weights are kept, not the best")
        return train, validation

    def _write(
        self,
        out: Path,
        loop: RankerLoop,
        architecture: Architecture,
        known: Sequence[KnownLabel],
        origin: Mapping[str, Any],
        stopped: str,
        examples: tuple[Examples, Examples],
    ) -> None:
        """Writes the best weights, which makes the folder one that can be searched with."""
        best, tensors = loop.best, loop.best_tensors
        metrics: dict[str, object] = {
            "stopped": stopped,
            "steps": loop.step,
            "best_step": loop.best_step,
            "examples": len(examples[0]),
            "validation_examples": len(examples[1]),
        }
        if best is not None:
            metrics |= best.metrics()
            tensors = architecture.divided(tensors, best.temperature)
        save_weights(
            out,
            architecture,
            tensors,
            known,
            step=loop.best_step,
            training=origin["config"] | {"seed": origin["seed"]},
            fingerprints=origin["environment"],
            metrics=metrics,
        )


def _saved(out: Path, settings: Settings) -> TrainingState:
    """What is to be resumed."""
    saved = load_training(out)
    version = saved.values.get("format")
    if version != FORMAT:
        raise InputError(
            f"{out}: a training saved in format {version!r}, this proofsearch-metamath reads {FORMAT}; train "
            f"again into another folder"
        )
    settings.check(out, saved.values["origin"])
    return saved


def _model(
    config: SizedConfig, statements: Statements, train: Examples, uses: Floats, learnt: np.ndarray
) -> RankerModel:
    label_of = np.full(len(uses), -1, np.int64)
    label_of[learnt] = np.arange(len(learnt))
    return RankerModel(
        Architecture(config.rows, config.width, len(learnt), config.surroundings),
        rarity(statements, train, config.rows),
        uses[learnt],
        statements,
        label_of,
        dropout=config.dropout,
        feature_dropout=config.feature_dropout,
    )


def rarity(statements: Statements, examples: Examples, rows: int) -> Floats:
    """How much each row of the table says, by the logarithm of how seldom it occurs, about 1; shape ``(rows,)``."""
    occurrences = np.bincount(statements.conclusions.rows, minlength=rows).astype(np.float64)
    firsts = examples.parts.values[examples.parts.offsets[:-1]]
    bags = examples.bags.take(firsts.astype(np.int64))
    occurrences += np.bincount(bags.rows, minlength=rows)
    found = np.log((len(statements) + len(firsts)) / (1 + occurrences))
    return (np.clip(found, 0.3, 8.0) / 4).astype(np.float32)


def _known(library: Library, learnt: np.ndarray) -> list[KnownLabel]:
    hashes = statement_hashes(library)
    return [(library.provable_labels[index], hashes[index]) for index in learnt.tolist()]
