"""Trackio: a run in its database on this machine, or in a Space where its own variables say so."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proofsearch_trackers.backends.library import library
from proofsearch_trackers.facts import Setting


class Trackio:
    """A run of Trackio. It is known by its name, so a resumed run goes on with that of its folder's name.

    Args:
        project: the project.
    """

    def __init__(self, project: str) -> None:
        self._project = project
        self._trackio = library("trackio", "trackio")
        self._run: Any = None

    def begin(self, folder: Path, identity: str, about: Mapping[str, Setting]) -> None:
        """Begins the run, or goes on with it."""
        with _quiet():
            self._run = self._trackio.init(
                project=self._project,
                name=folder.name,
                config=dict(about),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def record(self, figures: Mapping[str, float], step: int) -> None:
        """Logs the figures; the library's own thread writes them."""
        self._run.log(dict(figures), step=step)

    def end(self, whole: bool) -> None:
        """Ends the run, and waits until all is written."""
        with _quiet():
            self._trackio.finish()  # of the module, which would otherwise do it again when the process ends


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Has the library print nothing: how to look at the run is in the guide."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
