"""MLflow: a run in an experiment, in a folder, a database or on a server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from proofsearch_trackers.backends.library import library
from proofsearch_trackers.config import MlflowConfig
from proofsearch_trackers.facts import Setting

_TAG = "proofsearch.identity"
_PARAMETERS = 100
"""Parameters in one call, at most: MLflow's own limit."""
_LONGEST = 500
"""Characters of a parameter: what every version of MLflow takes."""


class Mlflow:
    """A run of MLflow, by its client: nothing is changed that is global to the process.

    Args:
        config: the options.
    """

    def __init__(self, config: MlflowConfig) -> None:
        uri = config.uri or os.environ.get("MLFLOW_TRACKING_URI") or str(Path("mlruns").absolute())
        if "://" not in uri:
            # Newer versions ask whoever names a folder to say so once more.
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            uri = Path(uri.removeprefix("file:")).absolute().as_uri()
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        self._experiment = config.experiment
        self._entities = library("mlflow.entities", "mlflow")
        self._client = library("mlflow.tracking", "mlflow").MlflowClient(tracking_uri=uri)
        self._run = ""

    def begin(self, folder: Path, identity: str, about: Mapping[str, Setting]) -> None:
        """Begins the run, or goes on with that of the same identity."""
        client = self._client
        experiment = client.get_experiment_by_name(self._experiment)
        number = experiment.experiment_id if experiment else client.create_experiment(self._experiment)
        quoted = identity.replace("'", "")
        found = client.search_runs([number], f"tags.`{_TAG}` = '{quoted}'", max_results=1)
        if found:
            self._run = found[0].info.run_id
            client.set_terminated(self._run, "RUNNING")
            return
        self._run = client.create_run(number, run_name=folder.name, tags={_TAG: quoted}).info.run_id
        parameters = iter(
            self._entities.Param(_name(name), str(value)[:_LONGEST]) for name, value in about.items() if value != ""
        )
        for batch in _batches(parameters):
            client.log_batch(self._run, params=batch)

    def record(self, figures: Mapping[str, float], step: int) -> None:
        """Logs the figures in one call."""
        now = int(time.time() * 1000)
        metrics = [self._entities.Metric(_name(name), value, now, step) for name, value in figures.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def end(self, whole: bool) -> None:
        """Ends the run."""
        self._client.set_terminated(self._run, "FINISHED" if whole else "KILLED")


def _batches(parameters: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(parameters, _PARAMETERS)):
        yield batch


def _name(name: str) -> str:
    """A name with the characters that MLflow takes."""
    return "".join(character if character.isalnum() or character in "_-./ " else "_" for character in name)
