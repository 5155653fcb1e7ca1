"""What it costs a search that it is watched: each tracker switched on, over the same searches without it.

    python benchmarks/trackers.py [--theorems 60] [--expansions 256] [--repetitions 5] [--only opentelemetry]

Theorems of the shipped prefix of set.mm are searched in this process, each with and without the observer, in turn and
in an alternating order, so that a busy machine disturbs both alike. Each is recorded and its proof verified, as in a
run. What is measured is processor time of all threads
of this process: an exporter's thread counts, what else the machine does doesn't. A tracker is told of each result, as
the leading process of a run is; beginning and ending its run is a constant, printed apart. Two ratios are printed: that
of the sums over theorems, of each the least of its repetitions, which a busy machine disturbs least; and that of all
repetitions, in which what an exporter does now and then counts. Each has a bootstrap interval over theorems (seed 0,
95%). A busy machine makes both inexact. Exact, but blind to what an observer costs the search beside it (caches that
are cold), is the last figure: the processor time inside of the observer's methods and of the threads that it has begun,
in a pass of its own, over that of the same searches without it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from bench_runs import print_table

from proofsearch.config import ExecutionConfig, LimitConfig, RunConfig, SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.engine.watching import Watcher
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols import RunInfo, SearchObserver, TheoremResult
from proofsearch.trajectory.table import Origin
from proofsearch.trajectory.writer import TrajectoryWriter
from proofsearch.types import Theorem, Verdict

OBSERVERS = ("opentelemetry", "tensorboard", "wandb", "mlflow", "trackio", "log")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theorems", type=int, default=60)
    parser.add_argument("--expansions", type=int, default=256)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=OBSERVERS, choices=OBSERVERS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        with tempfile.TemporaryDirectory(prefix="proofsearch-") as folder:
            os.environ |= {"WANDB_MODE": "offline", "TRACKIO_DIR": folder}
            os.chdir(folder)
            rows.append((name, *measured(name, arguments)))
            print(*rows[-1], flush=True)
            os.chdir("/")
    print_table(("observer", "processor time added, least", "all", "inside of it", "to begin and end a run, s"), rows)


def options_of(name: str) -> Mapping[str, Mapping[str, object]]:
    """Options that have an observer write here."""
    return {"opentelemetry": {"path": "spans.jsonl"}} if name == "opentelemetry" else {}


class Counting:
    """A watcher's stand-in that counts the processor seconds of what the watcher is told.

    Args:
        watcher: is told.

    Attributes:
        seconds: how many so far, of the thread that tells.
    """

    def __init__(self, watcher: Watcher) -> None:
        self.seconds = 0.0
        self.shortest = watcher.shortest
        self.started, self.expanded = self._counted(watcher.started), self._counted(watcher.expanded)
        self.finished, self.searched = self._counted(watcher.finished), self._counted(watcher.searched)
        self.timed = None if watcher.timed is None else self._counted(watcher.timed)

    def _counted(self, tell: Callable[..., None]) -> Callable[..., None]:
        def told(*arguments: object) -> None:
            began = time.thread_time()
            tell(*arguments)
            self.seconds += time.thread_time() - began - LOOKING

        return told


def looking() -> float:
    """Processor seconds that two looks at the clock find between them."""
    looks = [time.thread_time() for _ in range(10_000)]
    return float(np.diff(looks).mean())


LOOKING = looking()


def others() -> float:
    """Processor seconds of all threads but this one."""
    return time.process_time() - time.thread_time()


def measured(name: str, arguments: argparse.Namespace) -> tuple[str, str, str, str]:
    """Both ratios with their intervals, the share inside of the observer, and the constant."""
    config = RunConfig(
        observers=(name,),
        seed=arguments.seed,
        search=SearchConfig(limit=LimitConfig(expansions=arguments.expansions)),
        execution=ExecutionConfig(workers=1),
        options={key: dict(value) for key, value in options_of(name).items()},
    )
    plugins = Plugins.discover()
    with Components(plugins, resolve(plugins, config), run_id="benchmark") as components:
        environment, generator, scorer = components.environment(), components.generator(), components.scorer()
        (watcher,) = components.observers()
        listed = [theorem for theorem in environment.theorems() if theorem.split == "test"]
        sees_searches = watcher.sees_searches
        theorems = listed[:: max(1, len(listed) // arguments.theorems)][: arguments.theorems]

        def searched(theorem: Theorem, watcher: Watcher | Counting | None) -> float:
            session = environment.open(theorem)
            writer = TrajectoryWriter(Origin())
            observers: list[SearchObserver] = [writer, *([watcher] if watcher is not None and sees_searches else [])]

            def accept(tactics: tuple[str, ...]) -> tuple[Verdict, str | None]:
                proof = environment.write_proof(theorem, tactics)
                return environment.verify(theorem, proof), proof

            began = time.process_time()
            found: SearchResult = search(
                theorem,
                session,
                generator,
                scorer,
                config=config.search,
                seed=config.seed,
                accept=accept,
                observers=observers,
            )
            writer.take()
            if watcher is not None:
                watcher.searched(TheoremResult.from_search(found, seed=config.seed))
            seconds = time.process_time() - began
            session.close()
            return seconds

        about = RunInfo(Path(), config, len(theorems), 0)
        constant = timed(lambda: watcher.run_started(about))
        for theorem in theorems:
            searched(theorem, None)  # caches
        taken = np.zeros((2, arguments.repetitions, len(theorems)))
        for repetition in range(arguments.repetitions):
            for index, theorem in enumerate(theorems):
                for watched in (False, True) if (repetition + index) % 2 else (True, False):
                    taken[int(watched), repetition, index] = searched(theorem, watcher if watched else None)
        counting, before = Counting(watcher), others()
        for theorem in theorems:
            searched(theorem, counting)
        refuse_failed(watcher)
        constant += timed(lambda: watcher.run_finished(about, {}))
        constant += timed(watcher.close)
        inside = counting.seconds + others() - before
    print(f"{name}: {len(theorems)} theorems, {taken[0].mean() * 1000:.0f} ms a search without", flush=True)
    inside /= taken[0].min(axis=0).sum()
    return ratio(taken.min(axis=1)), ratio(taken.sum(axis=1)), f"{inside:.2%}", f"{constant:.2f}"


def ratio(taken: np.ndarray) -> str:
    """What observing adds, from seconds of shape (2, theorems): without, with."""
    without, with_ = taken
    draws = np.random.default_rng(0).integers(0, len(without), (2000, len(without)))
    low, high = np.quantile(with_[draws].sum(1) / without[draws].sum(1), [0.025, 0.975])
    return f"{with_.sum() / without.sum() - 1:+.2%} ({low - 1:+.2%} to {high - 1:+.2%})"


def timed(do: Callable[[], None]) -> float:
    """Wall-clock seconds."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def refuse_failed(watcher: Watcher) -> None:
    """A tracker that failed costs nothing any more."""
    if failure := watcher.take_failure():
        raise SystemExit(str(failure))


if __name__ == "__main__":
    main()
