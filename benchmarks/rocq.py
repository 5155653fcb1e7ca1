"""What the Rocq plugin does: tactics a second, endless tactics, and held-out lemmas of the standard library proved.

    python benchmarks/rocq.py speed [--bursts 10]
    python benchmarks/rocq.py endless [--timeout 1]
    python benchmarks/rocq.py library --out DIR [--lemmas 300] [--candidates 32] [--arms knn mixture mixture+and-or]

* ``speed``: a tactic is tried again and again at one state, by one process, which reads the goals and takes it back.
  Printed are tactics by second of the clock and by second of computing time, the prover's and ours, of the fastest of
  some bursts: on a shared machine the first says little.
* ``endless``: each line of ``plugins/proofsearch-rocq/tests/endless.txt`` at a state, then a tactic that applies.
  Printed is how long each took beyond the time-out, what its outcome was, and whether the state could be stepped then.
* ``library``: a seeded sample of the split ``test``, which is whole files that nothing is learnt from, of the lemmas
  that end in ``Qed``. Arms are policies: ``knn``, ``rocq-tactics``, ``mixture`` of the two, each with ``+and-or`` for
  that search algorithm, or with ``+confidence`` or ``+ebm`` for that value (its checkpoint:
  ``--option ebm.path=CHECKPOINT``). Runs are kept in DIR and resumed where they were stopped. Every proof counted was
  accepted by the check, in a fresh process.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from bench_runs import Options, finished_run, merged, parse_options, points, print_table
from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.environment import RocqEnvironment
from proofsearch_rocq.session import RocqSession
from proofsearch_rocq.states import RocqState

from proofsearch import Advanced
from proofsearch.config import ExecutionConfig, LimitConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.evaluation.pairs import efforts_of
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.intervals import wilson
from proofsearch.measures.paired import compare_solved
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.runs import RunFolder

ENDLESS = Path(__file__).parents[1] / "plugins" / "proofsearch-rocq" / "tests" / "endless.txt"
VALUES = ("confidence", "ebm")
POLICY: Options = {"mixture": {"of": ["knn:1", "rocq-tactics:1"]}}
TEXT = """Require Import Arith Lia List.
Lemma measured : forall n m : nat, n <= m -> n + m = m + n /\\ n < S m.
Proof. Admitted.
"""
SPEED = {
    "cheap": ("idtac", "split", "simpl", "intros", "assumption", "rewrite Nat.add_comm", "apply nothing"),
    "auto": ("auto",),
    "lia": ("lia",),
}
_BURST = 300

BUDGETS = (1, 4, 16, 64, 256)


@contextmanager
def measured(timeout: int) -> Iterator[tuple[RocqSession, RocqState]]:
    """A session on a small lemma, and its state behind ``intros``."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "Measured.v"
        file.write_text(TEXT, encoding="utf-8")
        environment = RocqEnvironment(RocqConfig(file=file, timeout=timeout), Path(folder))
        session = environment.open(environment.theorems()[0])
        try:
            yield session, advanced(session.step(advanced(session.initial()), "intros n m small"))
        finally:
            session.close()
            environment.close()


def advanced(outcome: Any) -> RocqState:
    assert isinstance(outcome, Advanced), outcome
    assert isinstance(outcome.state, RocqState)
    return outcome.state


def speed(arguments: argparse.Namespace) -> None:
    """Prints tactics a second, of the fastest of several bursts: what others do on the machine only makes it slower."""
    rows = []
    with measured(2) as (session, state):
        for kind, tactics in SPEED.items():
            for tactic in tactics:
                bursts = [burst(lambda tactic=tactic: session.step(state, tactic)) for _ in range(arguments.bursts)]
                fastest = [f"{_BURST / min(seconds):,.0f}" for seconds in zip(*bursts, strict=True)]
                rows.append([kind, f"`{tactic}`", *fastest])
    print_table(["kind", "tactic", "a second", "a second of computing time", "of the prover's alone"], rows)


def burst(step: Callable[[], Any]) -> tuple[float, float, float]:
    """Seconds that some steps take: by the clock, of computing time, and the prover's part of that."""
    own, others = computing()
    began = time.perf_counter()
    for _ in range(_BURST):
        step()
    clock = time.perf_counter() - began
    own_after, others_after = computing()
    theirs = others_after - others
    return clock, own_after - own + theirs, theirs


def computing() -> tuple[float, float]:
    """Seconds of computing time that this process and its children have taken."""
    own = psutil.Process()
    times = [child.cpu_times() for child in own.children()]
    return time.process_time(), sum(one.user + one.system for one in times)


