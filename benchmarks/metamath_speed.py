"""How many expansions a second a Metamath search makes in one process, the environment and the policy apart.

    python benchmarks/metamath_speed.py [--database set.mm] [--ranker FOLDER] [--against ../baseline] [--digest]

The same theorems, a seeded sample of the split ``validation``, are searched with three policies:

* ``policy``: the k-NN, or the ranker with the weights of ``--ranker``.
* ``replayed``: the very same searches with the policy's answers known beforehand, and the environment asked what it
  was asked then; what is left is the cost of the environment and of the search loop.
* ``trivial``: the moves from the latest backwards, the first that apply; other searches, hard for the environment.

``--against`` names a checkout of another version. Both are then run in processes of their own, by turns, and the
ratio of their speeds is printed. ``--digest`` hashes every edge and every state of all searches, and says whether
both versions made the same ones. Times are processor seconds, since other processes disturb these least; the wall
clock's are printed beside them. Opening a session counts, verification does not take place.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import gc
import hashlib
import json
import math
import os
import platform
import pstats
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from proofsearch.config import LimitConfig, PriorityConfig, RunConfig, SearchConfig, SelectionConfig
from proofsearch.engine import search
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols import Environment, GenerationRequest, Moves, TacticGenerator
from proofsearch.protocols.results import SearchResult
from proofsearch.runs.selection import select
from proofsearch.types import Candidate, Theorem

POLICIES = ("policy", "replayed", "trivial")
HERE = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="a .mm file; default: the shipped prefix of set.mm")
    parser.add_argument("--ranker", help="a folder of weights; the policy is then the ranker, else the k-NN")
    parser.add_argument("--theorems", type=int, default=60)
    parser.add_argument("--expansions", type=int, default=256)
    parser.add_argument("--candidates", type=int, default=32)
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=list(POLICIES))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--against", type=Path, help="a checkout of the version to compare with")
    parser.add_argument("--digest", action="store_true", help="hash all searches, to see whether they are the same")
    parser.add_argument("--profile", choices=POLICIES, help="profile one policy's searches with cProfile and stop")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child or arguments.profile:
        print(json.dumps(measure(arguments)))
        return
    versions = {"this": HERE} | ({"against": arguments.against.resolve()} if arguments.against else {})
    runs: dict[str, list[dict[str, dict[str, float | str]]]] = {name: [] for name in versions}
    for _ in range(arguments.repetitions):
        for name, checkout in versions.items():
            runs[name].append(in_process(checkout))
    print(
        f"{arguments.theorems} theorems, at most {arguments.expansions} expansions, {arguments.candidates} candidates, "
        f"seed {arguments.seed}; Python {platform.python_version()}; {arguments.repetitions} runs, medians (range)"
    )
    for policy in arguments.policies:
        for name in versions:
            rates = [run[policy]["expansions"] / run[policy]["cpu"] for run in runs[name]]
            walls = [run[policy]["expansions"] / run[policy]["wall"] for run in runs[name]]
            print(
                f"{policy:9} {name:8} {statistics.median(rates):7.0f} expansions/s ({min(rates):.0f} to "
                f"{max(rates):.0f}); by the clock {statistics.median(walls):.0f}; "
                f"{runs[name][0][policy]['expansions']:.0f} expansions, {runs[name][0][policy]['steps']:.0f} steps, "
                f"{runs[name][0][policy]['finished']:.0f} finished; digest {runs[name][0][policy]['digest']}"
            )
        if arguments.against:
            ratios = [
                other[policy]["cpu"] / one[policy]["cpu"]
                for one, other in zip(runs["this"], runs["against"], strict=True)
            ]
            same = {str(run[policy]["digest"]) for name in versions for run in runs[name]}
            print(
                f"{'':9} ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                + (f"; {'the same searches' if len(same) == 1 else 'OTHER SEARCHES'}" if arguments.digest else "")
            )


def in_process(checkout: Path) -> dict[str, dict[str, float | str]]:
    """Measures a checkout in a process of its own."""
    sources = [checkout / "src", *sorted((checkout / "plugins").glob("*/src"))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sources)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, *sys.argv[1:], "--child"]
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured: dict[str, dict[str, float | str]] = json.loads(output.splitlines()[-1])
    return measured


def measure(arguments: argparse.Namespace) -> dict[str, dict[str, float | str]]:
    """Searches with each policy in this process."""
    plugins = Plugins.discover()
    options: dict[str, dict[str, object]] = {}
    if arguments.database:
        options["metamath"] = {"database": arguments.database}
    if arguments.ranker:
        options["metamath-ranker"] = {"path": arguments.ranker}
    config = RunConfig(
        generator="metamath-ranker" if arguments.ranker else "knn",
        search=SearchConfig(
            candidates=arguments.candidates,
            limit=LimitConfig(expansions=arguments.expansions),
            priority=PriorityConfig(goal_weight=1.0),
        ),
        options=options,
    )
    parts = resolve(plugins, config)
    measured = {}
    with Components(plugins, parts) as components:
        environment = components.environment()
        chosen = select(environment, SelectionConfig(split="validation", limit=arguments.theorems), arguments.seed)
        # The first pass, not timed, tells what the policy answers and fills what a process keeps for all theorems.
        recorder = Recorder(components.generator())
        searched(environment, chosen.theorems, recorder, parts.config.search)
    # Else the collector would visit all that is recorded again and again, and the searches would pay for it.
    gc.collect()
    gc.freeze()
    for policy in arguments.policies:
        if arguments.profile not in (None, policy):
            continue
        with Components(plugins, parts) as components:
            known = components.generator()
            searched(environment, chosen.theorems[:1], known, parts.config.search)  # opens the memory
            policies: dict[str, TacticGenerator] = {
                "policy": known,
                "replayed": Replayer(recorder),
                "trivial": Trivial(),
            }
            profile = cProfile.Profile(time.process_time)
            with profile if arguments.profile else contextlib.nullcontext():
                wall, cpu = time.perf_counter(), time.process_time()
                digest = Digest() if arguments.digest else None
                totals = searched(environment, chosen.theorems, policies[policy], parts.config.search, digest)
                # What the digest takes is not the search's.
                lost = digest.seconds if digest else (0.0, 0.0)
                wall, cpu = time.perf_counter() - wall - lost[0], time.process_time() - cpu - lost[1]
            if arguments.profile:
                stats = pstats.Stats(profile)
                stats.sort_stats("tottime").print_stats(30)
                print_modules(stats)
            measured[policy] = {**totals, "wall": wall, "cpu": cpu, "digest": digest.text if digest else ""}
    return measured


def print_modules(stats: pstats.Stats) -> None:
    """What share of the time each module takes; what is built in or a library's counts for the module that calls it."""
    totals: dict[str, float] = {}
    for (file, _, _), (_, _, own, _, callers) in stats.stats.items():  # type: ignore[attr-defined]
        module = module_of(file)
        if module is not None or not callers:
            totals[module or "other"] = totals.get(module or "other", 0.0) + own
            continue
        for (caller, _, _), (_, _, part, _) in callers.items():
            module = module_of(caller) or "other"
            totals[module] = totals.get(module, 0.0) + part
    total = sum(totals.values())
    for module, seconds in sorted(totals.items(), key=lambda item: -item[1]):
        if seconds > 0.01 * total:
            print(f"{seconds / total:6.1%}  {module}")


