"""Weights & Biases: a run, sent or written for a later ``wandb sync``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proofsearch_trackers.backends.library import library
from proofsearch_trackers.config import WandbConfig
from proofsearch_trackers.facts import Setting


class Wandb:
    """A run of Weights & Biases.

    Its library would also collect the command line, installed packages, code and what is printed. None of that is
    wanted: the run folder has it, without secrets.

    Args:
        config: the options.
    """

    def __init__(self, config: WandbConfig) -> None:
        self._config = config
        self._wandb = library("wandb", "wandb")
        self._run: Any = None

    def begin(self, folder: Path, identity: str, about: Mapping[str, Setting]) -> None:
        """Begins the run, or goes on with it, by its identity."""
        wandb, config = self._wandb, self._config
        settings = wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            save_code=False,
            x_disable_meta=True,
            x_save_requirements=False,
        )
        self._run = wandb.init(
            project=config.project,
            entity=config.entity,
            name=folder.name,
            id=hashlib.sha256(identity.encode()).hexdigest()[:16],
            resume="allow",
            dir=str(config.folder),
            mode=None if config.mode == "auto" else config.mode,
            config=dict(about),
            settings=settings,
        )

    def record(self, figures: Mapping[str, float], step: int) -> None:
        """Logs the figures; the library's own thread writes or sends them."""
        self._run.log(dict(figures), step=step)

    def end(self, whole: bool) -> None:
        """Ends the run."""
        self._run.finish(exit_code=0 if whole else 1)
