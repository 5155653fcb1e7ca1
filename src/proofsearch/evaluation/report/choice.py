"""Which theorems' search trees a report shows: all would make a file that nobody can open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proofsearch.errors import UsageError
from proofsearch.protocols import TheoremResult


@dataclass(frozen=True, slots=True)
class Choice:
    """The theorems whose trees are shown.

    Attributes:
        theorems: their names: proved ones and failures in turn, then those that were asked for by name.
        proved: how many theorems have a recorded search and were proved in at least one run.
        failed: how many have a recorded search and were proved in none.
        proved_left_out: of the first, how many are not shown.
        failed_left_out: of the second.
    """

    theorems: tuple[str, ...]
    proved: int
    failed: int
    proved_left_out: int
    failed_left_out: int


def choose(results: Sequence[Mapping[str, TheoremResult]], most: int, named: Sequence[str] = ()) -> Choice:
    """Chooses theorems: half of them proved, half not, where there are enough of both.

    Of the proved ones those first that some run did not prove, then those whose search reached the most states: they
    have the most to show. Of the others those whose search reached the most states.

    Args:
        results: of each run, by theorem.
        most: how many theorems, at least 0.
        named: names that are chosen in any case.
    """
    recorded = {
        name: [run_results[name] for run_results in results if name in run_results]
        for run in results
        for name, result in run.items()
        if result.search_id
    }

    def size(name: str) -> int:
        return max(result.nodes for result in recorded[name])

    # Sorting is stable: equal sizes stay in the runs' order.
    proved = sorted(
        (name for name, run_results in recorded.items() if any(result.proved for result in run_results)),
        key=lambda name: (all(result.proved for result in recorded[name]), -size(name)),
    )
    failed = sorted(
        (name for name, run_results in recorded.items() if not any(result.proved for result in run_results)), key=size
    )[::-1]
    of_proved = min(len(proved), max(most - len(failed), (most + 1) // 2))
    of_failed = min(len(failed), most - of_proved)
    chosen = [*proved[:of_proved], *failed[:of_failed]]
    chosen += [name for name in dict.fromkeys(named) if name in recorded and name not in chosen]
    shown = set(chosen)
    return Choice(
        theorems=tuple(chosen),
        proved=len(proved),
        failed=len(failed),
        proved_left_out=sum(name not in shown for name in proved),
        failed_left_out=sum(name not in shown for name in failed),
    )


def check_named(named: Sequence[str], results: Sequence[Mapping[str, TheoremResult]], runs: Sequence[Path]) -> None:
    """Refuses names of which there is nothing to show.

    Raises:
        UsageError: no run has a result of the theorem, or none recorded its search.
    """
    for name in named:
        found = [run_results[name] for run_results in results if name in run_results]
        where = ", ".join(map(str, runs))
        if not found:
            raise UsageError(
                f"--theorem {name}: no run has a result of this theorem ({where}); the names that were searched are in "
                f"the run folder's theorems.jsonl"
            )
        if not any(result.search_id for result in found):
            raise UsageError(
                f"--theorem {name}: no search of it was recorded ({where}); search it again without --no-trajectories"
            )
