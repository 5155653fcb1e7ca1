"""Expert iteration: search, learn from what was found, search again with what was learnt.

Each round searches a sample of training theorems, with the value that the round before learnt (the first with
log-probability alone), trains on the recorded searches of all rounds, and measures what that gained on a fixed sample
of validation theorems. The idea is that of Anthony, Tian, Barber 2017 (arXiv:1705.08439); for proof search see Polu et
al. 2022 (arXiv:2202.01344).

Everything is derived from what is on the disk, so an iteration can be resumed wherever it was stopped:

=================================== ==========================================================================
``iterate.toml``                    the resolved configuration
``iterate.json``                    the table, a row a finished round
``round-<n>/search``                the run on training theorems
``round-<n>/policy.parquet``        with ``train_policy``: the searches that the policy learns from
``round-<n>/checkpoint``            what was learnt from them and all before
``round-<n>/validation-base``       validation theorems without the value; where the policy doesn't change, it is the
                                    same in every round and only made in the first
``round-<n>/validation-value``      validation theorems with the value of this round
=================================== ==========================================================================
"""

from __future__ import annotations

from proofsearch.training.expert_iteration.iteration import IterationSummary, iterate, resume_iteration
from proofsearch.training.expert_iteration.plan import ITERATION_CHOOSERS, SETTINGS, check, iteration_settings
from proofsearch.training.expert_iteration.rounds import Round

__all__ = [
    "ITERATION_CHOOSERS",
    "SETTINGS",
    "IterationSummary",
    "Round",
    "check",
    "iterate",
    "iteration_settings",
    "resume_iteration",
]
