"""What the search loop itself costs: expansions a second and bytes a node on a prover and a policy that take no time.

Three contenders, interleaved in one process so that a busy machine disturbs all alike:

* ``stub``: making the states and nothing else; no search can be faster.
* ``heapq``: the obvious 25 lines, a heap of node objects with slots.
* ``proofsearch``: :func:`proofsearch.engine.search`.

    python benchmarks/search_loop.py [--expansions 20000] [--branching 16] [--repetitions 7] [--text-keys] [--scored]
        [--guarded] [--watched]
"""

from __future__ import annotations

import argparse
import gc
import heapq
import platform
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial

from stub import THEOREM, StubGenerator, StubSession, StubState, TextKeyedState

from proofsearch.config import LimitConfig, PriorityConfig, SearchConfig
from proofsearch.engine import SearchGraph, SearchResult, search
from proofsearch.engine.watching import Watcher
from proofsearch.guards import GuardedSession, Owner, guarded
from proofsearch.protocols import GenerationRequest, ScoreRequest, Session, TacticGenerator
from proofsearch.types import Advanced, ProofState, Theorem

BOOTSTRAP_SEED = 0
BOOTSTRAP_SAMPLES = 2000
Run = Callable[[], object]


def stub_alone(expansions: int, branching: int, state: type[StubState]) -> object:
    session, generator = StubSession(state), StubGenerator(branching)
    initial = session.initial()
    assert isinstance(initial, Advanced)
    kept = [initial.state]
    for at in range(expansions):
        request = GenerationRequest(THEOREM, kept[at])
        for candidate in generator.generate([request], branching)[0]:
            outcome = session.step(kept[at], candidate.tactic)
            if isinstance(outcome, Advanced):
                kept.append(outcome.state)
    return kept


class Node:
    """A node of the heapq baseline."""

    __slots__ = ("edges", "logprob", "parent", "state", "tactic")

    def __init__(self, state: ProofState, parent: Node | None, tactic: str, logprob: float) -> None:
        self.state, self.parent, self.tactic, self.logprob = state, parent, tactic, logprob
        self.edges: list[Node] = []


def heapq_baseline(expansions: int, branching: int, state: type[StubState]) -> object:
    session, generator = StubSession(state), StubGenerator(branching)
    initial = session.initial()
    assert isinstance(initial, Advanced)
    root = Node(initial.state, None, "", 0.0)
    seen = {initial.state.key: root}
    heap = [(0.0, 0, root)]
    inserted = 0
    for _ in range(expansions):
        node = heapq.heappop(heap)[2]
        for candidate in generator.generate([GenerationRequest(THEOREM, node.state)], branching)[0]:
            outcome = session.step(node.state, candidate.tactic)
            if isinstance(outcome, Advanced):
                child = seen.get(outcome.state.key)
                if child is None:
                    child = Node(outcome.state, node, candidate.tactic, node.logprob + candidate.logprob)
                    seen[outcome.state.key] = child
                    inserted += 1
                    heapq.heappush(heap, (-child.logprob, inserted, child))
                node.edges.append(child)
    return root, seen, heap


class StubScorer:
    """A value at hand."""

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        """The log-probability again."""
        return [request.logprob for request in requests]

    def close(self) -> None:
        """Nothing to free."""


class IdleObserver:
    """Looks at nothing."""

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """Nothing."""

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """Nothing."""

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing to free."""


def ours(
    expansions: int,
    branching: int,
    state: type[StubState],
    scored: bool = False,
    guards: bool = False,
    watched: bool = False,
) -> object:
    config = SearchConfig(
        candidates=branching,
        limit=LimitConfig(expansions=expansions),
        priority=PriorityConfig(kind="value" if scored else "logprob"),
    )
    scorer = StubScorer() if scored else None
    session: Session = StubSession(state)
    generator: TacticGenerator = StubGenerator(branching)
    if guards:  # as the components of a run have
        session = GuardedSession(session, Owner("environment", "stub", "benchmark"))
        generator = guarded(generator, Owner("generator", "stub", "benchmark"))
        scorer = scorer and guarded(scorer, Owner("scorer", "stub", "benchmark"))
    # As a run has it watched.
    watchers = [Watcher(guarded(IdleObserver(), Owner("observer", "idle", "benchmark")))] if watched else []
    result = search(THEOREM, session, generator, scorer, config=config, observers=watchers)
    assert (result.expansions, result.nodes) == (expansions, expansions * branching + 1)
    return result


def timed(run: Run) -> tuple[float, float]:
    """Wall-clock and processor seconds of one run, on a collected heap; freeing the result is not counted."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    kept = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    del kept
    return wall, cpu


