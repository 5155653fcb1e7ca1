"""What happens beside the steps of a training: it is reported, and stopped where someone asks or the time is up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from proofsearch.interruption import Interruption
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.stepping import INTERRUPTED, PATIENCE, STEPS, TIME, refuse_divergence


class Watch(TrainerCallback):
    """Reports a training and decides when it ends before its last step; one for each process.

    Args:
        progress: is told.
        interruption: whether someone asks to stop.
        patience: validations without a better loss after which it ends; 0: never.
        max_minutes: after which it ends.
        clock: seconds; for tests.

    Attributes:
        stopped: why it ended.
    """

    def __init__(
        self,
        progress: Progress,
        interruption: Interruption,
        *,
        patience: int = 0,
        max_minutes: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stopped = STEPS
        self._progress = progress
        self._interruption = interruption
        self._patience = patience
        self._max_minutes = max_minutes
        self._clock = clock
        self._began = clock()
        self._validated = False

    # The signatures are those of transformers; what it hands over beside is not read.

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Starts the clock."""
        self._began = self._clock()
        self._progress.steps = state.max_steps

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        """Takes notice of the loss.

        Raises:
            InputError: it is no number any more.
        """
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            remedy = "train again with a lower --lm-learning-rate, or with --lm-precision bf16 instead of fp16"
            refuse_divergence(state.global_step, 1, remedy)
        # Not named loss: of the names that a person is shown, one would hide the others.
        self._progress.metrics["training_loss"] = loss

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Any = None, **_: Any
    ) -> None:
        """Takes notice of a validation, and ends the training where there was none better for long."""
        for name, key in (("validation_loss", "eval_token_loss"), ("exact", "eval_exact")):
            self._progress.metrics[name] = float((metrics or {}).get(key, math.nan))
        self._validated = True
        # From the log and not from a counter, so that a resumed training is as patient as one that never stopped.
        losses = [entry["eval_token_loss"] for entry in state.log_history if "eval_token_loss" in entry]
        if self._patience and losses and len(losses) - 1 - losses.index(min(losses)) >= self._patience:
            self.stopped = PATIENCE
            control.should_training_stop = control.should_save = True

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Reports the step; ends the training where that is asked for or the time is up."""
        try:
            self._progress.update(state.global_step, {}, at_once=self._validated)
        except KeyboardInterrupt:
            # Not a signal, which is remembered: whoever was told of the progress asks to stop.
            self._interruption.requested = True
        self._validated = False
        late = self._max_minutes is not None and self._clock() - self._began >= 60 * self._max_minutes
        asked, late = _anywhere(args, self._interruption.requested, late)
        last = state.global_step >= state.max_steps
        if asked or late or last:
            self.stopped = STEPS if last else INTERRUPTED if asked else TIME
            control.should_training_stop = control.should_save = True
            if last or not asked:
                control.should_evaluate = args.eval_strategy != "no"
            # Who asks waits for a validation only where one is due, which a resumed training would otherwise leave out.


def _anywhere(args: TrainingArguments, *flags: bool) -> tuple[bool, ...]:
    """Whether each flag is set in any process: all must stop after the same step, or they would wait for each other."""
    if args.world_size < 2:
        return flags
    tensor = torch.tensor(flags, dtype=torch.int32, device=args.device)
    torch.distributed.all_reduce(tensor, torch.distributed.ReduceOp.MAX)
    return tuple(bool(flag) for flag in tensor.tolist())