def module_of(file: str) -> str | None:
    """The module of ours that a file is."""
    _, found, module = file.rpartition("/proofsearch")
    return f"proofsearch{module.removesuffix('.py').replace('/', '.')}" if found and file.endswith(".py") else None


def searched(
    environment: Environment,
    theorems: Sequence[Theorem],
    generator: TacticGenerator,
    config: SearchConfig,
    seen: Callable[[SearchResult], None] | None = None,
) -> dict[str, float]:
    """Searches each theorem, without checking what is found."""
    expansions = steps = finished = 0
    for theorem in theorems:
        with contextlib.closing(environment.open(theorem)) as session:
            result = search(theorem, session, generator, config=config)
        if seen is not None:
            seen(result)
        expansions += result.expansions
        steps += result.steps
        finished += result.tactics is not None
    return {"expansions": expansions, "steps": steps, "finished": finished}


class Digest:
    """Hashes whole searches: every edge, its probability, its outcome, and the text of every state."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.seconds = (0.0, 0.0)

    @property
    def text(self) -> str:
        """The digest so far."""
        return self._hash.hexdigest()[:16]

    def __call__(self, result: SearchResult) -> None:
        """Adds a search."""
        wall, cpu = time.perf_counter(), time.process_time()
        graph, add = result.graph, self._hash.update
        add(repr((result.theorem, str(result.status), result.tactics, result.steps)).encode())
        for column in (graph.edge_logprob, graph.edge_target, graph.edge_source, graph.logprob, graph.priority):
            add(column.tobytes())
        add(bytes(graph.edge_outcome))
        add("\0".join([*graph.edge_tactic, *graph.edge_message.values()]).encode())
        add("\0".join([state.text for state in graph.state]).encode())
        self.seconds = (
            self.seconds[0] + time.perf_counter() - wall,
            self.seconds[1] + time.process_time() - cpu,
        )


class _Asked:
    """Moves that remember what they were asked."""

    def __init__(self, moves: Moves) -> None:
        self._moves = moves
        self.asked: list[str] = []

    def listed(self) -> Sequence[str]:
        return self._moves.listed()

    def admits(self, tactic: str) -> bool:
        self.asked.append(tactic)
        return self._moves.admits(tactic)


class Recorder:
    """Answers as another policy does and remembers it, with what it asked the environment."""

    def __init__(self, generator: TacticGenerator) -> None:
        self._generator = generator
        self.answers: dict[tuple[str, int], tuple[list[str], Sequence[Candidate]]] = {}

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """The other policy's answers."""
        answers = []
        for request in requests:
            assert request.moves is not None
            moves = _Asked(request.moves)
            watched = GenerationRequest(request.theorem, request.state, moves, request.seed)
            answers.append(self._generator.generate([watched], n)[0])
            self.answers[request.theorem.name, request.seed] = (moves.asked, answers[-1])
        return answers

    def close(self) -> None:
        """Nothing to free."""


class Replayer:
    """Gives the recorded answers, and asks the environment what was asked then."""

    def __init__(self, recorder: Recorder) -> None:
        self._answers = recorder.answers

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """The recorded answers."""
        answers = []
        for request in requests:
            asked, answer = self._answers[request.theorem.name, request.seed]
            assert request.moves is not None
            _ = request.state.goals[0]
            request.moves.listed()
            for tactic in asked:
                request.moves.admits(tactic)
            answers.append(answer)
        return answers

    def close(self) -> None:
        """Nothing to free."""


class Trivial:
    """The moves from the latest backwards, the first that apply, all alike."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """The first ``n`` that apply."""
        answers = []
        for request in requests:
            moves = request.moves
            assert moves is not None
            answer: list[Candidate] = []
            for tactic in reversed(moves.listed()):
                if len(answer) == n:
                    break
                if moves.admits(tactic):
                    answer.append(Candidate(tactic, -math.log(n)))
            answers.append(answer)
        return answers

    def close(self) -> None:
        """Nothing to free."""


if __name__ == "__main__":
    main()
