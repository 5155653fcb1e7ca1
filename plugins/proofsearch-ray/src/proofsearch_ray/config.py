"""The options of the executor ``ray``."""

from __future__ import annotations

from pydantic import Field

from proofsearch.config import ComponentConfig, Workers


class RayConfig(ComponentConfig):
    """Where the cluster is, and what each worker takes of it."""

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
    resource: str | None = Field(
        default=None, description="A resource of your cluster's own that a worker takes one of, such as prover_node."
    )
    math_threads: Workers = Field(
        default=1, description="Threads of numerical libraries in each worker; 0: keep its machine's setting."
    )
