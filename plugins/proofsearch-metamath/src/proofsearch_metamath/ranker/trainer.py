"""The trainer ``metamath-ranker``: from a library's proofs to weights, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from proofsearch.checkpoint import MANIFEST
from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.interruption import Interruption
from proofsearch.protocols import TrainingReport, TrainingRequest
from proofsearch.registry import Builder
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library import Library
from proofsearch_metamath.ranker.architecture import Architecture
from proofsearch_metamath.ranker.bags import Floats
from proofsearch_metamath.ranker.collecting import Collector, choose_theorems, count_uses
from proofsearch_metamath.ranker.config import NAME, RankerTrainerConfig, SizedConfig
from proofsearch_metamath.ranker.examples import Examples
from proofsearch_metamath.ranker.loop import INTERRUPTED, PATIENCE, STEPS, TIME, UNFINISHED, RankerLoop
from proofsearch_metamath.ranker.model import RankerModel
from proofsearch_metamath.ranker.reading import SymbolTable
from proofsearch_metamath.ranker.statements import Statements, read_statements, statement_hashes
from proofsearch_metamath.ranker.weights import KnownLabel, save_weights

_WHY = {
    STEPS: "all steps are made",
    PATIENCE: "validation has not become better for long",
    TIME: "the time is up",
    INTERRUPTED: "interrupted",
}


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
        """Trains and writes the weights, the best so far after each validation: a training that dies leaves those.

        Raises:
            InputError: nothing to learn from, or a loss that stays no number.
            UsageError: options that don't fit, a folder that is taken, or another environment.
            StorageError: the weights can't be written.
            KeyboardInterrupt: on Ctrl-C, once the best weights so far are saved.
        """
        out = request.out
        environment = self._builder.environment()
        if not isinstance(environment, MetamathEnvironment):
            raise UsageError(f"--plugin {NAME}: learns from --env metamath only")
        if (out / MANIFEST).exists():
            raise UsageError(
                f"--out {out}: holds weights already, and a training of {NAME} can't be resumed; name another folder"
            )
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{out}: can't be made: {error.strerror or error}") from error

        def say(*messages: str) -> None:
            request.report(TrainingReport(0, 1, {}, messages))

        split = choose_theorems(environment, self._config.before, request.seed)
        config = self._config.sized(len(split.train))
        library = environment.library
        uses = count_uses(library, split.train)
        collector = Collector(environment, config, uses, request.seed)
        train = collector.collect(split.train, self._builder.status, config.max_examples)
        validation = collector.collect(split.validation, self._builder.status, config.validation_examples)
        if not len(train):
            raise InputError(f"{environment.path}: none of the {len(split.train)} training proofs has a step")
        say(f"{len(train)} steps of proofs to learn from and {len(validation)} to validate on")
        if environment.skipped_demonstrations:
            say(f"{environment.skipped_demonstrations} proofs can't be replayed and are left out")
        if not len(validation):
            say("no theorem is left to validate on: the last weights are kept, not the best")
        statements = read_statements(library, SymbolTable(library), config.rows)
        learnt = np.flatnonzero(uses)
        with _threads(config.threads):
            torch.manual_seed(request.seed)
            model = _model(config, statements, train, uses, learnt)
            known = _known(library, learnt)

            def save(stopped: str = UNFINISHED) -> None:
                best, tensors = loop.best, loop.best_tensors
                metrics: dict[str, object] = {
                    "stopped": stopped,
                    "steps": loop.step,
                    "best_step": loop.best_step,
                    "examples": len(train),
                    "validation_examples": len(validation),
                }
                if best is not None:
                    metrics |= best.metrics()
                    tensors = model.architecture.divided(tensors, best.temperature)
                save_weights(
                    out,
                    model.architecture,
                    tensors,
                    known,
                    step=loop.best_step,
                    training=config.model_dump(mode="json") | {"seed": request.seed},
                    fingerprints=dict(environment.fingerprint()),
                    metrics=metrics,
                )

            loop = RankerLoop(model, train, validation, config, request.seed, request.report, save)
            with Interruption() as interruption:
                stopped = loop.run(lambda: interruption.asked)
        save(stopped)
        say(f"stopped after step {loop.step}: {_WHY[stopped]}")
        if stopped == INTERRUPTED:
            say(f"the best weights so far are in {out}")
            raise KeyboardInterrupt
        say(f"search with them: proofsearch search --generator {NAME} --{NAME}-path {out}")
        return out


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


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
