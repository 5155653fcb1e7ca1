"""What a prover holds while it is searched with: resident memory after many steps over that after few.

The prover is a process that holds 1 kB a state (``stub_prover.py``). Two searches, 16 candidates an expansion:

* ``narrow``: one leads to a new state, five to known ones, ten nowhere; what waits doesn't grow.
* ``broad``: each leads to a new state, so what waits grows with every expansion; a session that frees holds at most
  1,000 states and replays the others when their turn comes.

    python benchmarks/prover_memory.py [--steps 50000] [--early 5000] [--repetitions 3]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from contextlib import closing

from bench_runs import print_table
from stub import THEOREM
from stub_prover import FreeingSession, HoldingSession, TacticsOf

from proofsearch.config import LimitConfig, SearchConfig
from proofsearch.engine import SearchResult, search
from proofsearch.graph import SearchGraph
from proofsearch.protocols import Usage
from proofsearch.types import Theorem

CANDIDATES = 16
MOST = 1000


class Looks:
    """Asks what the prover uses after so many steps and at the end; an observer."""

    def __init__(self, session: HoldingSession, early: int) -> None:
        self._session = session
        self._early = early
        self.early: Usage | None = None
        self.late: Usage | None = None

    def started(self, theorem: Theorem, graph: SearchGraph) -> None:
        """Too early."""

    def expanded(self, graph: SearchGraph, node: int) -> None:
        """Asks once, when there were enough steps."""
        if self.early is None and graph.num_edges >= self._early:
            self.early = self._session.usage()

    def finished(self, graph: SearchGraph, result: SearchResult) -> None:
        """Asks for the last time."""
        self.late = self._session.usage()


def measure(
    make: Callable[[], HoldingSession], tactics: TacticsOf, steps: int, early: int
) -> tuple[Usage, Usage, float]:
    """What the prover uses after few steps and after all, and how many steps were replayed for each one asked."""
    limit = LimitConfig(expansions=None, steps=steps)
    with closing(make()) as session:
        looks = Looks(session, early)
        config = SearchConfig(candidates=CANDIDATES, limit=limit)
        result = search(THEOREM, session, tactics, config=config, observers=[looks])
        assert looks.early is not None
        assert looks.late is not None
        return looks.early, looks.late, session.replayed / result.steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--early", type=int, default=5_000)
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    narrow, broad = TacticsOf(1, 5, 10), TacticsOf(CANDIDATES)
    contenders: list[tuple[str, str, Callable[[], HoldingSession], TacticsOf]] = [
        ("narrow", "holds all", HoldingSession, narrow),
        ("narrow", "frees what is released", FreeingSession, narrow),
        ("broad", "holds all", HoldingSession, broad),
        ("broad", f"frees all but {MOST:,}", lambda: FreeingSession(MOST), broad),
    ]
    rows = []
    for shape, name, make, tactics in contenders:
        found = [measure(make, tactics, arguments.steps, arguments.early) for _ in range(arguments.repetitions)]
        ratios = [late.memory / early.memory for early, late, _ in found]
        early, late, replayed = found[0]
        rows.append(
            (
                shape,
                name,
                f"{early.memory / 1e6:.1f} MB, {early.states:,}",
                f"{late.memory / 1e6:.1f} MB, {late.states:,}",
                f"×{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})",
                f"{replayed:.2f}",
            )
        )
    header = (
        "search",
        "session",
        f"after {arguments.early:,} steps: memory, states held",
        f"after {arguments.steps:,}",
        "memory, late over early",
        "replayed a step",
    )
    print_table(header, rows)


if __name__ == "__main__":
    main()
