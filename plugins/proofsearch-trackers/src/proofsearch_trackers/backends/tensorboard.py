"""TensorBoard: event files in a folder, written by TensorBoard's own writer, without a learning library."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proofsearch_trackers.backends.library import library
from proofsearch_trackers.facts import Setting


class TensorBoard:
    """Writes scalars, and the settings as a text.

    Args:
        folder: of the event files; ``None``: ``tensorboard`` in the folder of the run or the checkpoint.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._files = library("tensorboard.summary.writer.event_file_writer", "tensorboard")
        self._events = library("tensorboard.compat.proto.event_pb2", "tensorboard")
        self._summaries = library("tensorboard.compat.proto.summary_pb2", "tensorboard")
        self._tensors = library("tensorboard.compat.proto.tensor_pb2", "tensorboard")
        self._types = library("tensorboard.compat.proto.types_pb2", "tensorboard")
        self._writer: Any = None

    def begin(self, folder: Path, identity: str, about: Mapping[str, Setting]) -> None:
        """Opens a file; a resumed run adds one to those that are there."""
        self._writer = self._files.EventFileWriter(str(self._folder or folder / "tensorboard"))
        rows = "\n".join(f"| {name} | {value} |" for name, value in about.items())
        self._write(self._summaries.Summary(value=[self._table(f"| | |\n|---|---|\n{rows}")]), 0)

    def record(self, figures: Mapping[str, float], step: int) -> None:
        """Writes a scalar a figure."""
        values = [self._summaries.Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self._write(self._summaries.Summary(value=values), step)

    def end(self, whole: bool) -> None:
        """Closes the file."""
        self._writer.close()

    def _table(self, text: str) -> Any:
        """A text, for the plugin that shows texts; the library's own function for it needs TensorFlow."""
        plugin = self._summaries.SummaryMetadata.PluginData(plugin_name="text")
        tensor = self._tensors.TensorProto(dtype=self._types.DT_STRING, string_val=[text.encode()])
        metadata = self._summaries.SummaryMetadata(plugin_data=plugin)
        return self._summaries.Summary.Value(tag="settings", metadata=metadata, tensor=tensor)

    def _write(self, summary: Any, step: int) -> None:
        self._writer.add_event(self._events.Event(wall_time=time.time(), step=step, summary=summary))
