"""What a run of millions of theorems on a thousand workers needs, by a small simulation of the process that leads it.

    python benchmarks/beyond.py [--theorems 10000000] [--workers 1000] [--seconds 10] [--leaders 1 16 100]

A leader hands out jobs and records what comes back. Workers have a job in hand and one waiting (two in flight), so they
stand still only where the leader falls behind, or the process beside it that merges. Searches take times of a lognormal
distribution; recording, flushing and merging take the constants below, which ``benchmarks/overhead.py`` and
``benchmarks/scale.py`` measured. Several leaders are shards, each with its share of theorems and workers.

Simulated are some thousand results of a leader, until its pace is steady; what a whole run needs is computed from that.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
from dataclasses import dataclass

from bench_runs import print_table

IN_FLIGHT = 2
"""Jobs of a worker, the one that it is at included."""

FLUSHES_TOGETHER = 4
"""Of many results at once: files of searches, files of proofs, their folders, and the lines."""


@dataclass(frozen=True, slots=True)
class Constants:
    """What was measured of set.mm with the ranker, 6 expansions a theorem; times on one core of a virtual machine.

    Attributes:
        record: seconds of the leader's processor for a result: reading what the worker sent, writing files and a line.
        record_together: the same where many are recorded together.
        flush: seconds that a flush to the disk takes.
        flushes: how many a result needs alone; for the proof of one theorem in five two more.
        merge: seconds for a search, when it is merged with others by the process beside the leader.
        trajectory: bytes of a merged search.
        single: bytes of a search in a file of its own, as it travels.
        proof: bytes of the files of proofs, by theorem.
        line: bytes in ``results.jsonl``, and ``theorems.jsonl``.
        memory: bytes that the leader holds by theorem.
        singles: files of searches that are merged at once. Twice as many wait, then the leader does.
        proved: the part of the theorems that have a proof, each a file.
        searches: searches of a merged file.
        base: bytes that the leader holds without any theorem.
    """

    record: float = 0.0011
    record_together: float = 0.0003
    flush: float = 0.003
    flushes: float = 3.4
    merge: float = 0.0038
    trajectory: int = 12_000
    single: int = 35_000
    proof: int = 240
    line: int = 1_050
    memory: int = 650
    singles: int = 2_048
    proved: float = 0.2
    searches: int = 2_048
    base: int = 240_000_000

    def recording(self, results: int) -> float:
        """Seconds that the leader needs for so many results at once."""
        if results == 1:
            return self.record + self.flush * self.flushes
        return results * self.record_together + self.flush * FLUSHES_TOGETHER

    def needs(self, theorems: float, leaders: int) -> list[str]:
        """A row of the second table: what a leader of so many theorems needs."""
        size = theorems * (self.trajectory + self.proof + self.line)
        return [
            f"{leaders}",
            f"{theorems:,.0f}",
            f"{(self.base + theorems * self.memory) / 1e9:.1f} GB",
            f"{size / 1e9:.1f} GB",
            f"{theorems / self.searches:,.0f} and up to {2 * self.singles:,}",
            f"{theorems * self.proved:,.0f}",
        ]


@dataclass(frozen=True, slots=True)
class Pace:
    """How one leader and its workers go on, when it is steady.

    Attributes:
        results: a second.
        busy: the part of the time that the leader works.
        merging: the part of the time that the process beside it merges.
        working: the part of the time that a worker searches.
    """

    results: float
    busy: float
    merging: float
    working: float


def simulated(constants: Constants, workers: int, seconds: float, *, together: bool, results: int = 20_000) -> Pace:
    """Simulates a leader.

    Args:
        constants: what was measured.
        workers: how many it has.
        seconds: a search takes in the mean.
        together: results that wait are flushed together.
        results: after how many the simulation ends; the first half is not counted.
    """
    draw = random.Random(0)
    ends: list[tuple[float, int]] = []  # of the searches under way
    queued = [IN_FLIGHT - 1] * workers
    idle: set[int] = set()
    waiting: list[int] = []  # whose results wait for the leader
    now = began = busy = merger_free = 0.0
    done = counted = unmerged = merging = 0

    def begin(worker: int, at: float) -> None:
        heapq.heappush(ends, (at + draw.lognormvariate(math.log(seconds) - 0.5, 1.0), worker))

    for worker in range(workers):
        begin(worker, 0.0)
    while done < results:
        while ends and (not waiting or ends[0][0] <= now):
            at, worker = heapq.heappop(ends)
            now = max(now, at)
            waiting.append(worker)
            if queued[worker]:
                queued[worker] -= 1
                begin(worker, at)
            else:
                idle.add(worker)
        taken = len(waiting) if together else 1
        batch, waiting = waiting[:taken], waiting[taken:]
        cost = constants.recording(taken)
        now += cost
        busy += cost
        unmerged += taken
        if unmerged >= 2 * constants.singles:
            now = max(now, merger_free)  # the leader waits
        if now >= merger_free:
            unmerged, merging = unmerged - merging, 0
            if unmerged >= constants.singles:
                merging, merger_free = unmerged, now + unmerged * constants.merge
        for worker in batch:
            if worker in idle:
                idle.discard(worker)
                begin(worker, now)
            else:
                queued[worker] += 1
        half = done < results // 2 <= done + taken
        done += taken
        if half:
            began, busy, counted = now, 0.0, done
    pace = (done - counted) / (now - began)
    return Pace(pace, busy / (now - began), pace * constants.merge, min(1.0, pace * seconds / workers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theorems", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 10.0, 60.0], help="of a search, in the mean")
    parser.add_argument("--leaders", type=int, nargs="+", default=[1, 16, 100])
    arguments = parser.parse_args()
    constants = Constants()
    theorems, rows = arguments.theorems, []
    for leaders in arguments.leaders:
        workers = math.ceil(arguments.workers / leaders)
        for seconds in arguments.seconds:
            for together in (False, True):
                pace = simulated(constants, workers, seconds, together=together)
                rows.append(
                    [
                        f"{leaders}",
                        f"{seconds:g}",
                        "together" if together else "one by one",
                        f"{leaders * pace.results:,.0f}",
                        f"{pace.busy:.0%}",
                        f"{pace.merging:.0%}",
                        f"{pace.working:.0%}",
                        f"{theorems / (leaders * pace.results) / 3600:,.1f}",
                        f"{pace.results * constants.single / 1e6:.1f}",
                    ]
                )
    print(f"{theorems:,} theorems, {arguments.workers:,} workers")
    header = ["leaders", "seconds a search", "results are flushed", "results a second", "leader busy", "merging"]
    print_table([*header, "workers at work", "hours", "MB a second to a leader"], rows)
    print_table(
        ["leaders", "theorems each", "leader's memory", "its folder", "files of searches", "files of proofs"],
        [constants.needs(theorems / leaders, leaders) for leaders in arguments.leaders],
    )


if __name__ == "__main__":
    main()
