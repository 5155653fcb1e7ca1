"""The options of the observers. Nothing heavy is imported here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from proofsearch.config import ComponentConfig


class TrackerConfig(ComponentConfig):
    """What the options of every tracker have."""

    interval: float = Field(
        default=1.0, ge=0, description="Seconds between two records, at least; what comes in between is joined."
    )


class TensorBoardConfig(TrackerConfig):
    """Options of the observer ``tensorboard``."""

    folder: Path | None = Field(
        default=None, description="Folder of the event files; default: tensorboard in the run or the checkpoint."
    )


class WandbConfig(TrackerConfig):
    """Options of the observer ``wandb``."""

    project: str = Field(default="proofsearch", description="The project.")
    entity: str | None = Field(default=None, description="The team or user; default: that of the login.")
    mode: Literal["auto", "online", "offline"] = Field(
        default="auto", description="Send or only write; auto: as WANDB_MODE says, otherwise online."
    )
    folder: Path = Field(default=Path(), description="Where the folder wandb is made.")


class MlflowConfig(TrackerConfig):
    """Options of the observer ``mlflow``."""

    uri: str | None = Field(
        default=None,
        description="A server, a database, or a folder; default: MLFLOW_TRACKING_URI, otherwise the folder mlruns.",
    )
    experiment: str = Field(default="proofsearch", description="The experiment.")


class TrackioConfig(TrackerConfig):
    """Options of the observer ``trackio``."""

    project: str = Field(default="proofsearch", description="The project.")


class SpansConfig(ComponentConfig):
    """Options of the observer ``opentelemetry``."""

    path: Path | None = Field(
        default=None,
        description="A file to append spans to, a JSON object a line, instead of sending them to a collector.",
    )
    endpoint: str | None = Field(
        default=None,
        description="Address of an OTLP/HTTP collector for traces; default: as the variables OTEL_EXPORTER_OTLP_* say.",
    )
    shortest: float = Field(
        default=0.02, ge=0, description="Seconds that a part of a search takes at least to be a span of its own."
    )
