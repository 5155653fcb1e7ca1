"""The plugin of the core's own components. Their modules are imported when a hook is called, not before."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from proofsearch.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from proofsearch.builtins.confidence.config import ConfidenceConfig, ConfidenceTrainerConfig
    from proofsearch.builtins.confidence.scorer import ConfidenceScorer
    from proofsearch.builtins.confidence.trainer import ConfidenceTrainer
    from proofsearch.config import PriorityConfig
    from proofsearch.plugins.hookspecs import Register, RegisterDiagnosis
    from proofsearch.protocols import Builder, Priority, Strategy


@hookimpl
def register_generators(register: Register) -> None:
    """Registers ``knn``, ``mixture``, ``demonstrated`` and ``recorded``."""
    from proofsearch.builtins import demonstration, recorded
    from proofsearch.builtins.knn.generator import KnnConfig, make_knn
    from proofsearch.builtins.mixture import MixtureConfig, make_mixture

    register("knn", make_knn, config=KnnConfig, help="Tactics that were used on the most similar recorded goals.")
    register("mixture", make_mixture, config=MixtureConfig, help="The weighted mean of several policies.")
    register(
        "demonstrated",
        demonstration.make_demonstrated,
        demonstration.DemonstratedConfig,
        "A policy's tactics and that of the library's own proof, to record training data.",
    )
    register(
        recorded.NAME,
        recorded.make_recorded,
        config=recorded.RecordedConfig,
        help="Whole proofs of an earlier run, or of a file, beside a policy's tactics.",
    )


@hookimpl
def register_scorers(register: Register) -> None:
    """Registers ``logprob``, ``length``, ``random``, ``demonstration`` and ``confidence``."""
    from proofsearch.builtins import demonstration, scorers
    from proofsearch.builtins.confidence.config import NAME, ConfidenceConfig

    register("logprob", scorers.make_logprob, scorers.LogprobConfig, "Cumulative log-probability of the best path.")
    register("length", scorers.make_length, scorers.LengthConfig, "Short states first.")
    register("random", scorers.make_random, scorers.RandomConfig, "Chance: the control of every comparison.")
    register("demonstration", demonstration.make_demonstration, help="The library's own proof: the oracle.")
    register(NAME, _make_confidence, config=ConfidenceConfig, help="How sure the policy is at a state.")


@hookimpl
def register_trainers(register: Register) -> None:
    """Registers ``confidence``."""
    from proofsearch.builtins.confidence.config import NAME, ConfidenceTrainerConfig

    help = "Weights of how sure the policy is at a state, from recorded decisions; seconds."
    register(NAME, _make_confidence_trainer, config=ConfidenceTrainerConfig, help=help)


@hookimpl
def register_encoders(register: Register) -> None:
    """Registers ``context``, ``hashed`` and ``policy``."""
    from proofsearch.builtins.encoders import policy
    from proofsearch.builtins.encoders.context import ContextConfig, make_context
    from proofsearch.builtins.encoders.hashed import HashedConfig, make_hashed

    register("context", make_context, config=ContextConfig, help="How goals relate to the hypotheses and the theorem.")
    register("hashed", make_hashed, config=HashedConfig, help="Features of trees or tokens hashed to a fixed width.")
    register(policy.NAME, policy.make_policy, config=policy.PolicyConfig, help="What the policy says of a state.")


@hookimpl
def register_strategies(register: Register) -> None:
    """Registers the search algorithms of the core."""
    from proofsearch.builtins.strategies import PuctConfig, make_puct
    from proofsearch.engine.strategies import BUILTIN, HELP

    for name, make in BUILTIN.items():
        if name != "puct":
            register(name, partial(_make_strategy, make), help=HELP[name])
    register("puct", make_puct, config=PuctConfig, help=HELP["puct"])


@hookimpl
def register_priorities(register: Register) -> None:
    """Registers the formulas of the core; their weights are the run's own (``--goal-weight`` and its like)."""
    from proofsearch.engine.priorities import BUILTIN, HELP

    for name, make in BUILTIN.items():
        register(name, partial(_make_priority, make), help=HELP[name])


@hookimpl
def register_observers(register: Register) -> None:
    """Registers ``log``."""
    from proofsearch.builtins.log import LogConfig, make_log

    register("log", make_log, config=LogConfig, help="Writes the events of a run, a JSON object a line.")


@hookimpl
def register_executors(register: Register) -> None:
    """Registers ``local``."""
    from proofsearch.builtins.local.executor import LocalConfig, make_local

    register("local", make_local, config=LocalConfig, help="Processes or threads on this machine.")


def _make_confidence(config: ConfidenceConfig, builder: Builder) -> ConfidenceScorer:
    from proofsearch.builtins.confidence.scorer import make_confidence

    return make_confidence(config, builder)


def _make_confidence_trainer(config: ConfidenceTrainerConfig, builder: Builder) -> ConfidenceTrainer:
    from proofsearch.builtins.confidence.trainer import make_trainer

    return make_trainer(config, builder)


def _make_strategy(make: Callable[[], Strategy], config: None, builder: Builder) -> Strategy:
    return make()


def _make_priority(make: Callable[[PriorityConfig], Priority], config: None, builder: Builder) -> Priority:
    return make(builder.search.priority)


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about the machine."""
    from proofsearch.builtins.machine import examine_machine

    register("machine", examine_machine)
