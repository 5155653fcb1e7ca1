"""Steps, whole proofs and both, by one model at equal tokens: which proves more?

    proofsearch train --plugin lm --lm-answers both --lm-steps 2000 --lm-precision bf16 --out lm
    python benchmarks/whole_proofs.py --model lm --out OUT [--split test] [--limit 100] [--tokens 1000 2000 4000]

Each arm searches the same theorems of the shipped library with the same model, best-first by log-probability, until it
has a checked proof or has read and written as many tokens as the largest budget:

* steps: ``--samples`` tactics a state;
* scripts: ``--scripts`` whole proofs a state, replayed into the graph, and then of the states that they reached;
* both: as steps, with ``--scripts`` whole proofs of the theorem itself first.

An arm whose name ends with ``:T`` samples at temperature T. What is proved within a smaller budget is what was proved
with so few tokens. Each result is written to a line of OUT as it comes, and a run that was interrupted goes on from
there. Differences are of the arms against the first, with a bootstrap's 95% interval over theorems and McNemar's p.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from bench_runs import points, print_table

from proofsearch.config import LimitConfig, RunConfig, SearchConfig
from proofsearch.engine import search
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.paired import Efforts, compare_solved, solved
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols import (
    Environment,
    GenerationRequest,
    ProposesScripts,
    Script,
    SearchResult,
    Suggestions,
    TacticGenerator,
)
from proofsearch.runs.checking import Checking
from proofsearch.types import Candidate, OutcomeKind, Theorem

Answer = TypeVar("Answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the folder that the trainer lm wrote")
    parser.add_argument("--out", type=Path, required=True, help="a file for results, a JSON object a line")
    parser.add_argument("--split", default="validation", choices=["validation", "test"])
    parser.add_argument("--limit", type=int, default=100, help="theorems, drawn with the seed")
    parser.add_argument("--tokens", type=int, nargs="+", default=[1000, 2000, 4000], help="budgets a theorem")
    parser.add_argument("--arms", nargs="+", default=["steps", "scripts", "both"], help="steps, scripts or both[:T]")
    parser.add_argument("--samples", type=int, default=16, help="tactics sampled a state")
    parser.add_argument("--scripts", type=int, default=16, help="whole proofs sampled a state")
    parser.add_argument("--longest", type=int, default=96, help="tokens of a whole proof, at most")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no search after so many")
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    done = {(one["theorem"], one["arm"]): one for one in read(arguments.out)}
    report(run(arguments, done), arguments, done)


class Counted(TacticGenerator):
    """A policy, and the tokens that it has read and written for the search under way."""

    def __init__(self, policy: TacticGenerator) -> None:
        self._policy = policy
        self.tokens = 0

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """As the policy."""
        return self._count(self._policy.generate(requests, n))

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        """As the policy."""
        assert isinstance(self._policy, ProposesScripts)
        return self._count(self._policy.propose_scripts(requests, n))

    def _count(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        for answer in answers:
            assert isinstance(answer, Suggestions)
            self.tokens += answer.tokens_in + answer.tokens_out
        return answers


def run(arguments: argparse.Namespace, done: dict[tuple[str, str], Any]) -> tuple[str, ...]:
    """Searches each theorem by every arm, but for what is done; returns the names of those that all arms are done with.

    They are searched in an order that is drawn, so a run that was stopped says something of all of them.
    """
    names: list[str] = []
    with ExitStack() as opened, arguments.out.open("a") as stream:
        plugins, arms = Plugins.discover(), {}
        for arm in arguments.arms:
            config = run_config(arm, arguments)
            components = opened.enter_context(Components(plugins, resolve(plugins, config)))
            arms[arm] = config, Counted(components.generator())
        # One library for all arms; what tactics a script has doesn't depend on it.
        environment = components.environment()
        checking = Checking(environment, config.env, config.min_tier)
        theorems = [theorem for theorem in environment.theorems() if theorem.split == arguments.split]
        drawn = random.Random(arguments.seed).sample(theorems, min(arguments.limit, len(theorems)))
        ends = time.monotonic() + 60 * arguments.minutes
        for theorem in drawn:
            for arm, (config, policy) in arms.items():
                if (theorem.name, arm) in done or time.monotonic() > ends:
                    continue
                values = searched(theorem, arm, config, policy, environment, checking, arguments)
                done[theorem.name, arm] = values
                print(json.dumps(values), file=stream, flush=True)
            if all((theorem.name, arm) in done for arm in arms):
                names.append(theorem.name)
    return tuple(names)


def searched(
    theorem: Theorem,
    arm: str,
    config: RunConfig,
    policy: Counted,
    environment: Environment,
    checking: Checking,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    """What came of one search."""
    policy.tokens = 0
    began = time.process_time()
    with closing(environment.open(theorem)) as session:
        found = search(
            theorem,
            session,
            policy,
            config=config.search,
            seed=arguments.seed,
            accept=partial(checking, theorem),
            cancelled=lambda: policy.tokens >= max(arguments.tokens),
        )
    return values_of(found, theorem, arm, policy.tokens, time.process_time() - began)


def run_config(arm: str, arguments: argparse.Namespace) -> RunConfig:
    """The components of an arm."""
    proposals, _, temperature = arm.partition(":")
    model: dict[str, Any] = {"model": str(Path(arguments.model).absolute())}
    model |= {"max_new_tokens": 16, "script_tokens": arguments.longest}
    if temperature:
        model["temperature"] = float(temperature)
    return RunConfig(
        generator="transformers", search=search_config(proposals, arguments), options={"transformers": model}
    )


def search_config(proposals: str, arguments: argparse.Namespace) -> SearchConfig:
    """How an arm searches."""
    how: dict[str, Any] = {} if proposals == "steps" else {"scripts": arguments.scripts}
    return SearchConfig.model_validate(
        {"proposals": proposals, "candidates": arguments.samples, "limit": LimitConfig(expansions=None), **how}
    )


def values_of(found: SearchResult, theorem: Theorem, arm: str, tokens: int, seconds: float) -> dict[str, Any]:
    """What is kept of a search."""
    graph = found.graph
    scripted = [graph.edge_outcome[edge] for edge in graph.edge_script]
    finishing = len(graph.edge_tactic) - 1
    return {
        "theorem": theorem.name,
        "arm": arm,
        "proved": found.status == "proved",
        "status": str(found.status),
        "tokens": tokens,
        "expansions": found.expansions,
        "steps": found.steps,
        "nodes": found.nodes,
        "model_calls": found.model_calls,
        "seconds": seconds,
        "length": len(found.tactics or ()),
        "script_steps": len(scripted),
        "script_steps_that_apply": sum(kind in (OutcomeKind.ADVANCED, OutcomeKind.FINISHED) for kind in scripted),
        "by_script": found.status == "proved" and finishing in graph.edge_script,
    }


def read(file: Path) -> Iterator[dict[str, Any]]:
    """The results that are there already."""
    if file.exists():
        for line in file.read_text().splitlines():
            yield json.loads(line)


def efforts_of(names: Sequence[str], arm: str, done: dict[tuple[str, str], Any]) -> Efforts:
    """What an arm spent on each theorem."""
    rows = [done[name, arm] for name in names]

    def column(name: str) -> Any:
        return np.array([row[name] for row in rows], np.float64)

    return Efforts(
        tuple(names),
        np.array([row["proved"] for row in rows], np.bool_),
        tuple("tokens" if row["status"] == "cancelled" else "" for row in rows),
        column("expansions"),
        column("nodes"),
        column("model_calls"),
        column("seconds"),
        tokens=column("tokens"),
    )


def report(names: tuple[str, ...], arguments: argparse.Namespace, done: dict[tuple[str, str], Any]) -> None:
    """Prints what each arm proves at each budget, and the differences to the first."""
    arms = arguments.arms
    efforts = {arm: efforts_of(names, arm, done) for arm in arms}
    bootstrap = Bootstrap(arguments.resamples, arguments.seed)
    counts = {arm: solved(efforts[arm], "tokens", arguments.tokens) for arm in arms}
    rows = []
    for place, budget in enumerate(arguments.tokens):
        for arm in arms:
            one = counts[arm][place]
            cells = [f"{budget:,}", arm, f"{one.solved} of {one.theorems} ({one.low:.1%} to {one.high:.1%})", ""]
            if arm != arms[0]:
                (paired,) = compare_solved(efforts[arms[0]], efforts[arm], "tokens", [budget], bootstrap)
                only = f"{paired.only_second} only here, {paired.only_first} only there"
                cells[3] = f"{points(paired.difference)}, p = {paired.p_value:.2g}; {only}"
            rows.append(cells)
    print_table(("tokens", "proposals", "proved", f"against {arms[0]}"), rows)
    rows = []
    for arm in arms:
        kept = [done[name, arm] for name in names]
        tried = sum(one["script_steps"] for one in kept)
        applied = sum(one["script_steps_that_apply"] for one in kept)
        rows.append(
            [
                arm,
                f"{sum(one['tokens'] for one in kept) / len(kept):,.0f}",
                f"{sum(one['expansions'] for one in kept) / len(kept):.1f}",
                f"{sum(one['steps'] for one in kept) / len(kept):.0f}",
                f"{applied / tried:.0%} of {tried:,}" if tried else "–",
                f"{sum(one['by_script'] for one in kept)} of {sum(one['proved'] for one in kept)}",
                f"{sum(one['status'] == 'exhausted' for one in kept)}",
                f"{sum(one['seconds'] for one in kept):.0f} s",
            ]
        )
    header = ("tokens", "expansions", "steps", "script steps that apply", "proofs a script ended", "exhausted", "time")
    print_table(("proposals", *header), rows)


if __name__ == "__main__":
    main()
