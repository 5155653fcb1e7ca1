"""The training loop of transformers, as the trainer ``lm`` uses it: settings, batches, loss and manners."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import Trainer, TrainingArguments
from transformers.utils import logging

from proofsearch.errors import InputError, UsageError
from proofsearch_transformers.finetuning.config import LmTrainerConfig
from proofsearch_transformers.finetuning.examples import ByLength, Examples, prompt_loss
from proofsearch_transformers.finetuning.folder import TRAINING


def arguments_for(config: LmTrainerConfig, out: Path, seed: int) -> TrainingArguments:
    """What transformers calls the options.

    Args:
        config: the options.
        out: the checkpoint folder.
        seed: any whole number.

    Raises:
        UsageError: the device can't compute as the options ask.
    """
    seed %= 2**32  # numpy takes no other
    # Left to itself, transformers refuses bf16 where it finds no accelerator, also for a processor that has it.
    on_cpu = config.device == "cpu" or not torch.accelerator.is_available()
    try:
        return _arguments(config, out, seed, on_cpu=on_cpu)
    except ValueError as error:
        raise UsageError(f"--lm-precision {config.precision}, --lm-device {config.device}: {error}") from None


def _arguments(config: LmTrainerConfig, out: Path, seed: int, *, on_cpu: bool) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(out / TRAINING),
        num_train_epochs=config.epochs,
        max_steps=config.steps or -1,
        per_device_train_batch_size=config.batch,
        per_device_eval_batch_size=config.batch,
        gradient_accumulation_steps=config.accumulation,
        learning_rate=config.rate,
        lr_scheduler_type="cosine",
        warmup_steps=config.warmup,  # below 1: a share
        weight_decay=config.weight_decay,
        max_grad_norm=config.clip,
        optim="adamw_torch",
        bf16=config.precision == "bf16",
        fp16=config.precision == "fp16",
        eval_strategy="steps",
        eval_steps=config.validate_every,
        save_strategy="steps",
        save_steps=config.validate_every,
        save_total_limit=2,  # the best and the last
        load_best_model_at_end=True,
        metric_for_best_model="token_loss",
        greater_is_better=False,
        logging_steps=10,
        logging_nan_inf_filter=False,
        report_to="none",
        log_level="error",
        log_level_replica="error",
        disable_tqdm=True,
        seed=seed,
        data_seed=seed,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu and torch.cuda.is_available(),
        ddp_find_unused_parameters=False,  # every parameter has a part in every answer
        remove_unused_columns=False,
        label_names=["labels"],
    )


class PairTrainer(Trainer):
    """A trainer whose batches are of about equal length, in an order that a resumed training finds again.

    Attributes:
        prompt_weight: of the prompts' tokens in the loss, beside that of the answers.
    """

    prompt_weight = 0.0

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The loss on the answers, and on the prompts where they have a weight; a validation has no use for it."""
        loss, outputs = super().compute_loss(model, inputs, True, num_items_in_batch)
        if self.prompt_weight and model.training:
            # The answers' share is a mean over all batches of a step already, this one over one of them.
            aside = prompt_loss(outputs["logits"], inputs) / self.current_gradient_accumulation_steps
            loss = loss + self.prompt_weight * aside
        return (loss, outputs) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        dataset = self.train_dataset if train_dataset is None else train_dataset
        assert isinstance(dataset, Examples)
        batch = self.args.train_batch_size * self.args.gradient_accumulation_steps * self.args.world_size
        return ByLength(dataset.lengths, batch, self.args.seed)


@contextmanager
def reading(checkpoint: Path | None) -> Iterator[None]:
    """Explains a checkpoint that can't be gone on from.

    transformers reads the states of optimiser, schedule and random numbers with ``weights_only``, which refuses
    whatever is not plain data.
    """
    try:
        yield
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{checkpoint}: damaged, or not what a training saved: {reason}; delete the folder to resume from the "
            f"checkpoint before, or train again into another folder"
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps what transformers says off the screen that the reports are shown on."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
