"""The plugin: what this package registers. No tracker's library is imported before something begins to be tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl
from proofsearch_trackers.backends.library import require

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register
    from proofsearch.protocols import Builder
    from proofsearch_trackers.config import MlflowConfig, SpansConfig, TensorBoardConfig, TrackioConfig, WandbConfig
    from proofsearch_trackers.spans.observer import Spans
    from proofsearch_trackers.tracking import Tracker


@hookimpl
def register_observers(register: Register) -> None:
    """Registers ``tensorboard``, ``wandb``, ``mlflow``, ``trackio`` and ``opentelemetry``."""
    from proofsearch_trackers import config

    register("tensorboard", make_tensorboard, config=config.TensorBoardConfig, help="Curves for TensorBoard.")
    register("wandb", make_wandb, config=config.WandbConfig, help="A run of Weights & Biases, online or offline.")
    register("mlflow", make_mlflow, config=config.MlflowConfig, help="A run of MLflow, in a folder or on a server.")
    register("trackio", make_trackio, config=config.TrackioConfig, help="A run of Trackio.")
    register(
        "opentelemetry",
        make_spans,
        config=config.SpansConfig,
        help="Spans of searches and their parts, for a collector or in a file.",
    )


def make_tensorboard(config: TensorBoardConfig, builder: Builder) -> Tracker:
    """Builds the observer ``tensorboard``."""
    require("tensorboard", "tensorboard")
    from proofsearch_trackers.backends.tensorboard import TensorBoard
    from proofsearch_trackers.tracking import Tracker

    return Tracker(lambda: TensorBoard(config.folder), config.interval, builder.run_id)


def make_wandb(config: WandbConfig, builder: Builder) -> Tracker:
    """Builds the observer ``wandb``."""
    require("wandb", "wandb")
    from proofsearch_trackers.backends.wandb import Wandb
    from proofsearch_trackers.tracking import Tracker

    return Tracker(lambda: Wandb(config), config.interval, builder.run_id)


def make_mlflow(config: MlflowConfig, builder: Builder) -> Tracker:
    """Builds the observer ``mlflow``."""
    require("mlflow", "mlflow")
    from proofsearch_trackers.backends.mlflow import Mlflow
    from proofsearch_trackers.tracking import Tracker

    return Tracker(lambda: Mlflow(config), config.interval, builder.run_id)


def make_trackio(config: TrackioConfig, builder: Builder) -> Tracker:
    """Builds the observer ``trackio``."""
    require("trackio", "trackio")
    from proofsearch_trackers.backends.trackio import Trackio
    from proofsearch_trackers.tracking import Tracker

    return Tracker(lambda: Trackio(config.project), config.interval, builder.run_id)


def make_spans(config: SpansConfig, builder: Builder) -> Spans:
    """Builds the observer ``opentelemetry``."""
    from proofsearch_trackers.spans.observer import Spans

    require("opentelemetry.sdk", "opentelemetry")
    if config.path is None:
        require("opentelemetry.exporter.otlp.proto.http", "opentelemetry")
    return Spans(config, builder.run_id)
