"""Conformance checks: whether a component does what its contract in :mod:`proofsearch.protocols` says.

One function a kind, for a plugin's own tests; ``proofsearch plugins check NAME`` makes the same checks::

    from proofsearch.testing import check_scorer

    def test_it_conforms():
        check_scorer(make_mine, MyConfig(weight=2.0))
"""

from __future__ import annotations

from proofsearch.errors import ConformanceError
from proofsearch.testing.builder import SampleBuilder, SampleEncoder
from proofsearch.testing.checks import CheckResult, Report
from proofsearch.testing.countdown import CountdownConfig, CountdownEnvironment
from proofsearch.testing.encoders import check_encoder
from proofsearch.testing.executors import check_executor
from proofsearch.testing.generators import check_generator
from proofsearch.testing.losses import check_loss
from proofsearch.testing.proofs import check_environment
from proofsearch.testing.recordings import record
from proofsearch.testing.samples import ListedTactics, Sample, Samples, Walk
from proofsearch.testing.scorers import check_scorer
from proofsearch.testing.trainers import check_trainer

__all__ = [
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
    "check_scorer",
    "check_trainer",
    "record",
]
