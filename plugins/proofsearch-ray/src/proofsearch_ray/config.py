"""The options of the executor ``ray``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from proofsearch.config import ComponentConfig, Workers


class RayConfig(ComponentConfig):
    """Where the cluster is, and what each worker and each model takes of it."""

    address: str = Field(
        default="local",
        min_length=1,
        description="local: a cluster of this machine alone, for this run; auto: the one that runs here; or HOST:PORT.",
    )
    cpus: float = Field(default=1.0, ge=0, description="Processors that a worker takes of its machine.")
    gpus: float = Field(default=0.0, ge=0, description="GPUs that a worker takes of its machine.")
    memory: int | None = Field(
        default=None,
        ge=1,
        description="Megabytes that a worker takes of its machine; decides how many fit. --memory bounds what it uses.",
    )
    resource: tuple[str, ...] = Field(
        default=(),
        description="A resource of your cluster's own that a worker takes of its machine: NAME or NAME=AMOUNT.",
    )
    runtime_env: Path | None = Field(
        default=None,
        description="YAML or JSON file with a runtime environment of Ray: variables, packages, files for the machines.",
    )
    math_threads: Workers = Field(
        default=1, description="Threads of numerical libraries in each worker; 0: keep its machine's setting."
    )
    model_replicas: int = Field(
        default=0,
        ge=0,
        description="Actors that host each shared model for all workers, in batches; 0: each worker has its own.",
    )
    model_cpus: float = Field(default=1.0, ge=0, description="Processors that such an actor takes of its machine.")
    model_gpus: float = Field(default=0.0, ge=0, description="GPUs that such an actor takes of its machine.")

    @field_validator("resource")
    @classmethod
    def _read_resources(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for entry in given:
            _resource(entry)
        return given

    def resources(self) -> dict[str, float]:
        """What a worker takes of the cluster's own resources, by name."""
        return dict(map(_resource, self.resource))


def _resource(entry: str) -> tuple[str, float]:
    name, _, amount = entry.partition("=")
    try:
        number = float(amount or 1)
    except ValueError:
        number = 0.0
    if not name or not 0 < number < float("inf"):
        raise ValueError(f"{entry!r} is no resource; give NAME, or NAME=AMOUNT with an amount above 0")
    return name, number
