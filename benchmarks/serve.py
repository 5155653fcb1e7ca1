"""What a served step costs, and how many a second a server makes.

Every session proves training theorems of the shipped library along their own proofs, and misses before each step: it
tries tactics of other proofs, as a policy that learns does (--misses). Each proof ends with its check. The server is
``proofsearch serve`` as it is typed; the clients are processes of their own and take processors from it.

``overhead``: one session, step by step, the same tactics in this process and over the server in turns; the difference
of the medians. ``load``: that many sessions at once, one message for all steps of a client (``many``), or with
``--single`` a connection a session and a message a step. Processor time is there beside the clock's, of server,
workers and clients: on a busy machine the clock says more of the others.

    python benchmarks/serve.py overhead
    python benchmarks/serve.py load --sessions 64
    python benchmarks/serve.py load --sessions 256 --clients 4
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from proofsearch_rl.client import TOKEN_VARIABLE, Client, ServedError
from proofsearch_rl.episode import Episode
from proofsearch_rl.limits import EpisodeLimits

from proofsearch import open_prover

TOKEN = "benchmark"
LIMITS = EpisodeLimits(max_steps=10_000)

Script = list[tuple[str, list[str]]]
"""Theorems, and for each the tactics that are tried, the last of which proves it."""


def make_script(theorems: int, misses: int, seed: int) -> Script:
    """What sessions do, drawn from the training theorems."""
    draws = random.Random(seed)
    with open_prover("metamath") as prover:
        known = [theorem for theorem in prover.environment.theorems() if theorem.split == "train"]
        chosen = draws.sample(known, theorems)
        proofs: dict[str, list[str]] = {}
        for step in prover.environment.demonstrations(chosen):  # type: ignore[attr-defined]
            proofs.setdefault(step.theorem.name, []).append(step.tactic)
    others = [tactic for proof in proofs.values() for tactic in proof]
    with open_prover("metamath", min_tier=LIMITS.min_tier) as prover, Episode(prover, LIMITS) as episode:
        return [
            (name, [tried for tactic in proof for tried in (*_missing(episode, name, others, misses, draws), tactic)])
            for name, proof in proofs.items()
        ]


def _missing(episode: Episode, name: str, others: list[str], misses: int, draws: random.Random) -> list[str]:
    """Tactics that miss at the theorem; at its later states most of them do, and the others change the script's end."""
    found: list[str] = []
    while len(found) < misses:
        tactic = draws.choice(others)
        if episode.reset(name).done or episode.step(tactic).outcome == "rejected":
            found.append(tactic)
    return found


@contextmanager
def server(workers: int, sessions: int) -> Iterator[tuple[str, psutil.Process]]:
    """``proofsearch serve``, and its process."""
    command = [sys.executable, "-m", "proofsearch", "serve", "--port", "0", "--workers", str(workers)]
    command += ["--max-sessions", str(sessions), "--max-steps", str(LIMITS.max_steps)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {TOKEN_VARIABLE: TOKEN})
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def processor_seconds(process: psutil.Process) -> tuple[float, float]:
    """What the server itself took so far, and what its workers took."""
    own = process.cpu_times()
    workers = [child.cpu_times() for child in process.children()]
    return own.user + own.system, sum(times.user + times.system for times in workers)


def overhead(arguments: argparse.Namespace) -> dict[str, Any]:
    """Times the same steps here and there, in turns."""
    script = make_script(arguments.theorems, arguments.misses, arguments.seed)
    local_seconds = served_seconds = 0.0  # of this process's processor
    here: list[float] = []
    there: list[float] = []
    with (
        server(1, 1) as (url, process),
        open_prover("metamath", min_tier=LIMITS.min_tier) as prover,
        Episode(prover, LIMITS) as local,
        Client(url, TOKEN) as client,
    ):
        served = client.session()
        for tactic in (served.reset(script[0][0]).theorem, *script[0][1]):  # what is only done once is done
            served.step(tactic)
        before = processor_seconds(process)
        for name, tactics in script:
            local.reset(name)
            served.reset(name)
            for tactic in tactics:
                began, began_here = time.perf_counter(), time.process_time()
                local.step(tactic)
                between, between_here = time.perf_counter(), time.process_time()
                turn = served.step(tactic)
                ended, ended_here = time.perf_counter(), time.process_time()
                if turn.done:  # a check takes longer than either
                    break
                here.append(between - began)
                there.append(ended - between)
                local_seconds += between_here - began_here
                served_seconds += ended_here - between_here
        after = processor_seconds(process)
    front, worker = after[0] - before[0], after[1] - before[1]  # with resets and checks, which this process times not
    local_ms, served_ms = statistics.median(here) * 1e3, statistics.median(there) * 1e3
    return {
        "steps": len(here),
        "local ms": round(local_ms, 3),
        "served ms": round(served_ms, 3),
        "overhead ms": round(served_ms - local_ms, 3),
        "served 90% ms": round(statistics.quantiles(there, n=10)[-1] * 1e3, 3),
        "local processor ms": round(local_seconds / len(here) * 1e3, 3),
        "client's processor ms": round(served_seconds / len(here) * 1e3, 3),
        "server's processor ms": round(front / len(here) * 1e3, 3),
        "worker's processor ms, with resets and checks": round(worker / len(here) * 1e3, 3),
        "load of the machine": round(os.getloadavg()[0], 1),
    }


