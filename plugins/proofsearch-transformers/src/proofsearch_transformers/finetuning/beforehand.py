"""What a training is given by its options, its machine and its folder, before anything is read to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformers import TrainingArguments

from proofsearch.errors import UsageError
from proofsearch.models.prompts import load_template
from proofsearch.protocols import Builder, TrainingRequest
from proofsearch.trainers.settings import Settings, holds_training
from proofsearch_transformers.finetuning.config import MAY_CHANGE, RUNTIME_ONLY, LmTrainerConfig
from proofsearch_transformers.finetuning.examples import Templates
from proofsearch_transformers.finetuning.folder import BEGUN, TRAINING, begun
from proofsearch_transformers.finetuning.loop import arguments_for
from proofsearch_transformers.finetuning.model import base_tokenizer, refuse_base
from proofsearch_transformers.finetuning.pairs import refuse_without_proofs


@dataclass(frozen=True, slots=True)
class Given:
    """What a training is given by its options, its machine and its folder.

    Attributes:
        settings: the options, and what of them may change.
        templates: put the states.
        arguments: what transformers calls the options.
        before: what the training was begun with, if it is resumed.
    """

    settings: Settings
    templates: Templates
    arguments: TrainingArguments
    before: Mapping[str, Any] | None


def look_at(config: LmTrainerConfig, builder: Builder, request: TrainingRequest) -> Given:
    """Reads what the options name, and refuses what can't be trained with.

    Raises:
        UsageError: options that don't fit each other, the machine, or the training that is resumed.
        InputError: a template, a base or a training that can't be read.
    """
    out = request.out.absolute()
    templates = Templates(load_template(config.template), load_template(config.script_template))
    arguments = arguments_for(config, out, request.seed)
    settings = Settings(
        "lm", config.model_dump(mode="json"), request.seed, RUNTIME_ONLY, MAY_CHANGE, ("steps", "epochs")
    )
    if config.pairs == "library" and request.trajectories:
        raise UsageError(
            "--trajectories: --lm-pairs library, the default, doesn't read recorded searches; choose --lm-pairs "
            "trajectories or both, or leave --trajectories out"
        )
    if config.pairs != "trajectories":
        refuse_without_proofs(builder.environment())
    if arguments.process_index == 0:
        holds_training(out, resume=request.resume, marker=f"{TRAINING}/{BEGUN}")
    before = begun(out) if request.resume else None
    if before is not None:
        settings.check(out, before)
    if config.base is not None:
        base_tokenizer(config)
        refuse_base(config)
    return Given(settings, templates, arguments, before)
