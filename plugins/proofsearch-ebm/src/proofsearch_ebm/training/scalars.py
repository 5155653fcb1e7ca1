"""Measurements for TensorBoard, where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proofsearch.errors import UsageError

WriteScalars = Callable[[int, Mapping[str, float]], None]
"""Takes the measurements of a step, by name."""


def unwritten(step: int, metrics: Mapping[str, float]) -> None:
    """Takes measurements and writes none."""


@contextmanager
def tensorboard(folder: Path, after: int = 0) -> Iterator[WriteScalars]:
    """Event files that TensorBoard shows, closed at the end. What is not a number is left out.

    Args:
        folder: for the event files; created.
        after: the step that the training resumes from: what an earlier session wrote of later ones, and this one will
            write again, is not shown any more.

    Raises:
        UsageError: the package tensorboard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UsageError(
            "--ebm-tensorboard needs the package tensorboard, which is not installed; install it with: "
            "pip install 'proofsearch-ebm[tensorboard]', or leave the option out"
        ) from None
    writer: Any = SummaryWriter(str(folder), purge_step=after + 1)

    def write(step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            if value == value:
                writer.add_scalar(name, value, step)

    try:
        yield write
    finally:
        writer.close()