def play(url: str, script: Script, numbers: list[int], ready: Any, begin: Any, seconds: float, results: Any) -> None:
    """One client: plays its sessions side by side until the time is up."""
    with Client(url, TOKEN) as client:
        waiting: dict[int, list[str]] = {number: [] for number in numbers}
        place = numbers[0]
        steps = proofs = errors = resets = 0
        ready.put(None)
        begin.wait()
        ended, taken = time.perf_counter() + seconds, time.process_time()
        while time.perf_counter() < ended:
            fresh = {}
            for number in numbers:
                if not waiting[number]:
                    name, tactics = script[place % len(script)]
                    place += 1
                    waiting[number] = list(tactics)
                    fresh[number] = {"theorem": name}
            if fresh:
                turns = client.many("reset", fresh)
                resets += len(turns)
                errors += sum(isinstance(turn, ServedError) for turn in turns.values())
            turns = client.many("step", {number: {"tactic": waiting[number].pop(0)} for number in numbers})
            steps += len(turns)
            for number, turn in turns.items():
                if isinstance(turn, ServedError):
                    errors += 1
                elif turn.done:
                    proofs += turn.terminated
                    waiting[number] = []
        taken = time.process_time() - taken
        results.put({"steps": steps, "proofs": proofs, "errors": errors, "resets": resets, "taken": taken})


def load(arguments: argparse.Namespace) -> dict[str, Any]:
    """Plays many sessions at once."""
    script = make_script(arguments.theorems, arguments.misses, arguments.seed)
    clients = arguments.sessions if arguments.single else arguments.clients
    shares = [list(range(first, arguments.sessions, clients)) for first in range(clients)]
    context = multiprocessing.get_context("fork" if arguments.single else "spawn")
    ready, results, begin = context.Queue(), context.Queue(), context.Event()
    with server(arguments.workers, arguments.sessions) as (url, process):
        players = [
            context.Process(target=play, args=(url, script, share, ready, begin, arguments.seconds, results))
            for share in shares
        ]
        for player in players:
            player.start()
        for _ in players:
            ready.get()
        before, began = processor_seconds(process), time.perf_counter()
        begin.set()
        found = [results.get() for _ in players]
        wall = time.perf_counter() - began
        after = processor_seconds(process)
        for player in players:
            player.join()
    total = {key: sum(one[key] for one in found) for key in found[0]}
    front, workers, players_took = after[0] - before[0], after[1] - before[1], total.pop("taken")
    return {
        "sessions": arguments.sessions,
        "clients": clients,
        "workers": arguments.workers,
        **total,
        "seconds": round(wall, 2),
        "steps a second": round(total["steps"] / wall),
        "server's processor seconds": round(front, 2),
        "workers' processor seconds": round(workers, 2),
        "clients' processor seconds": round(players_took, 2),
        "steps a processor second of server and workers": round(total["steps"] / (front + workers)),
        "steps a processor second of all": round(total["steps"] / (front + workers + players_took)),
        "load of the machine": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Measures what was named, and prints it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["overhead", "load"])
    parser.add_argument("--sessions", type=int, default=64)
    parser.add_argument("--clients", type=int, default=2, help="client processes")
    parser.add_argument("--single", action="store_true", help="a client process a session, and a message a step")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--theorems", type=int, default=200)
    parser.add_argument("--misses", type=int, default=3, help="tactics that miss before each that doesn't")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None, help="a JSON file to write as well")
    arguments = parser.parse_args()
    found = {"overhead": overhead, "load": load}[arguments.what](arguments)
    text = json.dumps({arguments.what: found}, indent=2)
    print(text)
    if arguments.out is not None:
        arguments.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
