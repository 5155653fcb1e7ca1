"""Joining a Ray cluster, or making one of this machine for the time of a run."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import psutil

from proofsearch.errors import PluginError, ProofsearchError
from proofsearch_ray.config import RayConfig

_ATTEMPTS = 3
"""Starts of a private cluster; Ray gives up a start after half a minute, which a busy machine can need."""

_SETTINGS = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # an actor without a GPU sees those that its machine shows it
    "RAY_USAGE_STATS_ENABLED": "0",
}


class Cluster:
    """A connection to a cluster; a program that has one already keeps it.

    Args:
        config: where the cluster is.
        processors: of a private one.

    Raises:
        PluginError: Ray can't be imported.
        ProofsearchError: there is no cluster at the address, or none can be started here.
    """

    def __init__(self, config: RayConfig, processors: float) -> None:
        for name, value in _SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            import ray
        except ImportError as error:
            raise PluginError(f"--executor ray needs the package ray: {error}; pip install ray") from error
        self.ray: Any = ray
        self._folder = ""
        self._ours = not ray.is_initialized()
        if not self._ours:
            return
        with _signals_kept():
            if config.address == "local":
                self._start(processors)
            else:
                self._join(config.address)

    def close(self) -> None:
        """Leaves the cluster; ends a private one with all of its processes. Idempotent."""
        if self._ours:
            self._ours = False
            with _signals_kept():
                self.ray.shutdown()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def _start(self, processors: float) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            self._folder = tempfile.mkdtemp(prefix="ray-")
            try:
                self.ray.init(
                    address="local",
                    num_cpus=processors,
                    include_dashboard=False,
                    logging_level=logging.ERROR,
                    _temp_dir=self._folder,
                )
                return
            except BaseException as error:
                self.ray.shutdown()
                _kill_started_in(self._folder)
                shutil.rmtree(self._folder, ignore_errors=True)
                if not isinstance(error, Exception):
                    raise
                if attempt == _ATTEMPTS:
                    # Ray raises a plain Exception where its processes take too long to start.
                    raise ProofsearchError(
                        f"--ray-address local: a cluster of this machine can't be started: {_first_line(error)}; try "
                        f"--executor local, which needs none"
                    ) from error

    def _join(self, address: str) -> None:
        try:
            self.ray.init(address=address, logging_level=logging.ERROR)
        except Exception as error:
            self.ray.shutdown()
            raise ProofsearchError(
                f"--ray-address {address}: no cluster can be joined there: {_first_line(error)}; start one with: "
                f"ray start --head"
            ) from error


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Puts back what happens on signals: Ray takes SIGTERM for itself, and exits where one comes meanwhile."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def put_back() -> None:
        for number, handler in kept.items():
            if handler is not None:
                signal.signal(number, handler)

    try:
        yield
    except SystemExit:
        put_back()
        signal.raise_signal(signal.SIGTERM)  # for who should have heard it
        raise
    finally:
        put_back()


def _kill_started_in(folder: str) -> None:
    """Kills what a start that failed has left: Ray forgets processes that it has not seen ready."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any(folder in argument for argument in process.cmdline()):
                process.kill()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
