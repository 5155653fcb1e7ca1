"""Arms that search the same theorems: what each solved over the baseline, and how much of the oracle's headroom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench_runs import cost_words, paired_words, print_table

from proofsearch.config import PriorityConfig
from proofsearch.evaluation.pairs import efforts_of
from proofsearch.measures.bootstrap import Bootstrap
from proofsearch.measures.paired import compare_costs, compare_solved
from proofsearch.runs import RunFolder

Row = tuple[str, str, str]
"""What is compared, the difference in words, and on how many theorems."""

ORACLE_SCORER, ORACLE_PRIORITY = "demonstration", PriorityConfig(kind="astar")
"""Of a search by the known proof, which no value can beat with the same candidates."""

LENGTHS = ((0, 1), (2, 3), (4, 5), (6, 9), (10, 19), (20, 10**9))
"""Numbers of steps of the library's proof that are told apart."""


def names_of(run: RunFolder) -> list[str]:
    """The theorems that a run has searched."""
    return [theorem.name for theorem in run.theorems]


def finished_arm(path: Path, expansions: int) -> RunFolder:
    """A run that was made before, to stand beside others.

    Raises:
        SystemExit: it is not finished, or was allowed fewer expansions.
    """
    run = RunFolder.open(path)
    most = run.config.search.limit.expansions
    if run.remaining() or (most is not None and most < expansions):
        raise SystemExit(f"{path}: expected a finished run with a limit of {expansions} expansions, found {most}")
    return run


def refuse_other_theorems(run: RunFolder, base: RunFolder) -> None:
    """Refuses to compare runs of other theorems.

    Raises:
        SystemExit: they have searched others.
    """
    if set(names_of(run)) != set(names_of(base)):
        raise SystemExit(f"{run.path}: has searched other theorems than {base.path}")


def solved_at(run: RunFolder, names: Sequence[str], budget: float) -> int:
    """How many of these theorems a run solved within so many expansions."""
    return int(efforts_of(run, names).solved("expansions", budget).sum())


def expansion_rows(base: RunFolder, run: RunFolder, budgets: Sequence[int], bootstrap: Bootstrap) -> Iterator[Row]:
    """What a run solved over the baseline within so many expansions."""
    names = names_of(base)
    first, second = efforts_of(base, names), efforts_of(run, names)
    for paired in compare_solved(first, second, "expansions", budgets, bootstrap):
        yield f"{paired.budget:,} expansions", paired_words(paired), f"{len(names)} theorems"


def time_rows(base: RunFolder, run: RunFolder, budgets: Sequence[int], bootstrap: Bootstrap) -> Iterator[Row]:
    """The same within the seconds that the baseline takes for these expansions on average."""
    names = names_of(base)
    first, second = efforts_of(base, names), efforts_of(run, names)
    pace = float(first.seconds.sum() / max(first.expansions.sum(), 1.0))
    times = [budget * pace for budget in budgets]
    for budget, paired in zip(budgets, compare_solved(first, second, "seconds", times, bootstrap), strict=True):
        within = f"{paired.budget:.2g} s, those of {budget:,} expansions"
        yield within, paired_words(paired), f"{len(names)} theorems"


def cost_row(base: RunFolder, run: RunFolder, budget: int, bootstrap: Bootstrap) -> Row:
    """What proofs cost over the baseline's, on the theorems that both prove."""
    names = names_of(base)
    first, second = efforts_of(base, names), efforts_of(run, names)
    both = first.solved("expansions", budget) & second.solved("expansions", budget)
    return (
        "to proof, both solve",
        cost_words(compare_costs(first, second, both, bootstrap)),
        f"{int(both.sum())} theorems",
    )


def print_solved(base: RunFolder, arms: Mapping[str, RunFolder], budgets: Sequence[int]) -> None:
    """Prints how many theorems each arm solved."""
    names = names_of(base)
    print(f"\n### Solved of {len(names)} theorems")
    rows = [(name, *(str(solved_at(run, names, budget)) for budget in budgets)) for name, run in arms.items()]
    print_table(("", *(f"{budget:,} expansions" for budget in budgets)), rows)


def print_by_length(base: RunFolder, name: str, run: RunFolder, budgets: Sequence[int]) -> None:
    """Prints what the baseline and an arm solved, by the length of the library's proof."""
    print(f"\n### Solved by log-probability, by {name}, by the steps of the library's proof")
    rows = []
    for low, high in LENGTHS:
        names = [theorem.name for theorem in base.theorems if low <= (theorem.proof_length or 0) <= high]
        cells = []
        for budget in budgets:
            cells.append(", ".join(str(solved_at(one, names, budget)) for one in (base, run)))
        rows.append([f"{low}–{high}" if high < LENGTHS[-1][1] else f"{low} and more", str(len(names)), *cells])
    print_table(("steps", "theorems", *(f"{budget:,} expansions" for budget in budgets)), rows)


def print_headroom(base: RunFolder, oracle: RunFolder, arms: Mapping[str, RunFolder], budgets: Sequence[int]) -> None:
    """Prints which share of what a value could add at most each arm adds."""
    names = names_of(base)
    print("\nshare of the headroom, oracle less log-probability:")
    for budget in budgets:
        least = solved_at(base, names, budget)
        room = solved_at(oracle, names, budget) - least
        shares = [
            f"{arm} {(solved_at(run, names, budget) - least) / room:.0%}" for arm, run in arms.items() if room > 0
        ]
        print(f"within {budget:,} expansions: {', '.join(shares) or 'none'} of {room} theorems")