def endless(arguments: argparse.Namespace) -> None:
    """Prints what endless tactics cost."""
    rows = []
    with measured(arguments.timeout) as (session, state):
        expected = type(session.step(state, "split"))
        for tactic in ENDLESS.read_text(encoding="utf-8").splitlines():
            took, outcome = timed(lambda tactic=tactic: session.step(state, tactic))
            again, after = timed(lambda: session.step(state, "split"))
            late = took + again - arguments.timeout
            usable = "yes" if type(after) is expected else "no"
            rows.append([f"`{tactic[:60]}`", type(outcome).__name__, f"{took:.2f}", f"{max(late, 0.0):.2f}", usable])
    print_table(["tactic", "outcome", "s", "s until usable beyond the time-out", "usable"], rows)
    print(f"largest: {max(float(row[3]) for row in rows):.2f} s; usable after {sum(row[4] == 'yes' for row in rows)}")


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call took, and what it returned."""
    began = time.perf_counter()
    found = call()
    return time.perf_counter() - began, found


def library(arguments: argparse.Namespace) -> None:
    """Searches the sample with each arm and prints what was proved."""
    options = merged({"rocq": {}}, parse_options(arguments.option))
    sample = sampled(arguments.out / "lemmas.txt", options, arguments.lemmas, arguments.seed)
    runs: dict[str, RunFolder] = {}
    for arm in arguments.arms:
        runs[arm] = finished_run(configured(arm, arguments, options, sample), arguments.out / arm)
        tell(runs)


def sampled(file: Path, options: Options, number: int, seed: int) -> Path:
    """Writes a sample of the split ``test``, in the library's order, unless the file exists."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        parts = resolve(Plugins.discover(), RunConfig(env="rocq", options=options), shared=True)
        with Components(Plugins.discover(), parts) as components:
            environment: Any = components.environment()
            lemmas = environment.lemmas
            names = [name for name, lemma in lemmas.items() if lemma.split == "test" and lemma.ending == "Qed"]
        chosen = set(random.Random(seed).sample(names, min(number, len(names))))
        file.write_text("".join(f"{name}\n" for name in names if name in chosen), encoding="utf-8")
    return file.absolute()


def configured(arm: str, arguments: argparse.Namespace, options: Options, sample: Path) -> RunConfig:
    """The run of an arm: a policy, and behind each ``+`` a search algorithm or a value."""
    policy, *added = arm.split("+")
    values = [value for value in VALUES if value in added]
    used = {kind: chosen for kind, chosen in options.items() if kind not in VALUES or kind in values}
    return RunConfig(
        env="rocq",
        generator=policy,
        scorer=values[0] if values else "logprob",
        seed=arguments.seed,
        select=SelectionConfig(file=str(sample)),
        search=SearchConfig(
            strategy="and-or" if "and-or" in added else "best-first",
            candidates=arguments.candidates,
            defer=arguments.defer if values else None,
            limit=LimitConfig(expansions=arguments.expansions, seconds=arguments.seconds),
        ),
        execution=ExecutionConfig(workers=arguments.workers),
        options=merged(used, POLICY if policy == "mixture" else {}),
    )


def tell(runs: dict[str, RunFolder]) -> None:
    """Prints what each arm proved of what all have searched, and the last arm against the others."""
    results = {arm: folder.results() for arm, folder in runs.items()}
    names = [name for name in next(iter(results.values())) if all(name in found for found in results.values())]
    rows = []
    for arm, found in results.items():
        for budget in BUDGETS:
            proved = sum(found[name].proved and found[name].expansions <= budget for name in names)
            low, high = wilson(proved, len(names))
            rows.append([arm, str(budget), f"{proved} of {len(names)}", f"{100 * low:.0f} to {100 * high:.0f}%"])
    print_table(["arm", "expansions", "proved", "95% interval"], rows)
    *others, last = (efforts_of(folder, names) for folder in runs.values())
    for arm, other in zip(runs, others, strict=False):
        for paired in compare_solved(other, last, "expansions", BUDGETS, Bootstrap()):
            print(
                f"{list(runs)[-1]} over {arm} within {paired.budget:.0f} expansions: {points(paired.difference)}, "
                f"p = {paired.p_value:.2g}; {paired.only_first} only without, {paired.only_second} only with",
                flush=True,
            )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("speed")
    part.add_argument("--bursts", type=int, default=10)
    part.set_defaults(run=speed)
    part = parts.add_parser("endless")
    part.add_argument("--timeout", type=int, default=1)
    part.set_defaults(run=endless)
    part = parts.add_parser("library")
    part.add_argument("--out", type=Path, required=True)
    part.add_argument("--lemmas", type=int, default=300)
    part.add_argument("--expansions", type=int, default=256)
    part.add_argument("--seconds", type=float, default=None)
    part.add_argument("--candidates", type=int, default=32)
    part.add_argument("--defer", type=int, default=4)
    part.add_argument("--arms", nargs="+", default=["knn", "mixture", "mixture+and-or"])
    part.add_argument("--seed", type=int, default=0)
    part.add_argument("--workers", type=int, default=2)
    part.add_argument("--option", action="append", default=[])
    part.set_defaults(run=library)
    arguments = parser.parse_args(given)
    arguments.run(arguments)


if __name__ == "__main__":
    main()
