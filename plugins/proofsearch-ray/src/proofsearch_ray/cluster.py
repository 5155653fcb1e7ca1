"""Joining a Ray cluster, or making one of this machine for the time of a run."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from proofsearch.errors import InputError, PluginError, ProofsearchError
from proofsearch.storage.texts import read_text
from proofsearch_ray.config import RayConfig
from proofsearch_ray.private import PrivateFolder

_ATTEMPTS = 3
"""Starts of a private cluster; Ray gives up a start after half a minute, which a busy machine can need."""

_PATIENCE = 15.0
"""Seconds for which a cluster may be away. Ray ends the program itself, without a word about the run, after 60."""

_OBJECT_STORE = 512 * 1024 * 1024
"""Bytes of shared memory of a private cluster, which holds results on their way; more go through its folder."""

_MANAGERS = ("raylet", "gcs_server")
"""The processes without which a cluster of one machine is none."""

_SETTINGS = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # an actor without a GPU sees those that its machine shows it
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "60",  # seconds to wait for processes that start, on a busy machine
}


def set_up_environment() -> None:
    """Sets what Ray reads as it is imported or begins, where nobody else has."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


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
        set_up_environment()
        try:
            import ray
        except ImportError as error:
            raise PluginError(f"--executor ray needs the package ray: {error}; pip install ray") from error
        self.ray: Any = ray
        self._folder: PrivateFolder | None = None
        self._processes: list[psutil.Process] = []
        self._unreachable: float | None = None
        self._ours = not ray.is_initialized()
        if not self._ours:
            return
        environment = read_runtime_env(config.runtime_env)
        with _signals_kept():
            if config.address == "local":
                self._start(processors, environment)
            else:
                self._join(config.address, environment)

    def close(self) -> None:
        """Leaves the cluster; ends a private one with all of its processes. Idempotent."""
        if self._ours:
            self._ours = False
            with _signals_kept():
                self.ray.shutdown()
        self._close_folder()

    def lives(self) -> bool:
        """Whether the cluster is there. Of one that others started, only Ray can tell."""
        if not self.ray.is_initialized():
            return False
        if self._processes:
            return all(_runs(process) for process in self._processes)
        host, _, port = self.ray.get_runtime_context().gcs_address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
        except OSError:
            # It may be about to restart; whatever else it is asked would wait for that.
            self._unreachable = self._unreachable or time.monotonic()
            return time.monotonic() - self._unreachable < _PATIENCE
        self._unreachable = None
        return any(node["Alive"] for node in self.ray.nodes())

    def refuse_dead(self) -> None:
        """Says so where the cluster is gone.

        Raises:
            ProofsearchError: it is.
        """
        if not self.lives():
            raise ProofsearchError(
                "--executor ray: the cluster is gone: one of its own processes (raylet, gcs_server) has ended. What "
                "was found is kept; resume the run with: proofsearch search --resume RUN"
            )

    def _close_folder(self) -> None:
        """Ends what Ray has left of a private cluster, as it does where one of its processes was killed."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _start(self, processors: float, environment: dict[str, Any] | None) -> None:
        for _ in range(_ATTEMPTS):
            failure = self._try_start(processors, environment)
            if not failure:
                return
            with warnings.catch_warnings():
                # What Ray forgot of the start that failed says that its processes were never waited for.
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()
        raise ProofsearchError(
            f"--ray-address local: a cluster of this machine can't be started: {failure}; try --executor local, which "
            f"needs none"
        )

    def _try_start(self, processors: float, environment: dict[str, Any] | None) -> str:
        """Starts a private cluster; returns what went wrong."""
        self._folder = PrivateFolder()
        try:
            with self._folder.marking():
                self.ray.init(
                    address="local",
                    num_cpus=processors,
                    object_store_memory=_OBJECT_STORE,
                    include_dashboard=False,
                    logging_level=logging.ERROR,
                    runtime_env=environment,
                    _temp_dir=self._folder.path,
                )
            self._processes = [one for one in _started_in(self._folder.path) if one.name() in _MANAGERS]
        except BaseException as error:
            self.ray.shutdown()
            self._close_folder()
            if not isinstance(error, Exception):
                raise
            return _first_line(error)  # a plain Exception where Ray's processes take too long to start
        return ""

    def _join(self, address: str, environment: dict[str, Any] | None) -> None:
        try:
            self.ray.init(address=address, runtime_env=environment, logging_level=logging.ERROR)
        except Exception as error:
            self.ray.shutdown()
            raise ProofsearchError(
                f"--ray-address {address}: no cluster can be joined there: {_first_line(error)}; start one with: "
                f"ray start --head"
            ) from error


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


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


def _started_in(folder: str) -> Iterator[psutil.Process]:
    """The processes of a private cluster that manage it."""
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if any(folder in argument for argument in process.cmdline()):
                yield process


def read_runtime_env(file: Path | None) -> dict[str, Any] | None:
    """A runtime environment of Ray; ``None`` without a file.

    Raises:
        InputError: it can't be read, or holds none.
    """
    if file is None:
        return None
    import yaml  # type: ignore[import-untyped]

    try:
        values = yaml.safe_load(read_text(file, "a runtime environment of Ray as YAML or JSON"))
    except yaml.YAMLError as error:
        raise InputError(f"{file}: neither YAML nor JSON: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise InputError(f"{file}: expected a table such as 'env_vars: {{NAME: value}}', found {values!r}")
    return values


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
