"""What a training of the energy-based model holds in memory while its rows are several gigabytes.

    python benchmarks/ebm_memory.py [--theorems 1000] [--states 200] [--width 4096] [--steps 20] [--megabytes 256 0]
        [--folder DIR]

Searches are made up, and rows are random numbers that depend on a state's text. The same training is made several
times, each in a process of its own: with rows of 8 columns (what everything but the rows takes), with all rows in
memory, and with a bound (``--ebm-memory-megabytes``), beyond which they are in a file in DIR. For each: peak resident
memory, what of it is in excess of the first, as a share of the rows' size too, seconds of reading and encoding and of a
step (validations included), and whether the head is the same, bit for bit, as with all rows in memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import re
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_runs import print_table
from numpy.typing import NDArray
from proofsearch_ebm.config import EbmTrainerConfig
from proofsearch_ebm.losses.depth_regression import DepthRegression, DepthRegressionConfig
from proofsearch_ebm.losses.listwise import Listwise, ListwiseConfig

from proofsearch.engine import SearchResult, SearchStatus
from proofsearch.graph import SearchGraph
from proofsearch.protocols import TrainingReport, TrainingRequest
from proofsearch.trajectory.table import Origin, new_search_id, to_table
from proofsearch.trajectory.writer import write_file
from proofsearch.types import Finished, Goal, Outcome, ProofState, State, Theorem, Verdict

CHILDREN = 10
"""States that an expansion leads to; the last one but for the end of the proof is the one that is expanded next."""
ALL = 1e9


class RandomRows:
    """An encoder of a width: random numbers, the same for the same text."""

    def __init__(self, width: int) -> None:
        self.width = width

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``."""
        rows = np.empty((len(states), self.width), np.float32)
        for row, state in zip(rows, states, strict=True):
            seed = int.from_bytes(hashlib.blake2b(state.text.encode(), digest_size=8).digest(), "little")
            np.random.Generator(np.random.SFC64(seed)).random(dtype=np.float32, out=row)
        return rows

    def fingerprint(self) -> str:
        """Its width."""
        return f"random-{self.width}"

    def close(self) -> None:
        """Nothing."""


