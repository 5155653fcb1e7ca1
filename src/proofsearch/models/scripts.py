"""Scripts as language models write them: one text, cut into tactics with their shares of the log-probability."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from math import fsum

from proofsearch.protocols import Script, SplitsScripts
from proofsearch.types import Candidate

NEWLINE = "\n"
"""What stands between the tactics of a script."""

_FENCE = re.compile(r"^```[^\n]*\n(.*?)(?:^```|\Z)", re.DOTALL | re.MULTILINE)

SplitScript = Callable[[str], Sequence[str]]
"""Cuts a script into its tactics."""


def split_lines(script: str) -> list[str]:
    """The lines of a script that are not empty, without white space around them."""
    return [tactic for line in within_fence(script).splitlines() if (tactic := line.strip())]


def within_fence(text: str) -> str:
    """What stands in the first code fence of a text, as chat models write them; the text itself where there is none."""
    found = _FENCE.search(text)
    return found[1] if found else text


def splitter(environment: object) -> SplitScript:
    """How scripts of an environment are cut into tactics: as it says, otherwise a line each."""
    return environment.split_script if isinstance(environment, SplitsScripts) else split_lines


def read_script(
    text: str, logprobs: Sequence[float], written: Callable[[int], str], split: SplitScript
) -> Script | None:
    """The script in what a model wrote; ``None`` where there is no tactic in it.

    A token belongs to the tactic in which it ends, white space behind a tactic to that one, since it ends it, and what
    ends the text to the last. So the log-probabilities of the tactics add up to that of all tokens.

    Args:
        text: the script.
        logprobs: of the tokens that were written, in order.
        written: the text of the first so many of them; that of all holds the script, with more around it perhaps.
        split: cuts it into tactics.
    """
    tactics = [tactic for tactic in split(text) if tactic]
    if not tactics:
        return None
    steps, first, count = list[Candidate](), 0, len(logprobs)
    for tactic, end in zip(tactics, _ends(tactics, written(count)), strict=True):
        last = count
        if len(steps) < len(tactics) - 1:
            # The text of more tokens is longer.
            last = bisect_right(range(count + 1), end, lo=first, key=lambda place: len(written(place).rstrip())) - 1
            last = max(first, last)
        steps.append(Candidate(tactic, min(fsum(logprobs[first:last]), 0.0), max(last - first, 1)))
        first = last
    return Script(tuple(steps))


def best_scripts(scripts: Iterable[Script], n: int) -> list[Script]:
    """The likeliest of some scripts; of those with the same tactics the likeliest alone."""
    best: dict[tuple[str, ...], tuple[float, Script]] = {}
    for script in scripts:
        tactics, logprob = tuple(step.tactic for step in script.steps), fsum(step.logprob for step in script.steps)
        if tactics not in best or logprob > best[tactics][0]:
            best[tactics] = logprob, script
    ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))
    return [script for _, (_, script) in ranked[:n]]


def _ends(tactics: Sequence[str], text: str) -> list[int]:
    """Where each tactic ends in a text.

    One that doesn't stand there as it is, since the environment has changed it, ends with its last line that does.
    """
    ends, place = list[int](), 0
    for tactic in tactics:
        for piece in (tactic, *(line.strip() for line in tactic.splitlines())):
            found = text.find(piece, place) if piece else -1
            if found >= 0:
                place = found + len(piece)
                if piece is tactic:
                    break
        ends.append(place)
    return ends
