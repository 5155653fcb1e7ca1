"""Beginning an expert iteration, and resuming one."""

from __future__ import annotations

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

from proofsearch import storage
from proofsearch.config import IterateConfig, SelectionConfig
from proofsearch.config.toml import to_toml
from proofsearch.errors import InputError, StorageError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols.events import OnEvent, ignore_event
from proofsearch.runs.selection import select
from proofsearch.storage.lock import locked
from proofsearch.storage.outputs import check_folder
from proofsearch.training.expert_iteration.plan import (
    SETTINGS,
    check,
    iteration_settings,
    search_config,
    what_learns,
)
from proofsearch.training.expert_iteration.rounds import Round, Rounds

TABLE = "iterate.json"
"""The rounds so far in the iteration's folder."""

_LOCK = "iterate.lock"


@dataclass(frozen=True, slots=True)
class IterationSummary:
    """What an iteration came to.

    Attributes:
        path: the iteration's folder.
        rounds: in order.
        seconds: wall-clock time of this session.
    """

    path: Path
    rounds: tuple[Round, ...]
    seconds: float


def iterate(
    config: IterateConfig,
    out: Path,
    *,
    plugins: Plugins | None = None,
    on_event: OnEvent = ignore_event,
) -> IterationSummary:
    """Begins an expert iteration and runs it to its end.

    Args:
        config: what to do.
        out: the folder to make; must not exist or be empty.
        plugins: default: those that are installed.
        on_event: told what happens, in this thread.

    Raises:
        KeyboardInterrupt: what was done is kept; :func:`resume_iteration` resumes it.
        UsageError: a wrong option, a component that can't take part, or no training or validation theorem.
        InputError: ``out`` is taken, or trajectories that can't be learnt from.
        ProofsearchError: as :func:`proofsearch.runs.run.run_search` and :func:`proofsearch.training.train`.
    """
    plugins = plugins or Plugins.discover()
    _refuse_taken(out)
    config = check(plugins, config)
    _check_samples(plugins, config, on_event)
    rounds = Rounds(plugins, config, out, on_event)
    rounds.check()
    with locked(out / _LOCK, "iteration"):
        _write(out / SETTINGS, to_toml(config).encode())
        return _run(rounds, out)


def resume_iteration(
    path: Path,
    *,
    rounds: int | None = None,
    workers: int | None = None,
    plugins: Plugins | None = None,
    on_event: OnEvent = ignore_event,
) -> IterationSummary:
    """Resumes an expert iteration where it was stopped or killed.

    Args:
        path: the iteration's folder.
        rounds: instead of its own number: more rounds continue one that was finished.
        workers: instead of its own number.
        plugins: default: those that are installed.
        on_event: told what happens, in this thread.

    Raises:
        InputError: no iteration, or damaged.
        ProofsearchError: as :func:`iterate`.
    """
    plugins = plugins or Plugins.discover()
    config = iteration_settings(path)
    if workers is not None:
        config = config.model_copy(update={"execution": config.execution.model_copy(update={"workers": workers})})
    if rounds is not None:
        config = config.model_copy(update={"rounds": rounds})
    config = check(plugins, config)
    iteration = Rounds(plugins, config, path, on_event)
    with locked(path / _LOCK, "iteration"):
        iteration.check()
        _write(path / SETTINGS, to_toml(config).encode())
        return _run(iteration, path)


def _run(rounds: Rounds, out: Path) -> IterationSummary:
    began = time.monotonic()
    rows: list[Round] = []
    for row in rounds:
        rows.append(row)
        table = {"rounds": [dataclasses.asdict(row) for row in rows]}
        _write(out / TABLE, json.dumps(table, indent=2).encode("ascii") + b"\n")
    return IterationSummary(out, tuple(rows), time.monotonic() - began)


def _check_samples(plugins: Plugins, config: IterateConfig, on_event: OnEvent) -> None:
    """Refuses at once what would only fail hours later: a library without training or validation theorems."""
    parts = resolve(plugins, search_config(config, what_learns(plugins, config.plugin), "train", None), shared=True)
    with Components(plugins, parts, on_event) as components:
        environment = components.environment()
        for split in ("train", "validation"):
            select(environment, SelectionConfig(split=split), config.seed)


def _refuse_taken(out: Path) -> None:
    if (out / SETTINGS).exists():
        raise InputError(
            f"{out}: already holds an expert iteration; resume it with --resume {out}, or choose another folder "
            f"with --out"
        )
    check_folder(out, own=lambda names: names - {_LOCK, SETTINGS + storage.PART_SUFFIX}, error=InputError)


def _write(file: Path, content: bytes) -> None:
    try:
        storage.write_whole(file, content)
    except OSError as error:
        raise StorageError(
            f"{file}: can't be written: {error.strerror or error}; what was done is kept: resume with: "
            f"proofsearch iterate --resume {file.parent}"
        ) from error
