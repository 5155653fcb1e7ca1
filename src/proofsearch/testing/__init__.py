"""Conformance checks: whether a component does what its contract in :mod:`proofsearch.protocols` says.

One function a kind, for a plugin's own tests; ``proofsearch plugins check NAME`` makes the same checks::

    from proofsearch.testing import check_scorer

    def test_it_conforms():
        check_scorer(make_mine, MyConfig(weight=2.0))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import proofsearch.testing.abilities
import proofsearch.testing.moves  # noqa: F401  (as above)
from proofsearch.testing.builder import SampleBuilder, SampleEncoder
from proofsearch.testing.checking import CheckOptions
from proofsearch.testing.checks import CheckResult, Checks, ConformanceError, Report
from proofsearch.testing.countdown import CountdownConfig, CountdownEnvironment
from proofsearch.testing.encoders import ENCODER_CHECKS, check_encoder
from proofsearch.testing.environments import ENVIRONMENT_CHECKS
from proofsearch.testing.executors import EXECUTOR_CHECKS, check_executor
from proofsearch.testing.generators import GENERATOR_CHECKS, check_generator
from proofsearch.testing.losses import LOSS_CHECKS, check_loss
from proofsearch.testing.observers import OBSERVER_CHECKS, check_observer
from proofsearch.testing.priorities import PRIORITY_CHECKS, check_priority
from proofsearch.testing.proofs import check_environment
from proofsearch.testing.recordings import record
from proofsearch.testing.samples import ListedTactics, Sample, Samples, Walk
from proofsearch.testing.scorers import SCORER_CHECKS, check_scorer
from proofsearch.testing.searches import graph_hash
from proofsearch.testing.strategies import STRATEGY_CHECKS, check_strategy
from proofsearch.testing.trainers import TRAINER_CHECKS, check_trainer

CHECKS: Mapping[str, Checks[Any]] = {
    "environment": ENVIRONMENT_CHECKS,
    "generator": GENERATOR_CHECKS,
    "scorer": SCORER_CHECKS,
    "encoder": ENCODER_CHECKS,
    "strategy": STRATEGY_CHECKS,
    "priority": PRIORITY_CHECKS,
    "observer": OBSERVER_CHECKS,
    "loss": LOSS_CHECKS,
    "trainer": TRAINER_CHECKS,
    "executor": EXECUTOR_CHECKS,
}
"""The checks of each kind of component, by name and rule."""

__all__ = [
    "CHECKS",
    "CheckOptions",
    "CheckResult",
    "ConformanceError",
    "CountdownConfig",
    "CountdownEnvironment",
    "ListedTactics",
    "Report",
    "Sample",
    "SampleBuilder",
    "SampleEncoder",
    "Samples",
    "Walk",
    "check_encoder",
    "check_environment",
    "check_executor",
    "check_generator",
    "check_loss",
    "check_observer",
    "check_priority",
    "check_scorer",
    "check_strategy",
    "check_trainer",
    "graph_hash",
    "record",
]
