"""The plugin: what this package registers. Ray is imported when a run begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register, RegisterDiagnosis
    from proofsearch.protocols import Builder, Executor
    from proofsearch_ray.config import RayConfig


@hookimpl
def register_executors(register: Register) -> None:
    """Registers ``ray``."""
    from proofsearch_ray.config import RayConfig

    register("ray", make_ray, config=RayConfig, help="Worker processes on the machines of a Ray cluster.")


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about Ray and its cluster."""
    from proofsearch_ray.diagnosis import examine

    register("cluster", examine)


def make_ray(config: RayConfig, builder: Builder) -> Executor:
    """Builds the executor ``ray``."""
    from proofsearch_ray.executor import RayExecutor

    return RayExecutor(config, builder.execution)
