"""From what a model wrote for a state to candidates: merged, best first, with log-probabilities or without."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from proofsearch.prompts import PromptTemplate
from proofsearch.types import Candidate
from proofsearch_openai.samples import Sample


class MissingLogprobsError(Exception):
    """A sample has no log-probability."""


def scored(samples: Sequence[Sample], template: PromptTemplate) -> list[Candidate]:
    """Candidates with the model's own log-probabilities, best first.

    Of several token sequences that make the same tactic the likeliest counts, so that log-probability and number of
    tokens belong together and don't grow with the number of samples. What has no end or says nothing is left out.

    Raises:
        MissingLogprobsError: a sample that is to be a candidate has none.
    """
    found: dict[str, Candidate] = {}
    for sample in samples:
        tactic = template.answer(sample.text) if sample.ended else ""
        if not tactic:
            continue
        logprob = sample.logprob(template.stop)
        if logprob is None:
            raise MissingLogprobsError
        if tactic not in found or logprob[0] > found[tactic].logprob:
            found[tactic] = Candidate(tactic, *logprob)
    return _best_first(found.values())


def counted(samples: Sequence[Sample], template: PromptTemplate) -> list[Candidate]:
    """Candidates with the logarithm of their share of all samples instead, most frequent first.

    A share is of whole tactics, so each counts as one token.
    """
    counts = Counter(template.answer(sample.text) for sample in samples if sample.ended)
    return _best_first(Candidate(tactic, math.log(count / len(samples))) for tactic, count in counts.items() if tactic)


def _best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    # By the text where they are equal: servers give samples in any order.
    return sorted(candidates, key=lambda candidate: (-candidate.logprob, candidate.tactic))
