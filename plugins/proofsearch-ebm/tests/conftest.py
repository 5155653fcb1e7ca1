"""Scripted searches as trajectory files, and an encoder to read them with."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from proofsearch_ebm.data.dataset import Dataset, build_dataset
from proofsearch_ebm.data.parts import PartEncoder

from proofsearch.engine import SearchResult, SearchStatus
from proofsearch.graph import SearchGraph
from proofsearch.trajectory.table import Origin, new_search_id, to_table
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Finished, Goal, ProofState, Rejected, State, Theorem, Verdict

Script = Sequence[tuple[str, Sequence[str]]]
"""Expansions in order: a state's text, and its steps: the text reached, ``"qed"``, or ``"no"``."""


def make_state(text: str) -> State:
    """The goals of ``"p & q"`` are ``p`` and ``q``."""
    return State(text, tuple(Goal(goal) for goal in text.split(" & ")))


def make_table(
    theorem: str,
    script: Script,
    *,
    split: str = "train",
    position: int | None = None,
    proved: bool = True,
    **origin: Any,
) -> pa.Table:
    """A search that did this. Step ``i`` of an expansion has log-probability ``−(i + 1) / 4``; values are absurd."""
    graph = SearchGraph(make_state(script[0][0]))
    tactics: tuple[str, ...] = ()
    for text, steps in script:
        node = graph.node_of(text)
        assert node is not None, f"{text!r} was not reached before it is expanded"
        failures = {
            place: Finished() if step == "qed" else Rejected("no")
            for place, step in enumerate(steps)
            if step in ("qed", "no")
        }
        if "qed" in steps and not tactics:
            tactics = (*graph.path(node), f"{text}.{steps.index('qed')}")
        graph.expand(
            node,
            [f"{text}.{place}" for place in range(len(steps))],
            [-(place + 1) / 4 for place in range(len(steps))],
            [1] * len(steps),
            [make_state(step) for step in steps if step not in ("qed", "no")],
            failures,
            0.0,
        )
        graph.priority.extend([0.0] * (graph.num_nodes - len(graph.priority)))
    for number in range(graph.num_nodes):
        graph.value[number] = math.nan if number % 2 else 1e30
    result = SearchResult(
        theorem=theorem,
        status=SearchStatus.PROVED if proved else SearchStatus.LIMIT,
        limit_hit=None if proved else "expansions",
        tactics=tactics if proved else None,
        verdict=Verdict(True, "test") if proved else None,
        **{
            name: 0
            for name in SearchResult.__dataclass_fields__
            if name not in ("theorem", "status", "limit_hit", "tactics", "verdict", "messages", "graph")
        },
        messages=(),
        graph=graph,
    )
    settings = {"environment": "toy", "generator": "policy", "scorer": "demonstration", "fingerprint": "f1"} | origin
    return to_table(
        graph,
        result,
        Theorem(theorem, f"show {theorem}", position=position, split=split),
        Origin(**settings),
        search_id=new_search_id(),
    )


class LetterEncoder:
    """Rows from a hash of the state's and its goals' texts. Counts what it is asked for."""

    width = 8

    def __init__(self, name: str = "letters-1") -> None:
        self.name = name
        self.encoded: list[str] = []
        self.closed = False

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        self.encoded += [state.text for state in states]
        rows = np.empty((len(states), self.width), np.float32)
        for row, state in enumerate(states):
            text = "|".join([self.name, state.text, *(goal.text for goal in state.goals)])
            digest = hashlib.blake2b(text.encode(), digest_size=4 * self.width).digest()
            rows[row] = np.frombuffer(digest, "<u4").astype(np.float32) / 2**32 + 0.1
        return rows

    def fingerprint(self) -> str:
        return self.name

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def table() -> Callable[..., pa.Table]:
    return make_table


@pytest.fixture
def state() -> Callable[[str], State]:
    return make_state


@pytest.fixture
def letters() -> type[LetterEncoder]:
    return LetterEncoder


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """``write(name, table, …)`` writes a trajectory file and returns its path."""

    def write_tables(name: str, *tables: pa.Table) -> Path:
        path = tmp_path / f"{name}.parquet"
        write_file(path, tables)
        return path

    return write_tables


@pytest.fixture
def build(write: Callable[..., Path]) -> Callable[..., Dataset]:
    """``build(table, …, kind="state", max_states=100)`` is the dataset of these searches, all in one file."""

    def build_from(
        *tables: pa.Table, kind: Any = "state", max_states: int = 100, with_theorem: bool = False, **options: Any
    ) -> Dataset:
        settings: dict[str, Any] = {"min_expansions": 1, "seed": 0, "say": lambda line: None} | options
        encoder = PartEncoder(LetterEncoder(), kind, with_theorem=with_theorem)
        path = write(f"searches-{new_search_id()}", *tables)
        return build_dataset([path], encoder, max_states_per_theorem=max_states, **settings)

    return build_from


@pytest.fixture
def states_by_text() -> Callable[..., dict[str, int]]:
    """``states_by_text(dataset, theorem, "a", "b")``: the ids of the states with these texts, those that there are."""

    def look_up(dataset: Dataset, theorem: int, *texts: str) -> dict[str, int]:
        found = {}
        for text in texts:
            digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
            wanted = np.frombuffer(digest, "<u8")
            ids = dataset.theorems[theorem].states
            at = ids[(dataset.key[ids] == wanted).all(axis=1)]
            assert len(at) <= 1, f"{text!r} is {len(at)} states of one theorem"
            if len(at):
                found[text] = int(at[0])
        return found

    return look_up
