"""How long a run's proofs are beside the library's own, before and after ``proofsearch minimise``.

    proofsearch search --split test --out runs/first             # or any run on Metamath
    proofsearch minimise runs/first
    python benchmarks/minimise.py runs/first runs/first-minimised [--reference metamath]

For Metamath. Two counts: *tactics*, the steps that a search takes (of the library's proof those of its replay), and
*steps*, the different applications of assertions that show something in the written proof; what builds formulas, and
hypotheses, don't count. A proof is shorter than the library's if it has fewer steps. Of these some rest on axioms that
the library's own proof doesn't need. ``--reference`` names the reference program (Debian's package ``metamath``), which
then verifies all proofs, spliced into the database; the script fails where it doesn't accept them.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench_runs import print_table

from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.runs import RunFolder


@dataclass(frozen=True)
class Lengths:
    """A theorem's proofs: tactics and steps of the library's, of the run's, and of the shorter one.

    ``tactics[0]`` is 0 where the library's own proof can't be replayed.
    """

    name: str
    tactics: tuple[int, int, int]
    steps: tuple[int, int, int]
    more_axioms: tuple[bool, bool]


def lengths(before: RunFolder, after: RunFolder, environment: Any) -> list[Lengths]:
    """Of each theorem that both runs prove."""
    found = []
    old, new = before.results(), after.results()
    for name, result in new.items():
        if not result.proved:
            continue
        theorem = environment.theorem(name)
        own = environment.stored_proof_text(theorem)
        axioms = set(environment.verify(theorem, own).rests_on)
        texts = (own, before.proof(name), after.proof(name))
        replayed = len(list(environment.demonstrations([theorem])))
        used = [old[name].verdict, result.verdict]
        found.append(
            Lengths(
                name,
                (replayed, len(old[name].tactics), len(result.tactics)),
                tuple(environment.proof_steps(theorem, text) for text in texts),
                tuple(verdict is not None and not axioms.issuperset(verdict.rests_on) for verdict in used),
            )
        )
    return found


def show(found: list[Lengths]) -> None:
    rows = []
    for place, which in ((1, "as found"), (2, "minimised")):
        shorter = [one for one in found if one.steps[place] < one.steps[0]]
        replayed = [one for one in found if one.tactics[0]]
        rows.append(
            [
                which,
                str(sum(one.tactics[place] for one in found)),
                str(sum(one.steps[place] for one in found)),
                f"{len(shorter)} ({len(shorter) / len(found):.0%})",
                str(sum(one.steps[place] == one.steps[0] for one in found)),
                str(sum(one.steps[place] > one.steps[0] for one in found)),
                str(sum(one.more_axioms[place - 1] for one in shorter)),
                f"{sum(one.tactics[place] < one.tactics[0] for one in replayed)} of {len(replayed)}",
            ]
        )
    own = sum(one.steps[0] for one in found)
    print(f"{len(found)} theorems; the library's own proofs have {own} steps")
    print_table(
        (
            "proofs",
            "tactics",
            "steps",
            "fewer steps than the library's",
            "as many",
            "more",
            "of those with fewer, on further axioms",
            "fewer tactics than its replay",
        ),
        rows,
    )
    changed = [one for one in found if one.tactics[2] < one.tactics[1] or one.steps[2] < one.steps[1]]
    longer = [one.name for one in found if one.tactics[2] > one.tactics[1] or one.steps[2] > one.steps[1]]
    if changed:
        before, after = (np.array([one.steps[place] for one in changed]) for place in (1, 2))
        print(
            f"{len(changed)} got shorter by minimising, {len(longer)} longer {longer[:5]}; those had "
            f"{np.median(before):g} steps in the median (mean {before.mean():.1f}) and have {np.median(after):g} "
            f"({after.mean():.1f})"
        )
    best = sorted(found, key=lambda one: one.steps[2] - one.steps[0])[:10]
    print("\nthe largest gains over the library:")
    print_table(
        ("theorem", "steps of the library's", "as found", "minimised", "further axioms"),
        [[one.name, *map(str, one.steps), "yes" if one.more_axioms[1] else "no"] for one in best],
    )


def verified_by(program: str, run: Path) -> str:
    """What the reference program says of a database with a run's proofs in the place of the library's.

    Raises:
        SystemExit: it doesn't accept all of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        spliced = Path(folder) / "spliced.mm"
        subprocess.run(
            [sys.executable, "-m", "proofsearch", "metamath", "splice", str(run), "--out", str(spliced)], check=True
        )
        commands = (f"read {spliced.name}", "verify proof *", "exit")  # it takes a slash for the beginning of an option
        done = subprocess.run([program, *commands], cwd=folder, capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if "error" in line.lower() or "verified" in line.lower()]
        said = "\n".join(lines[-5:])
        if done.returncode or "?Error" in done.stdout or "All proofs in the database were verified" not in said:
            raise SystemExit(f"{program} does not accept the proofs of {run}:\n{said or done.stdout + done.stderr}")
        return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs=2, type=Path)
    parser.add_argument("--reference", help="the reference program, such as metamath")
    arguments = parser.parse_args()
    if arguments.reference and shutil.which(arguments.reference) is None:
        parser.error(f"--reference {arguments.reference}: no such program; on Debian: apt-get install metamath")
    before, after = (RunFolder.open(path) for path in arguments.runs)
    plugins = Plugins.discover()
    with Components(plugins, resolve(plugins, before.config)) as components:
        show(lengths(before, after, components.environment()))
    if arguments.reference:
        print(verified_by(arguments.reference, after.path))


if __name__ == "__main__":
    main()
