"""Measurements for TensorBoard, where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from proofsearch.errors import UsageError


class ScalarWriter(Protocol):
    """Takes measurements by name and step."""

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Takes one row."""

    def close(self) -> None:
        """Flushes. Idempotent."""


class NoWriter:
    """Takes nothing."""

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


class TensorBoardWriter:
    """Writes event files that TensorBoard shows.

    Args:
        folder: for the event files; created.
        after: the step that the training goes on from: what an earlier session wrote of later ones, and this one will
            write again, is not shown any more.

    Raises:
        UsageError: the package tensorboard is not installed.
    """

    def __init__(self, folder: Path, after: int = 0) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                "--ebm-tensorboard needs the package tensorboard, which is not installed; install it with: "
                "pip install 'proofsearch-ebm[tensorboard]', or leave the option out"
            ) from None
        self._writer: Any = SummaryWriter(str(folder), purge_step=after + 1)

    def write(self, step: int, metrics: Mapping[str, float]) -> None:
        """Takes one row; what is not a number is left out."""
        for name, value in metrics.items():
            if value == value:
                self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flushes and closes the event file."""
        self._writer.close()


@contextmanager
def scalar_writer(folder: Path | None, after: int = 0) -> Iterator[ScalarWriter]:
    """A writer into a folder, closed at the end; one that takes nothing where there is no folder."""
    writer = NoWriter() if folder is None else TensorBoardWriter(folder, after)
    try:
        yield writer
    finally:
        writer.close()
