"""How many held-out theorems of a Metamath database are proved: two policies, two conditions, the same theorems.

    python benchmarks/metamath.py --out DIR --database set.mm [--theorems 600] [--expansions 1024]

The theorems are a seeded sample of a split (without labels that end in OLD or ALT). An *arm* is a policy under a
condition:

* ``knn-random``, ``ranker-random``: learnt from the split ``train``, wherever its theorems stand, as others report.
* ``knn-chronological``: remembers only what stands before the target.
* ``ranker-chronological``: a folder of weights with cuts (``proofsearch train --plugin metamath-ranker
  --metamath-ranker-cuts K``), of which the last policy answers that has learnt nothing from the theorem on. Theorems
  before the first cut are searched with the chronological k-NN.
* ``mixture-chronological``: half of the probabilities of these and half of the chronological k-NN's, which has all of
  them before the first cut.
* ``…+and-or``: the same weights in the search mode and-or.
* ``…+confidence``: the same weights with the value ``confidence`` beside them, fitted or, without ``--confidence``,
  untrained. ``…+and-or+confidence`` has both.

Weights are trained where they are not given or made before. Every step is kept in DIR, gone on with where it was
stopped, and skipped where it is complete. Prints what each arm proved within each budget with Wilson's 95% interval,
by the length of the library's own proof, its expansions a second, and arms against each other by McNemar's exact test.
With --seconds a sample of --timed-theorems is searched once more by time alone. Every proof counted was accepted by the
verifier; ``proofsearch metamath splice`` makes a database of them for others.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench_runs import Options, finished_run, merged, parse_options, points, print_table
from proofsearch_metamath.ranker.cuts import read_cuts

from proofsearch.config import ExecutionConfig, LimitConfig, RunConfig, SearchConfig, SelectionConfig, TrainConfig
from proofsearch.evaluation.pairs import efforts_of
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.intervals import wilson
from proofsearch.measures.paired import Efforts, compare_solved
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols.events import Event, Progressed
from proofsearch.runs import RunFolder
from proofsearch.runs.selection import select
from proofsearch.training import train
from proofsearch.types import Theorem

AND_OR, CONFIDENCE = "+and-or", "+confidence"
LEARNT = ("ranker-random", "ranker-chronological", "mixture-chronological")
HOW = ("", AND_OR, CONFIDENCE, AND_OR + CONFIDENCE)
ARMS = ("knn-random", "knn-chronological", *(arm + how for arm in LEARNT for how in HOW))
DEFAULT_ARMS = ("knn-random", "knn-chronological", "ranker-random", "ranker-random+and-or", *LEARNT[1:])
RANKER = "metamath-ranker"
LENGTHS = ((0, 1), (2, 3), (4, 5), (6, 9), (10, 19), (20, 10**9))
"""Numbers of steps of the library's proof that are told apart."""


@dataclass(frozen=True)
class Part:
    """Theorems that are searched in the same way, as part of an arm."""

    name: str
    theorems: Sequence[Theorem]
    generator: str
    options: Options


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="every step is kept here")
    parser.add_argument("--database", help="a .mm file; default: the shipped prefix of set.mm")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(DEFAULT_ARMS))
    parser.add_argument("--weights", type=Path, help="of the ranker, random split; default: trained")
    parser.add_argument("--cuts-weights", type=Path, help="of the ranker, a folder of cuts; default: trained")
    parser.add_argument("--cuts", type=int, default=4, metavar="K", help="so many, where they are trained")
    parser.add_argument(
        "--confidence",
        action="append",
        default=[],
        metavar="[ARM=]PATH",
        help="checkpoint for the arms +confidence, or for one of them (ranker-random=PATH); repeatable",
    )
    parser.add_argument("--defer", type=int, default=4, metavar="N", help="of the arms +confidence; default 4")
    option: dict[str, Any] = {"action": "append", "default": [], "metavar": "FIELD=VALUE"}
    parser.add_argument("--train-option", **option, help="of the ranker's training, such as epochs=3; repeatable")
    parser.add_argument(
        "--run", action="append", default=[], metavar="ARM=FOLDER", help="take an arm from a run that was made before"
    )
    parser.add_argument("--theorems", type=int, default=600)
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    parser.add_argument("--expansions", type=int, default=1024)
    parser.add_argument("--seconds", type=float, help="search some by time alone as well: so many seconds each")
    parser.add_argument("--timed-theorems", type=int, default=100)
    parser.add_argument("--timed-arm", choices=ARMS, default="ranker-random")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    benchmark = Benchmark(arguments)
    count, seed = len(benchmark.theorems), arguments.seed
    print(f"### {count} theorems of the split {arguments.split}, seed {seed}, 32 candidates")
    found = {arm: benchmark.searched(arm) for arm in arguments.arms}
    budgets = [budget for budget in (4, 16, 64, 256, 1024, 4096) if budget < arguments.expansions]
    budgets.append(arguments.expansions)
    print_solved(found, "expansions", budgets)
    print_by_length(found, benchmark.theorems, budgets)
    print_paces(benchmark, arguments.arms)
    print_comparisons(found, budgets, seed)
    if arguments.seconds:
        timed = {arguments.timed_arm: benchmark.searched(arguments.timed_arm, arguments.seconds)}
        print(f"{arguments.timed_theorems} of them by time alone, {arguments.workers} workers")
        print_solved(timed, "seconds", [arguments.seconds / 60, arguments.seconds / 6, arguments.seconds])


