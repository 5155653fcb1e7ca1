"""Setting a training up: the split, the groups, the head as it begins, and what it is judged on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from proofsearch.trainers.progress import Progress
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.data.dataset import Dataset
from proofsearch_ebm.data.splits import split_theorems
from proofsearch_ebm.groups.sampler import make_sampler
from proofsearch_ebm.losses.weighted import WeightedLosses
from proofsearch_ebm.model.architecture import BOUNDS, HeadConfig
from proofsearch_ebm.model.head import EnergyHead
from proofsearch_ebm.training.loop import EndlessGroups, TrainingLoop
from proofsearch_ebm.training.scalars import WriteScalars
from proofsearch_ebm.training.starting import Start, refuse_learnt, started_head
from proofsearch_ebm.training.validation import Validation, sibling_choices

_INPUT_SAMPLE = 20_000
"""States that the standardisation of inputs and the first scale are fitted on."""


@dataclass(frozen=True, slots=True)
class Training:
    """A training that is set up.

    Attributes:
        loop: to be run.
        head_config: of its head.
        source: gives it groups.
        train: the training theorems' indices.
        validation: the validation theorems' indices.
    """

    loop: TrainingLoop
    head_config: HeadConfig
    source: EndlessGroups
    train: NDArray[np.int64]
    validation: NDArray[np.int64]


def set_up(
    config: EbmTrainerConfig,
    dataset: Dataset,
    losses: WeightedLosses,
    *,
    seed: int,
    progress: Progress,
    write: WriteScalars,
    device: str = "cpu",
    start: Start | None = None,
) -> Training:
    """Splits the theorems and prepares a training of them; the same for the same arguments.

    Args:
        config: the options.
        dataset: what is learnt from; its rows stay where they are.
        losses: what is lowered.
        seed: of the split, the groups and the head.
        progress: is told.
        write: gets what is measured.
        device: as torch names it: where the head is, and where each batch is brought.
        start: what the head begins with.

    Raises:
        InputError: no theorem is left on one side of the split, or none has anything to compare.
        UsageError: tiers that are no shares, or a start that has learnt what validates.
    """
    learnt = frozenset[str]() if start is None else start.checkpoint.learnt or frozenset()
    train, validation = split_theorems(dataset, config.split, config.validation_share, seed, learnt)
    if start is not None:
        refuse_learnt(start, [dataset.theorems[index].theorem.name for index in validation.tolist()])
    source = EndlessGroups(
        make_sampler(
            config.groups,
            dataset,
            train,
            batch=config.batch,
            negatives=config.negatives,
            ratios=config.tier_shares,
            max_members=config.max_members,
            max_gap=config.max_gap,
            dead_ends=config.dead_ends,
            solved=config.solved,
            mistakes=config.mistakes,
        ),
        seed,
    )
    shape = head_config(config, dataset.width)
    rng = np.random.default_rng([seed, 3])
    head = prepared_head(shape, dataset, train, seed=seed, rng=rng) if start is None else started_head(start, shape)
    choices = sibling_choices(dataset, validation.tolist())
    if len(choices) > config.validation_decisions:
        chosen = np.sort(rng.choice(len(choices), config.validation_decisions, replace=False))
        choices = [choices[place] for place in chosen.tolist()]
    progress.say(
        f"{len(train)} theorems to train on with {source.sampler.num_groups} groups, {len(validation)} to validate "
        f"with {len(choices)} decisions"
    )
    if not choices:
        progress.say("no decision of a validation theorem has a wrong child: training can't stop early")
    judge_of = Validation(dataset, choices, losses, config.policy_weight)
    loop = TrainingLoop(
        config,
        dataset,
        head.to(device),
        source,
        losses,
        judge_of,
        seed=seed,
        progress=progress,
        write=write,
        begun=start is not None,
    )
    return Training(loop, shape, source, train, validation)


def head_config(config: EbmTrainerConfig, width: int) -> HeadConfig:
    """The architecture that the options of a training ask for, over rows of a width."""
    return HeadConfig(
        width=width,
        hidden=config.hidden,
        dropout=config.dropout,
        spectral_norm=config.spectral_norm,
        layer_norm=config.layer_norm,
        inputs=config.inputs,
        learnable_scale=config.learnable_scale,
        output_bias=config.bias_per_part,
        remaining_output=config.remaining_output,
        remaining_bounds=BOUNDS if config.remaining_output and config.buckets else (),
    )


def prepared_head(
    config: HeadConfig, dataset: Dataset, train: NDArray[np.int64], *, seed: int, rng: np.random.Generator
) -> EnergyHead:
    """A new head, its inputs, scale and cost fitted on a sample of the training theorems' states, and on no others."""
    head = EnergyHead(config, seed)
    states = dataset.states_of(train.tolist())
    sample = states
    if len(states) > _INPUT_SAMPLE:
        sample = np.sort(rng.choice(states, _INPUT_SAMPLE, replace=False))
    rows, index, offsets = dataset.gather(sample)
    head.fit_inputs(rows)
    head.set_scale(torch.from_numpy(rows), torch.from_numpy(index), torch.from_numpy(offsets))
    known = dataset.remaining[states] > 0
    parts = np.diff(dataset.parts.offsets)[states]
    if known.any():
        head.set_cost(float(dataset.remaining[states][known].mean() / parts[known].mean()))
    return head


def data_hash(dataset: Dataset) -> str:
    """Changes with anything that a training reads of its data but the rows, for which the encoder's fingerprint stands.

    That is where the searches ran, the states and their labels, the theorems in their order with their splits, the
    decisions, and what stood on the frontier when.
    """
    digest = hashlib.blake2b(digest_size=16)

    def note(*values: object) -> None:
        digest.update(f"{values!r}\n".encode())

    def note_arrays(*arrays: NDArray[Any]) -> None:
        for array in arrays:
            note(array.shape)
            digest.update(np.ascontiguousarray(array).tobytes())

    note(dataset.encoder_fingerprint, dataset.environment, dataset.environment_fingerprint)
    note_arrays(dataset.key, dataset.label, dataset.leads_on, dataset.remaining)
    # Nats to go are made of the same log-probabilities as those of the states.
    note_arrays(dataset.logprob, dataset.num_goals, dataset.depth)
    for entry in dataset.theorems:
        theorem = entry.theorem
        note(theorem.name, theorem.statement, theorem.position, theorem.split)
        note(len(entry.states), len(entry.decisions), len(entry.searches))
        for decision in entry.decisions:
            note(decision.parent, decision.search)
            note_arrays(decision.children, decision.positive, decision.logprob)
        for search in entry.searches:
            note_arrays(search.states, search.generated, search.expanded, search.onward)
    return digest.hexdigest()
