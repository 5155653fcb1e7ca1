"""How a run folder comes to be: what is written once, and last the file that makes it one."""

from __future__ import annotations

import dataclasses
import datetime
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proofsearch import storage
from proofsearch.config import RunConfig
from proofsearch.config.toml import to_toml
from proofsearch.runs.layout import FORMAT, hashes, now, to_json
from proofsearch.runs.selection import Whole
from proofsearch.types import Theorem


def begin(path: Path, config: RunConfig, environment: Mapping[str, Any], theorems: Sequence[Theorem]) -> None:
    """Writes into a folder what a run has from its beginning, without a result.

    Args:
        path: the folder, which is there.
        config: the resolved configuration.
        environment: from :func:`proofsearch.runs.provenance.collect`.
        theorems: the selection, in order.

    Raises:
        OSError: it can't be written.
    """
    for folder in ("proofs", "trajectories"):
        (path / folder).mkdir(exist_ok=True)
    storage.write_whole(path / "config.toml", to_toml(config).encode())
    storage.write_whole(path / "environment.json", to_json(environment))
    lines = "".join(json.dumps(dataclasses.asdict(theorem)) + "\n" for theorem in theorems)
    storage.write_whole(path / "theorems.jsonl", lines.encode("ascii"))
    storage.write_whole(path / "results.jsonl", b"")


def seal(
    path: Path, status: str, theorems: Sequence[Theorem], proof_suffix: str, whole: Whole | None = None
) -> dict[str, Any]:
    """Writes ``run.json``, with which a folder is a run.

    Args:
        path: the folder, in which the rest is.
        status: how far the run is.
        theorems: the selection, in order.
        proof_suffix: of the environment, with its dot.
        whole: what the theorems are a shard of; default: they are the whole selection.

    Returns:
        What it says.

    Raises:
        OSError: it can't be written.
    """
    header = {
        "format": FORMAT,
        "run_id": f"{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
        "created": now(),
        "updated": now(),
        "status": status,
        "proof_suffix": proof_suffix,
        "theorems": len(theorems),
        "selected": dataclasses.asdict(whole or Whole.of(theorems)),
        "sha256": hashes(path),
    }
    storage.write_whole(path / "run.json", to_json(header))
    return header