class Benchmark:
    """The theorems, and how each arm searches them."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._out: Path = arguments.out
        database = {"metamath": {"database": str(Path(arguments.database).absolute())}} if arguments.database else {}
        self._options: Options = merged(database)
        self._taken = dict(text.split("=", 1) for text in arguments.run)
        parts = resolve(Plugins.discover(), RunConfig(generator="knn", options=self._options))
        with Components(Plugins.discover(), parts) as components:
            environment = components.environment()
            selection = SelectionConfig(split=arguments.split, limit=arguments.theorems)
            self.theorems: Sequence[Theorem] = select(environment, selection, arguments.seed).theorems
            self._positions = {theorem.name: theorem.position for theorem in environment.theorems()}

    def searched(self, arm: str, seconds: float | None = None) -> Efforts:
        """What an arm spent on the theorems, in their order; with ``seconds`` on a sample of them, by time alone."""
        theorems = self._timed() if seconds else self.theorems
        if arm in self._taken and not seconds:
            return efforts_of(self.runs(arm)[0], [theorem.name for theorem in theorems])
        found = [
            efforts_of(self._run(arm, part, seconds), [theorem.name for theorem in part.theorems])
            for part in self._parts(arm, theorems)
        ]
        return joined(found).select([theorem.name for theorem in theorems])

    def _timed(self) -> Sequence[Theorem]:
        """A sample of the theorems: they stand in the database's order, in which the first ones are the easiest."""
        count = min(self._arguments.timed_theorems, len(self.theorems))
        return random.Random(self._arguments.seed).sample(self.theorems, count)

    def runs(self, arm: str) -> list[RunFolder]:
        """The runs of an arm."""
        if arm in self._taken:
            folder = RunFolder.open(Path(self._taken[arm]))
            missing = {theorem.name for theorem in self.theorems} - folder.results().keys()
            limit = folder.config.search.limit.expansions
            if missing or limit != self._arguments.expansions:
                raise SystemExit(f"{folder.path}: lacks {len(missing)} of the theorems, and its limit is {limit}")
            return [folder]
        return [self._run(arm, part, None) for part in self._parts(arm, self.theorems)]

    def _run(self, arm: str, part: Part, seconds: float | None) -> RunFolder:
        place = self._out / (f"{arm}-{seconds:g}s" if seconds else arm) / part.name
        names = place.with_suffix(".txt").absolute()
        names.parent.mkdir(parents=True, exist_ok=True)
        names.write_text("".join(f"{theorem.name}\n" for theorem in part.theorems), encoding="utf-8")
        limit = (
            LimitConfig(expansions=None, seconds=seconds)
            if seconds
            else LimitConfig(expansions=self._arguments.expansions)
        )
        valued = arm.endswith(CONFIDENCE)
        config = RunConfig(
            generator=part.generator,
            scorer="confidence" if valued else "logprob",
            seed=self._arguments.seed,
            select=SelectionConfig(file=str(names), limit=None),
            search=SearchConfig(
                candidates=32,
                limit=limit,
                strategy="and-or" if AND_OR in arm else "best-first",
                defer=self._arguments.defer if valued else None,
            ),
            execution=ExecutionConfig(workers=self._arguments.workers),
            trajectories=False,
            options=merged(part.options, self._confidence(arm) if valued else {}),
        )
        return finished_run(config, place)

    def _confidence(self, arm: str) -> Options:
        """The options of the value of an arm; those for this arm come before those for all."""
        given: dict[str, str] = {}
        for text in self._arguments.confidence:
            name, _, path = text.partition("=")
            given |= {name: path} if name in LEARNT else {"": text}
        found = given.get(_policy(arm), given.get(""))
        return {} if found is None else {"confidence": {"path": str(Path(found).absolute())}}

    def _parts(self, arm: str, theorems: Sequence[Theorem]) -> list[Part]:
        arm = _policy(arm)
        memory = {"random": "split", "chronological": "chronological"}[arm.rpartition("-")[2]]
        knn = merged(self._options, {"knn": {"memory": memory}})
        if arm.startswith("knn"):
            return [Part("all", theorems, "knn", knn)]
        if arm == "ranker-random":
            weights = self._arguments.weights or self._weights("random", {})
            return [Part("all", theorems, RANKER, self._with(weights))]
        weights = self._arguments.cuts_weights or self._weights("cuts", {"cuts": self._arguments.cuts})
        options = self._with(weights)
        if arm.startswith("mixture"):
            mixed = merged(knn, options, {"mixture": {"of": [RANKER, "knn"]}})
            return [Part("all", theorems, "mixture", mixed)]
        cuts = read_cuts(weights, self._position)
        if cuts is None:
            raise SystemExit(f"{weights}: holds no policies of cuts; train some with --{RANKER}-cuts")
        early = [theorem for theorem in theorems if cuts.answers(theorem) is None]
        late = [theorem for theorem in theorems if cuts.answers(theorem) is not None]
        parts = [Part("0", early, "knn", knn), Part("1", late, RANKER, options)]
        return [part for part in parts if part.theorems]

    def _position(self, name: str) -> int | None:
        return self._positions.get(name)

    def _with(self, weights: Path) -> Options:
        return merged(self._options, {RANKER: {"path": str(weights.absolute())}})

    def _weights(self, name: str, how: Mapping[str, Any]) -> Path:
        out = self._out / "weights" / name
        if not (out / "manifest.json").exists():
            print(f"… training the ranker in {out}", flush=True)
            given = parse_options(f"{RANKER}.{text}" for text in self._arguments.train_option)
            config = TrainConfig(
                plugin=RANKER, seed=self._arguments.seed, options=merged(self._options, given, {RANKER: how})
            )
            began = time.monotonic()
            train(config, out, resume=(out / "train.toml").exists(), on_event=_tell)
            print(f"  … {time.monotonic() - began:.0f} s", flush=True)
        return out


