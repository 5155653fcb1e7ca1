"""What a trial costs in Lean beyond the tactic's own time, how many a second there are, and whether memory grows.

    python benchmarks/lean.py [--lean-command lean] [--trials 300] [--rounds 5] [--memory-trials 10000]

Everything goes through the environment as a search uses it: sessions in threads, each with a process of Lean's. The
trial whose cost is measured does nothing (`skip`), so what it takes is the text's way to Lean and back. Trials a second
are of tactics as a policy writes them, two thirds of which fail, over states of four depths; the numbers of sessions
take turns, round by round, so that what else the machine does slows all alike. Memory is that of one session's process,
with and without what it maps from files. Transport `repl`: --repl FOLDER.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
from bench_runs import print_table
from proofsearch_lean.config import LeanConfig
from proofsearch_lean.environment import LeanEnvironment
from proofsearch_lean.session import LeanSession

from proofsearch import Advanced, ProofState

THEOREM = "theorem bench (p q r : Prop) (a b : Nat) (h : p ∧ q) (k : q → r) : (r ∧ p) ∧ a + b = b + a := by sorry\n"
PATH = ("constructor", "cases h with\n| intro x y => skip", "have z := k (And.right (by assumption))")
"""Steps that lead to deeper states; those that don't apply are left out."""
TACTICS = (
    "simp",
    "simp_all",
    "assumption",
    "exact ⟨⟨k h.2, h.1⟩, Nat.add_comm a b⟩",
    "constructor",
    "intro x",
    "rw [Nat.add_comm]",
    "exact h.1",
    "apply Or.inl",
    "cases h",
    "have w := k h.2",
    "exact no_such_theorem",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lean-command", default=None, help="the program lean; default: the one that is found")
    parser.add_argument("--repl", type=Path, default=None, help="the folder of a built REPL: measures that transport")
    parser.add_argument("--trials", type=int, default=300, help="of each session, a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--memory-trials", type=int, default=10_000, help="0: memory isn't measured")
    options = parser.parse_args()
    with environment(options) as lean:
        print(f"Lean {lean.toolchain.version}, transport {'server' if options.repl is None else 'repl'}")
        print_costs(lean, options.trials, options.rounds)
        print_rates(lean, options.sessions, options.trials, options.rounds)
        if options.memory_trials:
            print_memory(lean, options.memory_trials)


@contextmanager
def environment(options: argparse.Namespace) -> Iterator[LeanEnvironment]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "Bench.lean"
        file.write_text(THEOREM)
        given = {} if options.repl is None else {"transport": "repl", "repl": options.repl}
        config = LeanConfig(command=options.lean_command, file=file, timeout=60, **given)
        with closing(LeanEnvironment(config, Path(folder))) as opened:
            yield opened


def states_of(session: LeanSession) -> list[ProofState]:
    """The theorem and states below it, each one step deeper."""
    outcome = session.initial()
    assert isinstance(outcome, Advanced), outcome
    states = [outcome.state]
    for tactic in PATH:
        outcome = session.step(states[-1], tactic)
        if isinstance(outcome, Advanced):
            states.append(outcome.state)
    return states


def print_costs(lean: LeanEnvironment, trials: int, rounds: int) -> None:
    """Prints what a trial costs that does nothing."""
    taken: list[float] = []
    with closing(lean.open(lean.theorem("bench"))) as session:
        for state in states_of(session):
            for number in range(trials * rounds // 4):
                # Another text each time: an equal one is nothing to do.
                tactic = f"skip{' ' * (number % 2)}; skip"
                began = time.perf_counter()
                session.step(state, tactic)
                taken.append(1000 * (time.perf_counter() - began))
    taken.sort()
    print_table(
        ["a trial that does nothing", "ms"],
        [
            ["median", f"{statistics.median(taken):.1f}"],
            ["quartiles", f"{taken[len(taken) // 4]:.1f} to {taken[3 * len(taken) // 4]:.1f}"],
            ["95th percentile", f"{taken[len(taken) * 95 // 100]:.1f}"],
        ],
    )


def print_rates(lean: LeanEnvironment, counts: Sequence[int], trials: int, rounds: int) -> None:
    """Prints trials a second at several numbers of sessions, which take turns."""
    rates: dict[int, list[float]] = {count: [] for count in counts}
    sessions = [lean.open(lean.theorem("bench")) for _ in range(max(counts))]
    try:
        states = [states_of(session) for session in sessions]
        for _ in range(rounds):
            for count in counts:
                threads = [
                    threading.Thread(target=try_all, args=(session, below, trials))
                    for session, below in itertools.islice(zip(sessions, states, strict=True), count)
                ]
                began = time.perf_counter()
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                rates[count].append(count * trials / (time.perf_counter() - began))
    finally:
        for session in sessions:
            session.close()
    print_table(
        ["sessions", "trials a second, median of rounds", "least", "greatest"],
        [[str(n), f"{statistics.median(r):.0f}", f"{min(r):.0f}", f"{max(r):.0f}"] for n, r in rates.items()],
    )


def try_all(session: LeanSession, states: Sequence[ProofState], trials: int) -> None:
    """Expands the states in turn, each with all of the tactics, as a search does."""
    left = trials
    for state in itertools.cycle(states):
        for tactic in TACTICS[:left]:
            session.step(state, tactic)
            left -= 1
        if not left:
            return


def print_memory(lean: LeanEnvironment, trials: int) -> None:
    """Prints the memory of one session's processes as it makes trials."""
    rows = []
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    lean.renew()
    with closing(lean.open(lean.theorem("bench"))) as session:
        states = states_of(session)
        own = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
        first: tuple[int, ...] = ()
        made = 0
        for mark in sorted({min(500, trials), *range(2500, trials, 2500), trials}):
            try_all(session, states, mark - made)
            made = mark
            memory = sum(process.memory_info().rss for process in own), session.usage().memory
            first = first or memory
            cells = [f"{now / 1e6:.1f} (×{now / then:.2f})" for now, then in zip(memory, first, strict=True)]
            rows.append([f"{made:,}", *cells])
    print_table(["trials", "resident MB", "of that its own"], rows)


if __name__ == "__main__":
    main()
