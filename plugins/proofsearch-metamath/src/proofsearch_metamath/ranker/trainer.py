"""The trainer ``metamath-ranker``: from a library's proofs to weights, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from proofsearch.checkpoint import MANIFEST, read_manifest
from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.generation import holds_generation
from proofsearch.interruption import Interruption
from proofsearch.protocols import Builder, TrainingReport, TrainingRequest
from proofsearch_metamath.config import NAME
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.ranker.architecture import Architecture
from proofsearch_metamath.ranker.bags import Floats
from proofsearch_metamath.ranker.collecting import Collector, choose_theorems, count_uses
from proofsearch_metamath.ranker.config import MAY_CHANGE, RUNTIME_ONLY, RankerTrainerConfig, SizedConfig
from proofsearch_metamath.ranker.examples import Examples
from proofsearch_metamath.ranker.loop import INTERRUPTED, PATIENCE, STEPS, TIME, RankerLoop
from proofsearch_metamath.ranker.model import RankerModel
from proofsearch_metamath.ranker.reading import SymbolTable
from proofsearch_metamath.ranker.resume import data_hash, load_state, save_state
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
        taken = (out / MANIFEST).exists() or holds_generation(out)
        if taken and not request.resume:
            raise UsageError(f"--out {out}: holds a training already; resume it with --resume, or name another folder")

        def say(*messages: str) -> None:
            request.report(TrainingReport(0, 1, {}, messages))

        split = choose_theorems(environment, self._config.before, request.seed)
        config = self._config.sized(len(split.train))
        if taken and finished(out, config, request.seed):
            say(f"{out}: the training is done; nothing to resume")
            return out
        saved = load_state(out) if taken else None
        if saved is None and taken:
            raise InputError(
                f"{out}: weights without the state of their training (latest.json), so they can be searched with but "
                f"not trained further; train into another folder"
            )
        if saved is not None:
            check_options(out, saved[1], config, request.seed)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{out}: can't be made: {error.strerror or error}") from error
        uses = count_uses(environment.library, split.train)
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
        self._builder.status("reading the library's statements", None, None)
        library = environment.library
        statements = read_statements(library, SymbolTable(library), config.rows)
        learnt = np.flatnonzero(uses)
        origin = {
            "config": config.model_dump(mode="json"),
            "seed": request.seed,
            "data": data_hash(train, validation),
            "environment": dict(environment.fingerprint()),
        }
        with _threads(config.threads):
            torch.manual_seed(request.seed)
            model = _model(config, statements, train, uses, learnt)
            loop = RankerLoop(model, train, validation, config, request.seed, request.report)
            if saved is not None:
                check_data(out, saved[1], origin)
                loop.restore(saved[0])
                loop.say(f"resumed after step {loop.step}")
            with Interruption() as interruption:
                try:
                    stopped = loop.run(lambda: save_state(out, loop.state(), origin), lambda: interruption.asked)
                except KeyboardInterrupt:
                    # Not a signal, which is remembered: whoever was told of the progress asks to stop.
                    if not loop.whole:
                        raise
                    stopped = INTERRUPTED
                save_state(out, loop.state(), origin)
            loop.say(f"stopped after step {loop.step}: {_WHY[stopped]}")
            if stopped == INTERRUPTED:
                loop.say(f"saved after step {loop.step}: resume with --resume")
                raise KeyboardInterrupt
            loop.conclude()
        self._write(out, loop, model.architecture, _known(library, learnt), origin, stopped, (train, validation))
        loop.say(f"search with them: proofsearch search --generator {NAME} --{NAME}-path {out}")
        return out

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


def finished(out: Path, config: SizedConfig, seed: int) -> bool:
    """Whether the folder holds what these options would lead to."""
    if not (out / MANIFEST).exists():
        return False
    manifest = read_manifest(out, kind="generator", name=NAME)
    before = manifest.config.get("training", {})
    now = config.model_dump(mode="json") | {"seed": seed}
    as_asked = all(before.get(name) == value for name, value in now.items() if name not in RUNTIME_ONLY)
    return as_asked and manifest.metrics.get("stopped") in (STEPS, PATIENCE)


def check_options(out: Path, before: Mapping[str, Any], config: SizedConfig, seed: int) -> None:
    """Refuses to go on with other options than a training was begun with, or longer without being told so.

    Raises:
        UsageError: another option or seed, or more epochs without ``warm_restart``.
    """
    was = before["config"] | {"seed": before["seed"]}
    now = config.model_dump(mode="json") | {"seed": seed}
    for name in now:
        option = "--seed" if name == "seed" else f"--{NAME}-{name.replace('_', '-')}"
        if name not in MAY_CHANGE and was.get(name) != now[name]:
            raise UsageError(
                f"{option}: {out} was trained with {was.get(name)!r}, found {now[name]!r}; resume with what it was "
                f"trained with, or train into another folder"
            )
    if config.epochs > was["epochs"] and not config.warm_restart:
        raise UsageError(
            f"--{NAME}-epochs: {out} was begun with {was['epochs']:g}, over which the learning rate falls to 0; with "
            f"{config.epochs:g} it would rise again: say so with --{NAME}-warm-restart, or train into another folder"
        )


def check_data(out: Path, before: Mapping[str, Any], origin: Mapping[str, Any]) -> None:
    """Refuses to go on with other proofs than a training was begun with.

    Raises:
        InputError: they are others.
    """
    if before["data"] != origin["data"]:
        raise InputError(
            f"{out}: was trained on other proofs than {NAME} now reads from the database; resume with the database "
            f"and the version that it was begun with, or train into another folder"
        )


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
