"""The trainer ``ebm``: from recorded searches to a checkpoint, in the order in which things happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from proofsearch.checkpoint import Manifest, writing
from proofsearch.errors import InputError, StorageError, UsageError
from proofsearch.models.devices import choose_device
from proofsearch.models.embedding_cache import FOLDER, CachedEncoder
from proofsearch.protocols import Builder, Encoder, LossCase, TrainingRequest
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.settings import Settings, holds_training, load_training
from proofsearch.trainers.state import TrainingState, save_state
from proofsearch.trainers.stepping import threads
from proofsearch.trainers.tensors import to_arrays
from proofsearch_ebm.config import MAY_CHANGE, RUNTIME_ONLY, EbmTrainerConfig
from proofsearch_ebm.data.dataset import Dataset, build_dataset
from proofsearch_ebm.data.joined import joined, lost_states, policy_fingerprint, reads_requests
from proofsearch_ebm.data.parts import PartEncoder
from proofsearch_ebm.data.rows import Memory
from proofsearch_ebm.groups.tiers import tier_counts
from proofsearch_ebm.losses.cases import loss_cases
from proofsearch_ebm.losses.weighted import WeightedLosses, parse_terms, refuse_losses
from proofsearch_ebm.model.checkpoint import save_checkpoint
from proofsearch_ebm.model.head import EnergyHead
from proofsearch_ebm.training.history import History
from proofsearch_ebm.training.loop import to_tensors
from proofsearch_ebm.training.outcome import judge, manifest_metrics, pictures
from proofsearch_ebm.training.plots import write_plots
from proofsearch_ebm.training.scalars import tensorboard, unwritten
from proofsearch_ebm.training.setup import Training, data_hash, head_config, set_up
from proofsearch_ebm.training.starting import (
    Start,
    read_start,
    refuse_other,
    refuse_other_head,
    refuse_other_start,
)

HISTORY = "training.parquet"
"""The measurements, step by step, in the checkpoint folder."""
PLOTS = "plots"
"""The folder of plots in the checkpoint folder."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a training is given by its options, its machine and its folder.

    Attributes:
        settings: the options, and what of them may change.
        losses: what is lowered.
        encoders: in the order of their columns.
        device: of the head, as torch names it.
        start: what the head begins with, if it begins with anything.
        saved: what is resumed, if anything is.
    """

    settings: Settings
    losses: WeightedLosses
    encoders: Sequence[Encoder]
    device: str
    start: Start | None
    saved: TrainingState | None


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
        given = self._given(request)
        encoders, start, saved = given.encoders, given.start, given.saved
        if saved is not None:
            done = given.settings.finished(out, kind="scorer", name="ebm")
            if done is not None and _is_whole(out, done, saved):
                progress.say(f"{out}: the training is done; nothing to resume")
                return out
        if start is not None:
            progress.say(*_about_the_start(start, encoders))
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
            origin = given.settings.origin(data, **({} if start is None else {"start": start.fingerprint}))
            stopped = loop.run_and_save(lambda: save_state(out, loop.state(origin)))
            self._finish(training, dataset, encoders, request, stopped, progress, start)
        return out

    def loss_cases(self) -> Sequence[LossCase]:
        """Batches that a loss can be tried on; see :class:`proofsearch.protocols.TriesLosses`."""
        return loss_cases()

    def check(self, request: TrainingRequest) -> None:
        """Refuses options that can't be trained with; see :class:`proofsearch.protocols.ChecksOptions`."""
        self._given(request)

    def _given(self, request: TrainingRequest) -> Given:
        """What the options mean on this machine and in this folder, before anything is read to learn from."""
        config, out = self._config, request.out
        settings = Settings("ebm", config.model_dump(mode="json"), request.seed, RUNTIME_ONLY, MAY_CHANGE)
        losses = WeightedLosses(parse_terms(config.loss), self._builder.loss)
        encoders = [self._builder.encoder(name) for name in config.encoders]
        refuse_parts(encoders, config)
        policy_fingerprint(encoders)  # opens a policy's weights, which waits until it is asked
        if config.groups == "tiers":
            tier_counts(config.negatives, config.tier_shares, 0.0)  # refuses what are no shares
        head = head_config(config, joined(encoders).width)
        refuse_losses(losses, head)
        device, start = choose_device(config.device, torch, "--ebm-device"), None
        if config.start is not None:
            start = read_start(config.start)
            refuse_other(start, config, self._encoder_options(), joined(encoders).fingerprint())
            refuse_other_head(start, head)
        saved = None
        if holds_training(out, resume=request.resume):
            saved = load_training(out)
            settings.check(out, saved.values)
            refuse_other_start(start, saved.values.get("start"), out)
        return Given(settings, losses, encoders, device, start, saved)

    def _encoder_options(self) -> dict[str, Mapping[str, Any]]:
        return {name: self._builder.encoder_options(name) for name in self._config.encoders}

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
        encoders: Sequence[Encoder],
        request: TrainingRequest,
        stopped: str,
        progress: Progress,
        start: Start | None,
    ) -> None:
        """Judges the best head and writes the checkpoint, then what is only for people, the table last."""
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
        policy = policy_fingerprint(encoders)
        save_checkpoint(
            out,
            training.head_config,
            to_arrays(head.state_dict()),
            step=step,
            encoders=self._encoder_options(),
            parts=config.parts,
            with_theorem=config.context == "theorem",
            training=config.model_dump(mode="json"),
            fingerprints={
                "encoder": joined(encoders).fingerprint(),
                "environment": dataset.environment_fingerprint,
            }
            | ({"policy": policy} if policy else {})
            | ({} if start is None else {"start": start.fingerprint}),
            metrics=metrics,
            learnt=_learnt(training, dataset, start),
        )
        try:
            write_plots(out / PLOTS, pictures(loop.history, outcome, step))
            loop.history.write(out / HISTORY)
        except StorageError as error:
            raise StorageError(f"{error}; the checkpoint is whole, so it can be searched with") from error


def refuse_parts(encoders: Sequence[Encoder], config: EbmTrainerConfig) -> None:
    """Refuses what can't be done with encoders that read whole states with their theorem.

    Raises:
        UsageError: goals by themselves, or rows kept by text.
    """
    if not reads_requests(encoders):
        return
    names = " and ".join(config.encoders)
    if config.parts != "state":
        raise UsageError(f"--ebm-parts goals: the encoder {names} reads whole states only; leave the option out")
    if config.cache_embeddings:
        raise UsageError(
            f"--ebm-cache-embeddings: rows are kept by a state's text, and those of {names} depend on the theorem as "
            f"well; leave the option out"
        )


def _about_the_start(start: Start, encoders: Sequence[Encoder]) -> Iterator[str]:
    """What a person should know of the checkpoint that a training begins with."""
    checkpoint, policy = start.checkpoint, policy_fingerprint(encoders)
    if policy != checkpoint.policy_fingerprint:
        yield (
            f"{checkpoint.folder} was trained beside the policy {checkpoint.policy_fingerprint}, and this training has "
            f"{policy}"
        )
    if checkpoint.learnt is None:
        yield (
            f"{checkpoint.folder} doesn't say which theorems it has learnt: some may validate, and the value would "
            f"then seem better than it is"
        )
    yield f"beginning with the head of {checkpoint.folder}"


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
