"""A training: from recorded searches to a checkpoint, with the trainer of a plugin.

    from proofsearch.config import TrainConfig
    from proofsearch.training import train

    summary = train(TrainConfig(plugin="ebm", trajectories=("runs/train",)), Path("checkpoint"))
    print(summary.metrics)

Where no trajectories are named, every run under ``runs`` is learnt from; where there is none, one is recorded first:
the library's own proofs of its training theorems, with what the policy would have tried instead
(:mod:`proofsearch.builtins.demonstration`). A trainer whose options have an attribute ``needs_trajectories`` that is
false learns from something else, such as the library's proofs: for it nothing is looked for and nothing recorded.

A launcher such as torchrun may start the same training in several processes, told apart by the variable ``RANK``: the
first of them alone looks after the checkpoint folder.
"""

from __future__ import annotations

from proofsearch.checkpoint import SETTINGS
from proofsearch.training.folder import OWN_FILES, is_main_process, training_settings
from proofsearch.training.session import TRAINING_CHOOSERS, TrainingSummary, check, check_beforehand, train
from proofsearch.training.sources import RECORDING, RUNS, recorded_runs, recording_config

__all__ = [
    "OWN_FILES",
    "RECORDING",
    "RUNS",
    "SETTINGS",
    "TRAINING_CHOOSERS",
    "TrainingSummary",
    "check",
    "check_beforehand",
    "is_main_process",
    "recorded_runs",
    "recording_config",
    "train",
    "training_settings",
]
