"""Scripts as language models write them: one text, cut into tactics with their shares of the log-probability."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from proofsearch.protocols import Script, SplitsScripts
from proofsearch.types import Candidate

NEWLINE = "\n"
"""What stands between the tactics of a script."""

SplitScript = Callable[[str], Sequence[str]]
"""Cuts a script into its tactics."""


def split_lines(script: str) -> list[str]:
    """The lines of a script that are not empty, without white space around them."""
    return [tactic for line in script.splitlines() if (tactic := line.strip())]


def splitter(environment: object) -> SplitScript:
    """How scripts of an environment are cut into tactics: as it says, otherwise a line each."""
    return environment.split_script if isinstance(environment, SplitsScripts) else split_lines


def read_script(text: str, tokens: Sequence[tuple[str, float]], split: SplitScript) -> Script | None:
    """The script in what a model wrote; ``None`` where there is no tactic in it.

    A token belongs to the tactic in which it begins, white space behind a tactic to that one, since it ends it, other
    words between two tactics to the second, and what ends the text to the last. So the log-probabilities of the
    tactics add up to that of all tokens.

    Args:
        text: the script.
        tokens: the pieces that were written, in order, with their log-probabilities; together they hold the text, and
            may hold more around it, such as what ends it.
        split: cuts it into tactics.
    """
    tactics = [tactic for tactic in split(text) if tactic]
    if not tactics:
        return None
    ends = _ends(tactics, "".join(piece for piece, _ in tokens))
    steps, logprob, count = list[Candidate](), 0.0, 0
    starts = accumulate((len(piece) for piece, _ in tokens), initial=0)
    for start, (piece, value) in zip(starts, tokens, strict=False):
        while len(steps) < len(tactics) - 1 and start >= ends[len(steps)] and not (count and piece.isspace()):
            steps.append(Candidate(tactics[len(steps)], min(logprob, 0.0), max(count, 1)))
            logprob, count = 0.0, 0
        logprob += value
        count += 1
    for tactic in tactics[len(steps) :]:
        steps.append(Candidate(tactic, min(logprob, 0.0), max(count, 1)))
        logprob, count = 0.0, 0
    return Script(tuple(steps))


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
