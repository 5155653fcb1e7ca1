"""From what a model wrote for a state to candidates: merged, best first, with log-probabilities or without."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from proofsearch.models.prompts import PromptTemplate
from proofsearch.models.scripts import SplitScript, best_scripts, read_script
from proofsearch.protocols import Script
from proofsearch.types import Candidate
from proofsearch_openai.samples import Sample

Harvested = TypeVar("Harvested", Candidate, Script)


@dataclass(frozen=True, slots=True)
class Harvest(Generic[Harvested]):
    """What a state's samples came to. Those that are counted here make no candidate.

    Attributes:
        candidates: or scripts, best first.
        samples: how many there were.
        cut: of those, how many had no end.
        empty: how many ended and say nothing.
        unscored: how many say something and have no log-probability.
        unlisted: how many of the unscored came without any list of log-probabilities.
    """

    candidates: list[Harvested]
    samples: int
    cut: int
    empty: int
    unscored: int = 0
    unlisted: int = 0


def scored(samples: Sequence[Sample], template: PromptTemplate) -> Harvest[Candidate]:
    """Candidates with the model's own log-probabilities.

    Of several token sequences that make the same tactic the likeliest counts, so that log-probability and number of
    tokens belong together and don't grow with the number of samples.
    """
    found: dict[str, Candidate] = {}
    cut, whole = _whole(samples, template)
    unscored = unlisted = 0
    for sample, tactic in whole:
        if not tactic:
            continue
        logprob = sample.logprob(template.stop)
        if logprob is None:
            unscored += 1
            unlisted += not sample.tokens
        elif tactic not in found or logprob[0] > found[tactic].logprob:
            found[tactic] = Candidate(tactic, *logprob)
    return Harvest(_best_first(found.values()), len(samples), cut, _empty(whole), unscored, unlisted)


def counted(samples: Sequence[Sample], template: PromptTemplate) -> Harvest[Candidate]:
    """Candidates with the logarithm of their share of all samples instead, most frequent first.

    A share is of whole tactics, so each counts as one token.
    """
    cut, whole = _whole(samples, template)
    counts = Counter(tactic for _, tactic in whole if tactic)
    candidates = _best_first(Candidate(tactic, math.log(count / len(samples))) for tactic, count in counts.items())
    return Harvest(candidates, len(samples), cut, _empty(whole))


def scripts(
    samples: Sequence[Sample], template: PromptTemplate, split: SplitScript, *, frequency: bool
) -> Harvest[Script]:
    """Whole proofs, with the model's own log-probabilities or with the logarithms of their shares of the samples.

    A share is of whole proofs: the first step has it, and the others are certain beside it.

    Args:
        samples: of a state.
        template: says what ends an answer.
        split: cuts a proof into its tactics.
        frequency: whether to take shares.
    """
    cut, whole = _whole(samples, template)
    found = list[Script]()
    counts = Counter[tuple[str, ...]]()
    empty = unscored = unlisted = 0
    for sample, text in whole:
        listed = None if frequency else sample.listed(template.stop)
        tokens = listed or [(text, 0.0)]
        script = read_script(text, [logprob for _, logprob in tokens], _written(tokens), split)
        if script is None:
            empty += 1
        elif frequency:
            counts[tuple(step.tactic for step in script.steps)] += 1
        elif listed is None:
            unscored += 1
            unlisted += not sample.tokens
        else:
            found.append(script)
    for tactics, count in counts.items():
        shares = (math.log(count / len(samples)), *(0.0 for _ in tactics[1:]))
        found.append(Script(tuple(map(Candidate, tactics, shares))))
    return Harvest(best_scripts(found, len(found)), len(samples), cut, empty, unscored, unlisted)


def _written(tokens: Sequence[tuple[str, float]]) -> Callable[[int], str]:
    """The text of the first so many tokens."""
    pieces = [piece for piece, _ in tokens]
    return lambda count: "".join(pieces[:count])


def _whole(samples: Sequence[Sample], template: PromptTemplate) -> tuple[int, list[tuple[Sample, str]]]:
    """How many have no end, and the others with their tactics."""
    whole = [(sample, template.answer(sample.text)) for sample in samples if sample.ended]
    return len(samples) - len(whole), whole


def _empty(whole: Iterable[tuple[Sample, str]]) -> int:
    return sum(not tactic for _, tactic in whole)


def _best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    # By the text where they are equal: servers give samples in any order.
    return sorted(candidates, key=lambda candidate: (-candidate.logprob, candidate.tactic))
