"""A value beside a policy at equal time: the same theorems with it and by log-probability, by turns, in one process.

    python benchmarks/equal_time.py [--database set.mm] [--policy-option metamath-ranker.path=WEIGHTS]
        [--scorer confidence] [--scorer-option confidence.path=CKPT] [--defer 0] [--split validation]
        [--theorems 600] [--seconds 0.04 0.16 0.65] [--longest 0.9] [--out rows.json]

Each theorem is searched once by each arm, the first arm first for every other theorem, so whatever else the machine
does slows both alike. Every proof found is checked. Printed are what an expansion costs by processor time, with the
value over without; how many states are scored for one; and, paired, what was solved within expansions and seconds, with
intervals bootstrapped over theorems at 95% and McNemar's exact p. The first three theorems are searched once before, so
that both arms find weights and database open.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from bench_runs import Options, cost_words, merged, paired_words, parse_options, print_table

from proofsearch.config import LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.engine import search
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.paired import Cost, Efforts, compare_costs, compare_solved
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols.results import SearchStatus
from proofsearch.runs.checking import Checking
from proofsearch.runs.selection import select
from proofsearch.types import Theorem

BASELINE = "log-probability"


@dataclass(frozen=True)
class Row:
    """What one search took."""

    theorem: str
    proved: bool
    limit_hit: str
    expansions: int
    scored: int
    nodes: int
    seconds: float
    processor_seconds: float


class Arm:
    """One way to search.

    Args:
        components: opened for its configuration.
        config: of its searches.
        scored: whether there is a value.
    """

    def __init__(self, components: Components, config: SearchConfig, *, scored: bool) -> None:
        self.environment = components.environment()
        self._config = config
        self._generator = components.generator()
        self._scorer = components.scorer() if scored else None
        calibration = getattr(self._scorer, "calibration", None)
        self._calibration = calibration() if calibration is not None else None
        self._check = Checking(self.environment, "environment", None)
        self.rows: list[Row] = []

    def search(self, theorem: Theorem) -> Row:
        """Searches for a proof, and has what is found checked."""
        with contextlib.closing(self.environment.open(theorem)) as session:
            found = search(
                theorem,
                session,
                self._generator,
                self._scorer,
                config=self._config,
                calibration=self._calibration,
                accept=partial(self._check, theorem),
                processor=time.process_time,
            )
        return Row(
            theorem.name,
            found.status is SearchStatus.PROVED,
            found.limit_hit or "",
            found.expansions,
            found.scored,
            found.graph.num_nodes,
            found.seconds,
            found.processor_seconds or 0.0,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="a .mm file; default: the shipped prefix of set.mm")
    parser.add_argument("--generator", default="metamath-ranker")
    parser.add_argument("--policy-option", action="append", default=[], metavar="COMPONENT.FIELD=VALUE")
    parser.add_argument("--scorer", default="confidence")
    parser.add_argument("--scorer-option", action="append", default=[], metavar="COMPONENT.FIELD=VALUE")
    parser.add_argument("--defer", type=int, nargs="+", default=[0], metavar="N", help="an arm each")
    parser.add_argument("--split", default="validation", choices=("test", "validation"))
    parser.add_argument("--theorems", type=int, help="default: all of the split")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, help="seconds a search; default: no limit but on expansions")
    parser.add_argument("--expansions", type=int, help="of a search; default: 1024, no limit where --longest is given")
    parser.add_argument("--budgets", type=int, nargs="+", default=[4, 16, 64, 256, 1024])
    parser.add_argument("--seconds", type=float, nargs="+", default=[0.04, 0.16, 0.65])
    parser.add_argument("--out", type=Path, help="what each search took, as JSON")
    arguments = parser.parse_args()
    policy = parse_options(arguments.policy_option)
    if arguments.database:
        policy = merged(policy, {"metamath": {"database": str(Path(arguments.database).absolute())}})
    with contextlib.ExitStack() as open_parts:
        arms = opened(arguments, policy, open_parts)
        environment = arms[BASELINE].environment
        wanted = SelectionConfig(split=arguments.split, limit=arguments.theorems)
        by_turns(list(arms.values()), select(environment, wanted, arguments.seed).theorems)
    if arguments.out:
        arguments.out.write_text(json.dumps({name: [asdict(row) for row in arm.rows] for name, arm in arms.items()}))
    for name in list(arms)[1:]:
        tell(arguments, name, arms[BASELINE].rows, arms[name].rows)


def opened(arguments: argparse.Namespace, policy: Options, open_parts: contextlib.ExitStack) -> dict[str, Arm]:
    """The arms, the baseline first."""
    most = arguments.expansions or (None if arguments.longest else 1024)
    limit = LimitConfig(expansions=most, seconds=arguments.longest)
    plugins = Plugins.discover()
    arms: dict[str, Arm] = {}
    for defer in (None, *arguments.defer):
        scored = defer is not None
        priority = PriorityConfig() if scored else PriorityConfig(kind="logprob")
        config = RunConfig(
            generator=arguments.generator,
            scorer=arguments.scorer if scored else "logprob",
            search=SearchConfig(limit=limit, priority=priority, defer=defer),
            options=merged(policy, parse_options(arguments.scorer_option)) if scored else policy,
        )
        parts = resolve(plugins, config)
        components = open_parts.enter_context(Components(plugins, parts))
        name = f"{arguments.scorer}, --defer {defer}" if scored else BASELINE
        arms[name] = Arm(components, parts.config.search, scored=scored)
    return arms


def by_turns(arms: Sequence[Arm], theorems: Sequence[Theorem]) -> None:
    """Searches every theorem by every arm."""
    for arm in arms:
        for theorem in theorems[:3]:
            arm.search(theorem)
    gc.collect()
    gc.freeze()
    for number, theorem in enumerate(theorems):
        first = number % len(arms)
        for arm in (*arms[first:], *arms[:first]):
            arm.rows.append(arm.search(theorem))


def tell(arguments: argparse.Namespace, name: str, base: Sequence[Row], rows: Sequence[Row]) -> None:
    """Prints what an arm solved over the baseline, and what it cost."""
    without, with_value = [
        sum(row.processor_seconds for row in one) / sum(row.expansions for row in one) for one in (base, rows)
    ]
    scored = sum(row.scored for row in rows) / sum(row.expansions for row in rows)
    print(
        f"\n{name}: {scored:.2f} states scored an expansion, which takes {1e3 * with_value:.3f} ms of processor time, "
        f"and {1e3 * without:.3f} ms without a value: {with_value / without:.2f} times as long"
    )
    bootstrap, efforts = Bootstrap(seed=arguments.seed), [efforts_of(base), efforts_of(rows)]
    first, second = efforts
    table = []
    for paired in compare_solved(first, second, "expansions", arguments.budgets, bootstrap):
        table.append((f"{paired.budget:,.0f} expansions", paired_words(paired)))
    times: tuple[tuple[Cost, str], ...] = (("seconds", "s"), ("processor_seconds", "s of a processor"))
    for kind, words in times:
        for paired in compare_solved(first, second, kind, arguments.seconds, bootstrap):
            table.append((f"{paired.budget:g} {words}", paired_words(paired)))
        needed = first.cost(kind).sum() / first.expansions.sum()
        paces = [budget * needed for budget in arguments.budgets]
        for budget, paired in zip(
            arguments.budgets, compare_solved(first, second, kind, paces, bootstrap), strict=True
        ):
            within = f"{paired.budget:.2g} {words}, those of {budget:,} expansions"
            table.append((within, paired_words(paired)))
    both = first.proved & second.proved
    table.append(
        (f"to proof, {int(both.sum())} that both solve", cost_words(compare_costs(first, second, both, bootstrap)))
    )
    print_table(("within", f"over {BASELINE}, of {len(base)} theorems"), table)


def efforts_of(rows: Sequence[Row]) -> Efforts:
    """The rows as columns."""
    return Efforts(
        theorems=tuple(row.theorem for row in rows),
        proved=np.array([row.proved for row in rows]),
        limit_hit=tuple(row.limit_hit for row in rows),
        expansions=np.array([row.expansions for row in rows], float),
        nodes=np.array([row.nodes for row in rows], float),
        model_calls=np.array([row.expansions + row.scored for row in rows], float),
        seconds=np.array([row.seconds for row in rows]),
        processor_seconds=np.array([row.processor_seconds for row in rows]),
    )


if __name__ == "__main__":
    main()
