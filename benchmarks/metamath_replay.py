"""Replays a Metamath database's own proofs through the search, writes them as found proofs are, and verifies these.

    python benchmarks/metamath_replay.py [--database ql.mm] [--theorems 300] [--seed 0]

Prints how many proofs replay, how many of these verify, and the seconds that replaying took. One that replays and does
not verify would be a fault of the unifier or of what writes the proof.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

from proofsearch_metamath.config import MetamathConfig
from proofsearch_metamath.environment import MetamathEnvironment

from proofsearch.storage.cache import cache_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", type=Path, help="a .mm file; default: the shipped prefix of set.mm")
    parser.add_argument("--theorems", type=int, help="a sample; default: all")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    environment = MetamathEnvironment(MetamathConfig(database=arguments.database), cache_folder())
    theorems = list(environment.theorems())
    if arguments.theorems is not None and arguments.theorems < len(theorems):
        theorems = random.Random(arguments.seed).sample(theorems, arguments.theorems)
    steps = verified = failed = 0
    seconds = 0.0
    for theorem in theorems:
        skipped = environment.skipped_demonstrations
        started = time.perf_counter()
        tactics = [demonstration.tactic for demonstration in environment.demonstrations([theorem])]
        seconds += time.perf_counter() - started
        if environment.skipped_demonstrations > skipped:
            continue
        steps += len(tactics)
        verdict = environment.verify(theorem, environment.write_proof(theorem, tactics))
        verified += verdict.proved
        if not verdict.proved:
            failed += 1
            print(f"{theorem.name}: {verdict.message}")
    print(
        f"{len(theorems)} proofs: {environment.skipped_demonstrations} skipped for their size, {verified} verified, "
        f"{failed} refused; {steps} steps replayed in {seconds:.1f} s"
    )


if __name__ == "__main__":
    main()