def _policy(arm: str) -> str:
    """An arm without how it is searched."""
    return arm.removesuffix(CONFIDENCE).removesuffix(AND_OR)


def joined(parts: Sequence[Efforts]) -> Efforts:
    """The efforts of several runs as of one."""
    columns = ("expansions", "nodes", "model_calls", "seconds", "processor_seconds", "tokens")
    return Efforts(
        theorems=tuple(name for part in parts for name in part.theorems),
        proved=np.concatenate([part.proved for part in parts]),
        limit_hit=tuple(hit for part in parts for hit in part.limit_hit),
        **{column: np.concatenate([getattr(part, column) for part in parts]) for column in columns},
    )


def print_solved(found: Mapping[str, Efforts], cost: Any, budgets: Sequence[float]) -> None:
    """What each arm proved within each budget."""
    rows = []
    for arm, efforts in found.items():
        cells = []
        for budget in budgets:
            solved, count = int(efforts.solved(cost, budget).sum()), len(efforts)
            low, high = wilson(solved, count)
            cells.append(f"{solved} ({solved / count:.1%}, {100 * low:.1f} to {100 * high:.1f})")
        rows.append([arm, *cells])
    print_table(("proved within", *(f"{budget:,g} {cost}" for budget in budgets)), rows)


def print_by_length(found: Mapping[str, Efforts], theorems: Sequence[Theorem], budgets: Sequence[int]) -> None:
    """What each arm proved at the two largest budgets, by the length of the library's proof."""
    rows = []
    for low, high in LENGTHS:
        names = [theorem.name for theorem in theorems if low <= (theorem.proof_length or 0) <= high]
        span = f"{low}–{high}" if high < LENGTHS[-1][1] else f"{low} and more"
        row = [span, str(len(names))]
        for efforts in found.values():
            solved = [int(efforts.select(names).solved("expansions", budget).sum()) for budget in budgets[-2:]]
            row.append(", ".join(f"{count} ({count / max(len(names), 1):.0%})" for count in solved))
        rows.append(row)
    within = " and ".join(f"{budget:,}" for budget in budgets[-2:])
    print(f"Proved within {within} expansions, by the steps of the library's proof:")
    print_table(("steps", "theorems", *found), rows)


def print_paces(benchmark: Benchmark, arms: Sequence[str]) -> None:
    """How fast each arm searched, by the clock."""
    rows = []
    for arm in arms:
        results = [result for run in benchmark.runs(arm) for result in run.results().values()]
        expansions, refused = sum(result.expansions for result in results), sum(result.refused for result in results)
        parts: dict[str, float] = {}
        for result in results:
            for name, value in result.seconds_by_part.items():
                parts[name] = parts.get(name, 0.0) + value
        pace = expansions / max(sum(result.seconds for result in results), 1e-9)
        rows.append(
            [arm, f"{pace:,.0f}", ", ".join(f"{name} {value:.0f} s" for name, value in parts.items()), str(refused)]
        )
    print_table(("", "expansions a second and worker", "time", "proofs refused"), rows)


def print_comparisons(found: Mapping[str, Efforts], budgets: Sequence[int], seed: int) -> None:
    """Each pair of arms at each budget."""
    rows = []
    for one, other in itertools.combinations(found, 2):
        for paired in compare_solved(found[one], found[other], "expansions", budgets[-2:], Bootstrap(seed=seed)):
            only = f"{paired.only_first}, {paired.only_second}"
            rows.append(
                [f"{one}, {other}", f"{paired.budget:,g}", only, points(paired.difference), f"{paired.p_value:.2g}"]
            )
    header = ("arms", "expansions", "only the first, only the second", "difference, points (95%)", "exact McNemar p")
    print_table(header, rows)


def _tell(event: Event) -> None:
    if isinstance(event, Progressed):
        for message in event.report.messages:
            print(f"  … {message}", flush=True)


if __name__ == "__main__":
    main()