def bytes_held(run: Run) -> int:
    """What the run's result keeps allocated, by tracemalloc: states with their texts included."""
    gc.collect()
    tracemalloc.start()
    kept = run()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return held


def interval(sample: Sequence[float], draws: random.Random) -> tuple[float, float]:
    """A 95 % percentile bootstrap interval of the median."""
    medians = sorted(statistics.median(draws.choices(sample, k=len(sample))) for _ in range(BOOTSTRAP_SAMPLES))
    return medians[int(0.025 * BOOTSTRAP_SAMPLES)], medians[int(0.975 * BOOTSTRAP_SAMPLES) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expansions", type=int, default=20_000)
    parser.add_argument("--branching", type=int, default=16)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--text-keys", action="store_true", help="deduplicate by the 200-character text")
    parser.add_argument("--scored", action="store_true", help="also time a search with a scorer and priority 'value'")
    parser.add_argument("--guarded", action="store_true", help="also time searches whose components have guards")
    parser.add_argument("--watched", action="store_true", help="also time a search with an observer that does nothing")
    options = parser.parse_args()
    size = (options.expansions, options.branching, TextKeyedState if options.text_keys else StubState)
    runs: dict[str, partial[object]] = {
        "stub": partial(stub_alone, *size),
        "heapq": partial(heapq_baseline, *size),
        "proofsearch": partial(ours, *size),
    }
    if options.scored:
        runs["proofsearch, scored"] = partial(ours, *size, scored=True)
    if options.watched:
        runs["proofsearch, watched"] = partial(ours, *size, watched=True)
    if options.guarded:
        runs |= {f"{name}, guarded": partial(run, guards=True) for name, run in runs.items() if run.func is ours}

    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(options.repetitions):
        for name, run in runs.items():
            times[name].append(timed(run))

    draws = random.Random(BOOTSTRAP_SEED)
    nodes = options.expansions * options.branching + 1
    print(
        f"{options.expansions} expansions x {options.branching} children, {'text' if options.text_keys else 'integer'} "
        f"keys; Python {platform.python_version()} on {platform.machine()}, {sys.platform}"
    )
    print(
        f"medians of {options.repetitions} interleaved repetitions after one to warm up; 95 % percentile bootstrap "
        f"intervals of the median over repetitions ({BOOTSTRAP_SAMPLES} resamples, seed {BOOTSTRAP_SEED})"
    )
    for name, run in runs.items():
        rates = [options.expansions / wall for wall, _ in times[name]]
        to_stub = [stub / wall for (wall, _), (stub, _) in zip(times[name], times["stub"], strict=True)]
        to_heapq = [baseline / wall for (wall, _), (baseline, _) in zip(times[name], times["heapq"], strict=True)]
        low, high = interval(rates, draws)
        cpu = statistics.median(seconds for _, seconds in times[name])
        print(
            f"{name:20} {statistics.median(rates):8.0f} expansions/s [{low:.0f}, {high:.0f}], best {max(rates):.0f}"
            f"; CPU {cpu:.2f} s; {bytes_held(run) / nodes:.0f} bytes a node"
        )
        to_ours = [mine / wall for (wall, _), (mine, _) in zip(times[name], times["proofsearch"], strict=True)]
        for other, ratios in (("stub", to_stub), ("heapq", to_heapq), ("proofsearch", to_ours)):
            low, high = interval(ratios, draws)
            print(f"{'':20} {statistics.median(ratios):8.2f} x {other} [{low:.2f}, {high:.2f}]")


if __name__ == "__main__":
    main()