class Builder:
    """What the trainer asks for."""

    def __init__(self, encoder: RandomRows) -> None:
        self._encoder = encoder

    def status(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Nobody is told."""

    def encoder(self, name: str) -> RandomRows:
        """The one that there is."""
        return self._encoder

    def encoder_options(self, name: str) -> dict[str, Any]:
        """It has none."""
        return {}

    def loss_options(self, name: str) -> dict[str, Any]:
        """Says that they have none."""
        return {}

    def loss(self, name: str) -> Callable[..., Any]:
        """The two that are used by default."""
        losses: dict[str, Callable[..., Any]] = {
            "listwise": Listwise(ListwiseConfig()),
            "depth_regression": DepthRegression(DepthRegressionConfig()),
        }
        return losses[name]


def record(path: Path, theorems: int, states: int) -> None:
    """Made-up searches that go straight to a proof, each of so many states."""
    write_file(path, (_search(f"t{number}", states) for number in range(theorems)))


def _search(name: str, states: int) -> Any:
    graph = SearchGraph(_state(name))
    text, tactics = name, []
    steps = max(2, states // CHILDREN)
    for step in range(steps):
        node = graph.node_of(text)
        assert node is not None
        ends: dict[int, Outcome] = {0: Finished()} if step == steps - 1 else {}
        reached = [f"{name} {step} {child}" for child in range(CHILDREN - len(ends))]
        names = [f"go {step} {child}" for child in range(CHILDREN)]
        chances = [-1.0 - child / 8 for child in range(CHILDREN)]
        graph.expand(node, names, chances, [1] * CHILDREN, [_state(one) for one in reached], ends, 0.0)
        tactics.append(names[0] if ends else names[-1])
        text = reached[-1]
    graph.priority.extend([0.0] * (graph.num_nodes - len(graph.priority)))
    numbers: dict[str, Any] = dict.fromkeys(SearchResult.__dataclass_fields__, 0) | {
        "theorem": name,
        "status": SearchStatus.PROVED,
        "limit_hit": None,
        "tactics": tuple(tactics),
        "verdict": Verdict(True, "made up"),
        "messages": (),
        "graph": graph,
    }
    origin = Origin(environment="made-up", generator="policy", scorer="demonstration", fingerprint="1")
    theorem = Theorem(name, f"show {name}", split="train")
    return to_table(graph, SearchResult(**numbers), theorem, origin, search_id=new_search_id())


def _state(text: str) -> State:
    return State(text, (Goal(text),))


def measure(path: Path, folder: Path, width: int, steps: int, megabytes: float, answer: Any) -> None:
    """Trains once, in a process of its own, and sends what it took."""
    from proofsearch_ebm.training import trainer

    plots: Any = trainer
    plots.write_plots = lambda folder, pictures: []  # what they take is no matter of rows
    config = EbmTrainerConfig(
        steps=steps,
        memory_megabytes=megabytes,
        validate_every=max(1, steps // 2),
        bootstrap=100,
        min_expansions=1,
        context="none",
    )
    begun: list[float] = []
    said: list[str] = []

    def report(one: TrainingReport) -> None:
        said.extend(one.messages)
        if any("theorems to train on" in message for message in one.messages):
            begun.append(time.monotonic())

    start = time.monotonic()
    builder: Any = Builder(RandomRows(width))
    out = trainer.EbmTrainer(config, builder).train(TrainingRequest([path], folder, 0, False, report))
    end = time.monotonic()
    (head,) = out.glob("head-*.safetensors")
    parts = next(int(found[1]) for line in said if (found := re.search(r"of (\d+) different parts", line)))
    answer.send(
        {
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
            "rows": parts * width * 4 / 1e6,
            "head": hashlib.sha256(head.read_bytes()).hexdigest(),
            "read": begun[0] - start,
            "step": (end - begun[0]) / steps,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theorems", type=int, default=1000)
    parser.add_argument("--states", type=int, default=200, help="of a theorem")
    parser.add_argument("--width", type=int, default=4096, help="columns of a row")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--megabytes", type=float, nargs="*", default=[256, 0], help="bounds of what is in memory")
    parser.add_argument("--folder", type=Path, help="where the file of rows is; default: a temporary folder")
    arguments = parser.parse_args()
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "searches.parquet"
        record(path, arguments.theorems, arguments.states)
        found = {}
        kinds = {"8 columns": (8, ALL), "all in memory": (arguments.width, ALL)}
        kinds |= {f"at most {bound:g} MB in memory": (arguments.width, bound) for bound in arguments.megabytes}
        for number, (name, (width, megabytes)) in enumerate(kinds.items()):
            here, there = processes.Pipe(duplex=False)
            work = (path, Path(folder) / str(number), width, arguments.steps, megabytes, there)
            process = processes.Process(target=measure, args=work)
            process.start()
            there.close()
            found[name] = here.recv()
            process.join()
            print(json.dumps({name: found[name]}), flush=True)
        base, whole = found["8 columns"]["peak"], found["all in memory"]
        print_table(
            [
                "rows",
                "of MB",
                "peak MB",
                "beyond 8 columns, MB",
                "share of the rows",
                "reading s",
                "step s",
                "same head",
            ],
            [
                [
                    name,
                    f"{one['rows']:.0f}",
                    f"{one['peak']:.0f}",
                    f"{one['peak'] - base:.0f}",
                    f"{(one['peak'] - base) / one['rows']:.2f}" if name != "8 columns" else "–",
                    f"{one['read']:.1f}",
                    f"{one['step']:.3f}",
                    "–" if name == "8 columns" else "yes" if one["head"] == whole["head"] else "NO",
                ]
                for name, one in found.items()
            ],
        )


if __name__ == "__main__":
    main()
