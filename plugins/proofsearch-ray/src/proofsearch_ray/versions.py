"""Whether a machine of the cluster has the same plugins as the one that leads the run."""

from __future__ import annotations

import importlib.metadata
import platform
import socket
from dataclasses import dataclass, field
from typing import Self

from proofsearch.errors import PluginError
from proofsearch.storage.cache import cache_folder


def installed() -> dict[str, str]:
    """The versions that a search depends on: Python's, the core's, and of every package with a plugin."""
    points = importlib.metadata.entry_points(group="proofsearch")
    found = {point.dist.name: point.dist.version for point in points if point.dist is not None}
    found["proofsearch"] = importlib.metadata.version("proofsearch")
    return {"python": ".".join(platform.python_version_tuple()[:2]), **dict(sorted(found.items()))}


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that a worker runs on.

    Attributes:
        name: its host name.
        node: what Ray calls it; ``""`` outside of a cluster.
        cache: its folder for what can be computed again.
        versions: what is installed there.
    """

    name: str
    node: str = ""
    cache: str = ""
    versions: dict[str, str] = field(default_factory=installed)

    @classmethod
    def this(cls) -> Self:
        """The machine that this runs on, in a cluster if this process has joined one."""
        import ray

        node = ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""
        return cls(socket.gethostname(), node, str(cache_folder()))

    @property
    def place(self) -> tuple[str, str]:
        """What is prepared once: its cache."""
        return self.node, self.cache


def refuse_other_versions(here: Machine, there: Machine) -> None:
    """Refuses a machine where results could differ.

    Raises:
        PluginError: a version differs; the message names the machine, the package and both versions.
    """
    for name in sorted(here.versions.keys() | there.versions.keys()):
        ours, theirs = here.versions.get(name), there.versions.get(name)
        if ours != theirs:
            raise PluginError(
                f"--executor ray: {name} is {theirs or 'not installed'} on {there.name}, and {ours or 'not installed'} "
                f"on {here.name}, where the run is led; install the same on all machines of the cluster"
            )
