"""The trainer ``ebm``: from recorded searches to a checkpoint, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path

import torch

from proofsearch.checkpoint import BESIDE, POLICY, Manifest, writing
from proofsearch.errors import InputError, StorageError
from proofsearch.models.embedding_cache import FOLDER, CachedEncoder
from proofsearch.protocols import Builder, Encoder, LossCase, TrainingRequest
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.state import TrainingState, save_state
from proofsearch.trainers.stepping import threads
from proofsearch.trainers.tensors import to_arrays
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.data.dataset import Dataset, build_dataset
from proofsearch_ebm.data.joined import joined, lost_states, policy_fingerprint, reads_requests
from proofsearch_ebm.data.parts import PartEncoder
from proofsearch_ebm.data.rows import Memory
from proofsearch_ebm.losses.cases import loss_cases
from proofsearch_ebm.model.checkpoint import save_checkpoint
from proofsearch_ebm.model.head import EnergyHead
from proofsearch_ebm.training.beforehand import Given, about_the_start, look_at
from proofsearch_ebm.training.history import History
from proofsearch_ebm.training.loop import to_tensors
from proofsearch_ebm.training.outcome import judge, manifest_metrics, pictures
from proofsearch_ebm.training.plots import write_plots
from proofsearch_ebm.training.scalars import tensorboard, unwritten
from proofsearch_ebm.training.setup import Training, data_hash, set_up
from proofsearch_ebm.training.starting import (
    Start,
)

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
        """Trains, or resumes the training, and writes the checkpoint.

        Raises:
            InputError: nothing to learn from, data of different kinds, a training that can't be resumed, or a loss
                that stays no number.
            UsageError: options that don't fit, or a folder that is taken.
            StorageError: something can't be written; what was saved before is whole.
            KeyboardInterrupt: on Ctrl-C, once everything is saved.
        """
        config, out = self._config, request.out
        progress = Progress(request.report, config.steps)
        given = look_at(config, self._builder, request)
        encoders, start, saved = given.encoders, given.start, given.saved
        if saved is not None:
            done = given.settings.finished(out, kind="scorer", name="ebm")
            if done is not None and _is_whole(out, done, saved):
                progress.say(f"{out}: the training is done; nothing to resume")
                return out
        if start is not None:
            progress.say(*about_the_start(start, encoders))
        with writing(out, "nothing was trained"):
            out.mkdir(parents=True, exist_ok=True)
        after = 0 if saved is None else saved.step
        writing_scalars = tensorboard(out / "tensorboard", after) if config.tensorboard else nullcontext(unwritten)
        with (
            threads(torch, config.threads),
            writing_scalars as write,
            closing(self._dataset(request, encoders, progress)) as dataset,
        ):
            self._builder.status("preparing the training")
            training = set_up(
                config,
                dataset,
                given.losses,
                seed=request.seed,
                progress=progress,
                write=write,
                device=given.device,
                start=start,
            )
            loop, data = training.loop, data_hash(dataset)
            if saved is not None:
                given.settings.check_data(out, saved.values, data)
                loop.restore(saved)
                progress.say(f"resumed after step {saved.step}")
            origin = given.settings.origin(data, **given.noted())
            stopped = loop.run_and_save(lambda: save_state(out, loop.state(origin)))
            self._finish(training, dataset, given, request, stopped, progress)
        return out

    def loss_cases(self) -> Sequence[LossCase]:
        """Batches that a loss can be tried on; see :class:`proofsearch.protocols.TriesLosses`."""
        return loss_cases()

    def check(self, request: TrainingRequest) -> None:
        """Refuses options that can't be trained with; see :class:`proofsearch.protocols.ChecksOptions`."""
        look_at(self._config, self._builder, request)

    def _dataset(self, request: TrainingRequest, encoders: Sequence[Encoder], progress: Progress) -> Dataset:
        config, encoder = self._config, joined(encoders)
        with ExitStack() as opened:
            if config.cache_embeddings:
                folder = self._builder.cache / FOLDER
                cached = CachedEncoder(encoder, folder, config.cache_megabytes, progress.say)
                opened.callback(cached.close_cache)
                encoder = cached
            dataset = build_dataset(
                request.trajectories,
                # The dataset encodes each part once by itself.
                PartEncoder(
                    encoder,
                    config.parts,
                    keep=0,
                    with_theorem=config.context == "theorem",
                    whole=reads_requests(encoders),
                ),
                min_expansions=config.min_expansions,
                max_states_per_theorem=config.max_states,
                seed=request.seed,
                say=progress.say,
                status=self._builder.status,
                row_type=config.row_type,
                memory=Memory(1e6 * config.memory_megabytes, request.out),
            )
        if warning := lost_states(encoders):
            progress.say(warning)
        return dataset

    def _finish(
        self,
        training: Training,
        dataset: Dataset,
        given: Given,
        request: TrainingRequest,
        stopped: str,
        progress: Progress,
    ) -> None:
        """Judges the best head and writes the checkpoint, then what is only for people, the table last."""
        start, policy = given.start, policy_fingerprint(given.encoders)
        loop, config, out = training.loop, self._config, request.out
        head, step = EnergyHead(training.head_config), loop.best.step
        if loop.best.head is None:
            head, step = loop.head.with_exact_norms(), loop.step
        else:
            head.load_state_dict(to_tensors(loop.best.head))
        head.to(loop.head.device).eval()
        self._builder.status("measuring the best head and weighing its values")
        outcome = judge(head, dataset, training.validation.tolist(), config, request.seed)
        progress.say(*outcome.messages)
        metrics = manifest_metrics(outcome, dataset, loop.history, stopped=stopped, step=loop.step, best_step=step) | {
            "realised_tiers": dict(training.source.sampler.realised),
            "device": str(loop.head.device),
        }
        save_checkpoint(
            out,
            training.head_config,
            to_arrays(head.state_dict()),
            step=step,
            encoders=given.encoder_options,
            parts=config.parts,
            with_theorem=config.context == "theorem",
            training=config.model_dump(mode="json"),
            fingerprints={
                "encoder": joined(given.encoders).fingerprint(),
                "environment": dataset.environment_fingerprint,
            }
            | ({POLICY: policy} if policy else {})
            | ({BESIDE: config.beside} if policy and config.beside else {})
            | ({} if start is None else {"start": start.fingerprint}),
            metrics=metrics,
            learnt=_learnt(training, dataset, start),
        )
        try:
            write_plots(out / PLOTS, pictures(loop.history, outcome, step))
            loop.history.write(out / HISTORY)
        except StorageError as error:
            raise StorageError(f"{error}; the checkpoint is whole, so it can be searched with") from error


def _learnt(training: Training, dataset: Dataset, start: Start | None) -> set[str] | None:
    """The names of the theorems that a head has learnt; ``None`` where its start doesn't say."""
    names = {dataset.theorems[index].theorem.name for index in training.train.tolist()}
    if start is None:
        return names
    return None if start.checkpoint.learnt is None else names | start.checkpoint.learnt


def _is_whole(out: Path, manifest: Manifest, saved: TrainingState) -> bool:
    """Whether a finished training has written everything: its table is the last."""
    try:
        written = [(row.step, row.split) for row in History.read(out / HISTORY).rows]
    except InputError:
        return False
    # A training that was made longer since, and is asked for as it was before, has measured more.
    made = int(manifest.metrics.get("steps", 0))
    return written == [(step, split) for step, split, _ in saved.values["history"] if step <= made]
