"""Training heads of the energy-based model on recorded runs and measuring them, for the ablations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from bench_runs import Options
from numpy.typing import NDArray
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.data.dataset import Dataset, build_dataset
from proofsearch_ebm.data.joined import joined, lost_states, reads_requests
from proofsearch_ebm.data.parts import PartEncoder
from proofsearch_ebm.losses.weighted import WeightedLosses, parse_terms
from proofsearch_ebm.model.head import EnergyHead
from proofsearch_ebm.training.loop import to_tensors
from proofsearch_ebm.training.scalars import unwritten
from proofsearch_ebm.training.setup import set_up
from proofsearch_ebm.training.validation import Choice, choice_sets, evaluate_states, frontier_choices, sibling_choices

from proofsearch.config import TrainConfig
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.separation import LabelledStates, separate
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve_training
from proofsearch.trainers.mixing import Mixing, fit_mixing
from proofsearch.trainers.progress import Progress


def reading(options: Options) -> str:
    """Equal where the same states become the same rows."""
    config = EbmTrainerConfig.model_validate(options.get("ebm", {}))
    how = (config.encoders, config.parts, config.context, config.min_expansions, config.max_states, config.row_type)
    return json.dumps([how, [options.get(name) for name in config.encoders]])


@dataclass(frozen=True, slots=True)
class HeldData:
    """States read in one way, and what is judged on them.

    Attributes:
        reading: in which way.
        dataset: of both runs.
        theorems: indices of the validation theorems.
        loss: losses by name.
    """

    reading: str
    dataset: Dataset
    theorems: list[int]
    loss: Callable[[str], Any]

    def train(self, options: Options, seed: int, *, shuffled: bool) -> dict[str, float]:
        """Trains and measures one head."""
        config = EbmTrainerConfig.model_validate(options["ebm"])
        dataset = _shuffled(self.dataset, seed) if shuffled else self.dataset
        losses = WeightedLosses(parse_terms(config.loss), self.loss)
        progress = Progress(lambda report: None, config.steps)
        training = set_up(config, dataset, losses, seed=seed, progress=progress, write=unwritten)
        if training.validation.tolist() != self.theorems:
            raise SystemExit("the theorems that validate are not those of --validation: record it with that split")
        training.loop.run(lambda: None, lambda: False)
        head = EnergyHead(training.head_config)
        best = training.loop.best.head
        head.load_state_dict(training.loop.head.state_dict() if best is None or shuffled else to_tensors(best))
        head.eval()
        return _measured(head, dataset, self.theorems, config)

    def baselines(self) -> dict[str, list[float]]:
        """What needs no training: rank-1 among siblings, AUROC, Spearman by score."""
        dataset = self.dataset
        every, choices = dataset.states_of(self.theorems), sibling_choices(dataset, self.theorems)
        goals, length = -dataset.num_goals.astype(np.float64), -dataset.length.astype(np.float64)
        logprob = dataset.logprob.astype(np.float64)
        scores = {"random": 0 * goals, "goal count": goals, "length": length, "log-prob": logprob}
        found = {}
        for name, score in (scores | {"log-prob − goals": logprob + goals}).items():
            sets = choice_sets(dataset, choices, score[np.concatenate([choice.states for choice in choices])])
            found[name] = [float(sets.rank_one(sets.value).mean()), *_separated(dataset, every, score[every])]
        return found


def read_data(train: Sequence[Path], validation: Path, options: Options) -> HeldData:
    config = EbmTrainerConfig.model_validate(options["ebm"])
    names = " and ".join(config.encoders)
    print(f"… encoding with {names}, parts {config.parts}, context {config.context}", flush=True)
    parts = resolve_training(Plugins.discover(), TrainConfig(plugin="ebm", options=options), shared=True)
    components = Components(Plugins.discover(), parts)
    encoders = [components.encoder(name) for name in config.encoders]
    encoder = PartEncoder(
        joined(encoders),
        config.parts,
        keep=0,
        with_theorem=config.context == "theorem",
        whole=reads_requests(encoders),
    )
    dataset = build_dataset(
        [*train, validation],
        encoder,
        min_expansions=config.min_expansions,
        max_states_per_theorem=config.max_states,
        seed=0,
        say=lambda line: print(f"  … {line}", flush=True),
        row_type=config.row_type,
    )
    if warning := lost_states(encoders):
        print(f"  … {warning}", flush=True)
    held = [index for index, one in enumerate(dataset.theorems) if one.theorem.split == "validation"]
    return HeldData(reading(options), dataset, held, components.loss)


def _shuffled(dataset: Dataset, seed: int) -> Dataset:
    rng = np.random.default_rng([seed, 4])
    order = np.concatenate([rng.permutation(entry.states) for entry in dataset.theorems])
    theorems = [
        replace(entry, decisions=[replace(one, positive=rng.permutation(one.positive)) for one in entry.decisions])
        for entry in dataset.theorems
    ]
    shuffled = {name: getattr(dataset, name)[order] for name in ("label", "leads_on", "remaining", "nats")}
    return replace(dataset, theorems=theorems, **shuffled)


def _measured(
    head: EnergyHead, dataset: Dataset, theorems: Sequence[int], config: EbmTrainerConfig
) -> dict[str, float]:
    every = dataset.states_of(theorems)
    energies, costs = evaluate_states(head, dataset, every)
    place = np.full(dataset.num_states, -1, np.int64)
    place[every] = np.arange(len(every))

    def mixing(choices: Sequence[Choice], values: NDArray[np.float64] = -energies) -> Mixing:
        members = place[np.concatenate([choice.states for choice in choices])]
        sets = choice_sets(dataset, choices, values[members])
        return fit_mixing(sets, resamples=config.bootstrap, rng=np.random.default_rng(2))

    siblings = mixing(sibling_choices(dataset, theorems))
    frontier = mixing(frontier_choices(dataset, theorems, config.max_members, np.random.default_rng(1)))
    auroc, spearman = _separated(dataset, every, -energies)
    # Without a second output there is nothing to say of it.
    cost = [math.nan] * 3
    if costs is not None:
        cost = [*_separated(dataset, every, -costs), float(mixing(sibling_choices(dataset, theorems), -costs).gain)]
    return {
        "value": siblings.rank_value,
        "mixed": siblings.rank_mixed,
        "gain": siblings.gain,
        "gain_low": siblings.gain_low,
        "frontier": frontier.gain,
        "frontier_low": frontier.gain_low,
        "auroc": auroc,
        "spearman": spearman,
        "cost_auroc": cost[0],
        "cost": cost[1],
        "cost_gain": cost[2],
    }


def _separated(dataset: Dataset, states: NDArray[np.int64], score: NDArray[np.float64]) -> tuple[float, float]:
    """AUROC within theorem and Spearman with remaining steps; roots, which no search chooses, are left out."""
    label, remaining = dataset.label[states], dataset.remaining[states].astype(np.int64)
    # As ``evaluate`` has it: what is provable only by a way back is on neither side.
    known = ((label == 0) | dataset.leads_on[states]) & (dataset.depth[states] > 0)
    theorem = dataset.theorem_of[states].astype(np.int64)
    labelled = LabelledStates((label == 1)[known], remaining[known], theorem[known])
    found = separate(labelled, score[known], Bootstrap(resamples=1))
    return found.auroc_within.value, found.spearman.value
