"""How many of the standard library's own proofs the check of ``proofsearch-rocq`` refuses; it should be none.

    python benchmarks/rocq_check.py --sample 300 --seed 0

The proofs are written as found ones are, out of the sentences that the scanner reads, so that the scanner, the sources
and the check have to agree with the prover on the library as people wrote it.
"""

from __future__ import annotations

import argparse
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import find_installation
from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.sources import read_lemmas
from proofsearch_rocq.verification import proof_text, verify

from proofsearch import Verdict
from proofsearch.measures.intervals import wilson


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=300, help="lemmas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="checks at once")
    parser.add_argument("--file", type=Path, default=None, help="a file or folder in place of the standard library")
    options = parser.parse_args()
    config = RocqConfig(file=options.file)
    installation = find_installation(config)
    lemmas = read_lemmas(config, installation)
    sample = random.Random(options.seed).sample(list(lemmas), min(options.sample, len(lemmas)))

    def check(lemma: Lemma) -> tuple[Lemma, Verdict, float]:
        began = time.monotonic()
        return lemma, verify(installation, config, lemma, proof_text(lemma, lemma.script)), time.monotonic() - began

    print(f"Rocq {installation.version}; {len(sample)} of {len(lemmas)} lemmas, seed {options.seed}", flush=True)
    refused, seconds = 0, []
    with ThreadPoolExecutor(options.workers) as pool:
        for lemma, verdict, took in pool.map(check, sample):
            seconds.append(took)
            if len(seconds) % 50 == 0:
                print(f"{len(seconds)} checked", flush=True)
            if not verdict.proved:
                refused += 1
                print(f"refused: {lemma.name}: {verdict.message}", flush=True)
    low, high = wilson(refused, len(sample))
    print(f"refused: {refused} of {len(sample)} ({refused / len(sample):.1%}, 95%: {low:.1%} to {high:.1%})")
    print(f"seconds a check: median {sorted(seconds)[len(seconds) // 2]:.2f}, highest {max(seconds):.2f}")


if __name__ == "__main__":
    main()
