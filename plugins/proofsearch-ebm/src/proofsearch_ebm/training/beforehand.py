"""What a training is given by its options, its machine and its folder, before anything is read to learn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from proofsearch.errors import UsageError
from proofsearch.models.devices import choose_device
from proofsearch.protocols import Builder, Encoder, TrainingRequest
from proofsearch.trainers.settings import Settings, holds_training, load_training, trained_otherwise
from proofsearch.trainers.state import TrainingState
from proofsearch_ebm.config import MAY_CHANGE, RUNTIME_ONLY, EbmTrainerConfig
from proofsearch_ebm.data.joined import joined, policy_fingerprint, reads_requests
from proofsearch_ebm.groups.tiers import tier_counts
from proofsearch_ebm.losses.weighted import WeightedLosses, parse_terms, refuse_losses
from proofsearch_ebm.training.setup import head_config
from proofsearch_ebm.training.starting import (
    Start,
    changed_options,
    read_start,
    refuse_other,
    refuse_other_head,
    refuse_other_start,
)


@dataclass(frozen=True, slots=True)
class Given:
    """What a training is given by its options, its machine and its folder.

    Attributes:
        settings: the options, and what of them may change.
        losses: what is lowered.
        encoders: in the order of their columns.
        encoder_options: by their names, in the same order, as JSON.
        device: of the head, as torch names it.
        start: what the head begins with, if it begins with anything.
        saved: what is resumed, if anything is.
    """

    settings: Settings
    losses: WeightedLosses
    encoders: Sequence[Encoder]
    encoder_options: Mapping[str, Mapping[str, Any]]
    device: str
    start: Start | None
    saved: TrainingState | None

    def noted(self) -> dict[str, Any]:
        """What else than the settings a training notes of itself, as JSON, to be resumed with the same only."""
        encoders = {
            name: {
                "options": dict(options),
                "fingerprint": encoder.fingerprint(),
                "policy": policy_fingerprint([encoder]),
            }
            for (name, options), encoder in zip(self.encoder_options.items(), self.encoders, strict=True)
        }
        return {"encoders": encoders} | ({} if self.start is None else {"start": self.start.fingerprint})


def look_at(config: EbmTrainerConfig, builder: Builder, request: TrainingRequest) -> Given:
    """Builds what the options name, and refuses what can't be trained with.

    Raises:
        UsageError: options that don't fit each other, this machine, or the training that is resumed.
        InputError: a checkpoint or a training that can't be read.
        PluginError: an unknown loss.
    """
    out, terms = request.out, parse_terms(config.loss)
    losses = WeightedLosses(terms, builder.loss)
    settings = Settings(
        "ebm",
        config.model_dump(mode="json"),
        request.seed,
        RUNTIME_ONLY,
        MAY_CHANGE,
        components={term.name: builder.loss_options(term.name) for term in terms},
    )
    encoders = [builder.encoder(name) for name in config.encoders]
    options = {name: builder.encoder_options(name) for name in config.encoders}
    refuse_parts(encoders, config)
    policy_fingerprint(encoders)  # opens a policy's weights, which waits until it is asked
    if config.groups == "tiers":
        tier_counts(config.negatives, config.tier_shares, 0.0)  # refuses what are no shares
    head = head_config(config, joined(encoders).width)
    refuse_losses(losses, head)
    device, start = choose_device(config.device, torch, "--ebm-device"), None
    if config.start is not None:
        start = read_start(config.start)
        refuse_other(start, config, options, joined(encoders).fingerprint())
        refuse_other_head(start, head)
    saved = load_training(out) if holds_training(out, resume=request.resume) else None
    given = Given(settings, losses, encoders, options, device, start, saved)
    if saved is not None:
        settings.check(out, saved.values)
        refuse_other_encoders(given, saved.values, out)
        refuse_other_start(start, saved.values.get("start"), out)
    return given


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


def refuse_other_encoders(given: Given, before: Mapping[str, Any], out: Path) -> None:
    """Refuses to resume a training on other columns than it was begun with.

    An encoder's fingerprint says which of its options shape its rows. That of one that asks a policy doesn't say how
    the policy is asked, so all of its options count, but for the policy's name: the policy has a fingerprint itself.

    Args:
        given: what the training has now.
        before: what was noted of it; where an earlier version noted nothing of encoders, nothing is compared here.
        out: its folder.

    Raises:
        UsageError: an option or a policy that is another one.
    """
    for name, now in given.noted()["encoders"].items():
        was = before.get("encoders", {}).get(name, now)
        same = (was["fingerprint"], was["policy"]) == (now["fingerprint"], now["policy"])
        for field, option, earlier, value in changed_options(name, was["options"], now["options"]):
            if not same or (now["policy"] and field != "generator"):
                raise trained_otherwise(option, out, earlier, value)
        if not same:
            kind = "fingerprint" if was["fingerprint"] != now["fingerprint"] else "policy"
            raise UsageError(
                f"the encoder {name}: {out} was trained with the {kind} {was[kind]}, found {now[kind]}; resume with "
                f"the model, the policy and the version that it was trained with, or train into another folder"
            )


def about_the_start(start: Start, encoders: Sequence[Encoder]) -> Iterator[str]:
    """What a person should know of the checkpoint that a training begins with."""
    checkpoint, policy = start.checkpoint, policy_fingerprint(encoders)
    if policy not in checkpoint.policies:
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
