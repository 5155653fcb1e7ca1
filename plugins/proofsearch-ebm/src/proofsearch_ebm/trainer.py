"""The trainer ``ebm``: from recorded searches to a checkpoint, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from proofsearch.checkpoint import MANIFEST, read_manifest
from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.generation import holds_generation
from proofsearch.interruption import Interruption
from proofsearch.models.embedding_cache import FOLDER, CachedEncoder
from proofsearch.protocols import Builder, Encoder, LossCase, TrainingRequest
from proofsearch_ebm.checkpoint import save_checkpoint
from proofsearch_ebm.config import MAY_CHANGE, RUNTIME_ONLY, EbmTrainerConfig
from proofsearch_ebm.dataset import Dataset, build_dataset
from proofsearch_ebm.head import EnergyHead
from proofsearch_ebm.history import History
from proofsearch_ebm.loop import INTERRUPTED, TIME, TrainingLoop
from proofsearch_ebm.loss_cases import loss_cases
from proofsearch_ebm.losses.weighted import WeightedLosses, parse_terms
from proofsearch_ebm.outcome import judge, manifest_metrics, pictures
from proofsearch_ebm.parts import PartEncoder
from proofsearch_ebm.plots import write_plots
from proofsearch_ebm.progress import NoWriter, Progress, ScalarWriter, TensorBoardWriter
from proofsearch_ebm.resume import TrainingState, load_state, save_state, to_tensors
from proofsearch_ebm.setup import Training, data_hash, set_up
from proofsearch_ebm.tensors import writing

HISTORY = "training.parquet"
"""The measurements, step by step, in the checkpoint folder."""
PLOTS = "plots"
"""The folder of plots in the checkpoint folder."""


class EbmTrainer:
    """Learns an energy over states from recorded searches; implements ``Trainer``.

    Args:
        config: the options.
        builder: gives the encoder and the losses.
    """

    def __init__(self, config: EbmTrainerConfig, builder: Builder) -> None:
        self._config = config
        self._builder = builder

    def train(self, request: TrainingRequest) -> Path:
        """Trains, or goes on training, and writes the checkpoint.

        Raises:
            InputError: nothing to learn from, data of different kinds, a training that can't be resumed, or a loss
                that stays no number.
            UsageError: options that don't fit, or a folder that is taken.
            StorageError: something can't be written; what was saved before is whole.
            KeyboardInterrupt: on Ctrl-C, once everything is saved.
        """
        config, out = self._config, request.out
        progress = Progress(request.report, config.steps)
        losses = WeightedLosses(parse_terms(config.loss), self._builder.loss)
        encoder = self._builder.encoder(config.encoder)
        saved = self._saved(request)
        if saved is not None and _finished(out, config, saved):
            progress.say(f"{out}: the training is done; nothing to resume")
            return out
        with writing(out, "nothing was trained"):
            out.mkdir(parents=True, exist_ok=True)
        with _threads(config.threads), _writer(config, out, saved.step if saved is not None else 0) as writer:
            dataset = self._dataset(request, encoder, progress)
            self._builder.status("preparing the training")
            training = set_up(config, dataset, losses, seed=request.seed, progress=progress, writer=writer)
            origin = {"config": config.model_dump(mode="json"), "seed": request.seed, "data": data_hash(dataset)}
            if saved is not None:
                _check_data(out, saved, origin)
                training.loop.restore(saved)
                progress.say(f"resumed after step {saved.step}")
            stopped = self._run(training.loop, out, origin, progress)
            progress.say(f"stopped after step {training.loop.step}: {_WHY[stopped]}")
            self._finish(training, dataset, encoder, request, stopped, progress)
        return out

    def loss_cases(self) -> Sequence[LossCase]:
        """Batches that a loss can be tried on; see :class:`proofsearch.protocols.TriesLosses`."""
        return loss_cases()

    # -------------------------------------------------------------------------------------------------- before it

    def _saved(self, request: TrainingRequest) -> TrainingState | None:
        """What is to be resumed."""
        out = request.out
        taken = (out / MANIFEST).exists() or holds_generation(out)
        if taken and not request.resume:
            raise UsageError(f"--out {out}: holds a training already; resume it with --resume, or name another folder")
        if not taken:
            return None
        saved = load_state(out)
        if saved is None:
            raise InputError(
                f"{out}: a checkpoint without the state of its training (latest.json), so it can be searched with but "
                f"not resumed; train into another folder"
            )
        _check_config(out, saved, self._config, request.seed)
        return saved

    def _dataset(self, request: TrainingRequest, encoder: Encoder, progress: Progress) -> Dataset:
        config = self._config
        with ExitStack() as opened:
            if config.cache_embeddings:
                folder = self._builder.cache / FOLDER
                cached = CachedEncoder(encoder, folder, config.cache_megabytes, progress.say)
                opened.callback(cached.close_cache)
                encoder = cached
            return build_dataset(
                request.trajectories,
                # The dataset encodes each part once by itself.
                PartEncoder(encoder, config.parts, keep=0, with_theorem=config.context == "theorem"),
                min_expansions=config.min_expansions,
                max_states_per_theorem=config.max_states,
                seed=request.seed,
                say=progress.say,
                status=self._builder.status,
                row_type=config.row_type,
            )

    # ------------------------------------------------------------------------------------------------- during it

    def _run(self, loop: TrainingLoop, out: Path, origin: Mapping[str, Any], progress: Progress) -> str:
        """Runs the loop and saves at its end, whatever the end is."""

        def save() -> None:
            state = loop.state()
            save_state(out, TrainingState(state.step, state.tensors, dict(state.values) | dict(origin)))

        with Interruption() as interruption:
            try:
                stopped = loop.run(save, lambda: interruption.asked)
            except KeyboardInterrupt:
                # Not a signal, which is remembered: whoever was told of the progress asks to stop.
                if not loop.whole:
                    raise
                stopped = INTERRUPTED
            save()
        if stopped == INTERRUPTED:
            progress.say(f"interrupted; saved after step {loop.step}: resume with --resume")
            raise KeyboardInterrupt
        return stopped

    # --------------------------------------------------------------------------------------------------- after it

    def _finish(
        self,
        training: Training,
        dataset: Dataset,
        encoder: Encoder,
        request: TrainingRequest,
        stopped: str,
        progress: Progress,
    ) -> None:
        """Judges the best head and writes the checkpoint, then what is only for people, the table last."""
        loop, config, out = training.loop, self._config, request.out
        head, step = EnergyHead(training.head_config), loop.best.step
        if loop.best.head is None:
            head, step = loop.head.settled(), loop.step
        else:
            head.load_state_dict(to_tensors(loop.best.head))
        head.eval()
        self._builder.status("measuring the best head and weighing its values")
        outcome = judge(head, dataset, training.validation.tolist(), config, request.seed)
        progress.say(*outcome.messages)
        metrics = manifest_metrics(outcome, dataset, loop.history, stopped=stopped, step=loop.step, best_step=step) | {
            "realised_tiers": dict(training.source.sampler.realised)
        }
        save_checkpoint(
            out,
            training.head_config,
            {name: tensor.detach().numpy() for name, tensor in head.state_dict().items()},
            step=step,
            encoder=config.encoder,
            encoder_options=self._builder.encoder_options(config.encoder),
            parts=config.parts,
            with_theorem=config.context == "theorem",
            training=config.model_dump(mode="json"),
            fingerprints={
                "encoder": encoder.fingerprint(),
                "environment": dataset.environment_fingerprint,
            },
            metrics=metrics,
        )
        try:
            write_plots(out / PLOTS, pictures(loop.history, outcome, step))
            loop.history.write(out / HISTORY)
        except StorageError as error:
            raise StorageError(f"{error}; the checkpoint is whole, so it can be searched with") from error


_WHY = {
    "steps": "all steps are made",
    "patience": "validation has not become better for long",
    "time": "the time is up",
}


def _check_config(out: Path, saved: TrainingState, config: EbmTrainerConfig, seed: int) -> None:
    before = dict(saved.values["config"]) | {"seed": saved.values["seed"]}
    now = config.model_dump(mode="json") | {"seed": seed}
    for name in now:
        if name not in MAY_CHANGE and before.get(name) != now[name]:
            option = "--seed" if name == "seed" else f"--ebm-{name.replace('_', '-')}"
            raise UsageError(
                f"{option}: {out} was trained with {before.get(name)!r}, found {now[name]!r}; resume with what it was "
                f"trained with, or train into another folder"
            )
    if config.steps > before["steps"] and not config.warm_restart:
        raise UsageError(
            f"--ebm-steps: {out} was begun with {before['steps']}, over which the learning rate falls to 0; with "
            f"{config.steps} it would rise again: say so with --ebm-warm-restart, or train into another folder"
        )


def _check_data(out: Path, saved: TrainingState, origin: Mapping[str, Any]) -> None:
    if saved.values["data"] != origin["data"]:
        raise InputError(
            f"{out}: was trained on other data than the trajectories now hold, with another encoder, or by another "
            f"version; resume with the same of each, or train into another folder"
        )


def _finished(out: Path, config: EbmTrainerConfig, saved: TrainingState) -> bool:
    """Whether the folder holds what these options would lead to, and all of it: the table is written last."""
    if not (out / MANIFEST).exists():
        return False
    manifest = read_manifest(out, kind="scorer", name="ebm")
    now = config.model_dump(mode="json")
    before = manifest.config.get("training", {})
    as_asked = all(before.get(name) == value for name, value in now.items() if name not in RUNTIME_ONLY)
    if manifest.metrics.get("stopped") == TIME or not as_asked:
        return False
    try:
        written = [(row.step, row.split) for row in History.read(out / HISTORY).rows]
    except InputError:
        return False
    # A training that was made longer since, and is asked for as it was before, has measured more.
    made = int(manifest.metrics.get("steps", 0))
    return written == [(step, split) for step, split, _ in saved.values["history"] if step <= made]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _writer(config: EbmTrainerConfig, out: Path, after: int) -> Iterator[ScalarWriter]:
    writer = TensorBoardWriter(out / "tensorboard", after) if config.tensorboard else NoWriter()
    try:
        yield writer
    finally:
        writer.close()
