"""A run with small real searches, and the states that a kill could leave on the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from proofsearch.config import RunConfig
from proofsearch.engine import search
from proofsearch.protocols import GenerationRequest, TheoremResult
from proofsearch.runs import RunFolder
from proofsearch.trajectory.table import Origin
from proofsearch.trajectory.writer import TrajectoryWriter
from proofsearch.types import (
    Advanced,
    Candidate,
    Finished,
    Goal,
    Outcome,
    ProofState,
    Rejected,
    State,
    Theorem,
    Verdict,
)

NAMES = ("Nat.add_comm", "nat.add_comm", "Zahl/größe ≤ 2", "part-00000")
"""Names with a clash of case, bytes that file names don't take, and the name of a merged file."""


class _Countdown:
    """An environment's session: a number, to be brought to 0 by ``-1`` or ``-2``; ``+1`` makes cycles."""

    def initial(self) -> Outcome:
        return Advanced(_number(5))

    def step(self, state: ProofState, tactic: str) -> Outcome:
        number = int(state.text.removeprefix("goal ")) + int(tactic)
        if number == 0:
            return Finished()
        return Advanced(_number(number)) if number > 0 else Rejected("below zero")

    def close(self) -> None:
        pass


class _Policy:
    def generate(self, requests: list[GenerationRequest], n: int) -> list[list[Candidate]]:
        return [[Candidate("-1", -1.0), Candidate("-2", -1.5), Candidate("1", -0.5)][:n] for _ in requests]

    def close(self) -> None:
        pass


def _number(number: int) -> State:
    return State(f"goal {number}", (Goal(f"goal {number}"),))


def _searched(theorem: Theorem, run_id: str = "run") -> tuple[TheoremResult, str, pa.Table]:
    """Searches a theorem: the result, the written proof and the trajectory."""
    writer = TrajectoryWriter(Origin(run_id, "countdown", "policy", ""))
    result = search(
        theorem,
        _Countdown(),
        _Policy(),
        config=RunConfig().search,
        accept=lambda tactics: (Verdict(True, "checker 1.0", rests_on=("ax-1",)), None),
        observers=[writer],
    )
    taken = writer.take()
    assert taken is not None
    return TheoremResult.from_search(result, seed=3, search_id=taken[0]), f"proof of {theorem.name}\r\n", taken[1]


@pytest.fixture
def theorems() -> list[Theorem]:
    return [Theorem(name, f"⊢ {name}", position=index, split="test") for index, name in enumerate(NAMES)]


@pytest.fixture
def run(tmp_path: Path, theorems: list[Theorem]) -> Iterator[RunFolder]:
    """A run with four theorems and no result, open for writing."""
    with RunFolder.create(
        tmp_path / "run", RunConfig(seed=3), {"python": "3.11.7"}, theorems, proof_suffix=".mmp"
    ) as folder:
        yield folder


@pytest.fixture
def record() -> Callable[[RunFolder, Theorem], TheoremResult]:
    """Searches a theorem and records what came of it."""

    def do(run: RunFolder, theorem: Theorem) -> TheoremResult:
        result, proof, table = _searched(theorem, run.run_id)
        return run.record(result, proof, table)

    return do


@pytest.fixture
def searched() -> Callable[..., tuple[TheoremResult, str, pa.Table]]:
    """Searches a theorem: the result, the written proof and the trajectory."""
    return _searched


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], object]:
    """``with kills(folder) as snapshots:`` copies the folder around every primitive step of writing.

    Each copy is what a SIGKILL at that moment leaves. Unlike an exception raised there, it leaves no chance to clean
    up. A write of bytes is done in two halves, with a copy in between.
    """

    @contextmanager
    def watch(folder: Path) -> Iterator[list[Path]]:
        snapshots: list[Path] = []
        active = True

        previous: list[object] = []

        def snapshot() -> None:
            if active and folder.exists():
                content = sorted((str(path), path.read_bytes()) for path in folder.rglob("*") if path.is_file())
                if content in previous:
                    return
                previous[:] = [content]
                copy = tmp_path / "snapshots" / f"{len(snapshots):03d}" / folder.name
                shutil.copytree(folder, copy)
                snapshots.append(copy)

        def around(function: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **options: object) -> object:
                snapshot()
                result = function(*arguments, **options)
                snapshot()
                return result

            return call

        write = os.write

        def write_half(descriptor: int, content: bytes) -> int:
            snapshot()
            written = write(descriptor, bytes(content)[: max(1, len(content) // 2)]) if content else 0
            snapshot()
            return written

        with monkeypatch.context() as patch:
            patch.setattr("proofsearch.storage.files.os.write", write_half)
            for name in ("fsync", "ftruncate"):
                patch.setattr(f"proofsearch.storage.files.os.{name}", around(getattr(os, name)))
            for name in ("replace", "unlink"):
                patch.setattr(Path, name, around(getattr(Path, name)))
            yield snapshots
            active = False

    return watch
