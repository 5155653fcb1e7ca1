"""Lemmas that look like a goal: cosine of the symbols that their statements share with it, rare ones counting more."""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from proofsearch_rocq.lemmas import Lemma
from proofsearch_rocq.states import RULE

_SYMBOLS = re.compile(r"[^\W\d][\w']*(?:\.[^\W\d][\w']*)*|\d+|[^\s\w()\[\]{},.;:'\"]+")
_COMMON = frozenset(
    (
        *("Lemma", "Theorem", "Corollary", "Proposition", "Remark", "Fact", "Property", "Example", "Definition"),
        *("Instance", "Fixpoint", "Local", "Global", "Program", "Prop", "Set", "Type", "=", "->", ":="),
        *("forall", "exists", "fun", "let", "in", "match", "with", "end", "if", "then", "else"),
    )
)
_KEPT = 512
"""Goals whose answers are remembered: a search meets the same goal in many states."""


class LemmaIndex:
    """The statements of all lemmas of an environment, in its order.

    A lemma may be cited where it stands in the same file, further up, or in a file that comes before. What a file
    doesn't import isn't known to the prover, which says so at once.

    Args:
        lemmas: by name, in the environment's order.
    """

    def __init__(self, lemmas: Mapping[str, Lemma]) -> None:
        self._places = {name: place for place, name in enumerate(lemmas)}
        self._lemmas = list(lemmas.values())
        counts = [Counter(_symbols(lemma.statement)) for lemma in self._lemmas]
        documents: Counter[str] = Counter()
        for count in counts:
            documents.update(count.keys())
        total = len(self._lemmas)
        self._rarity = {symbol: math.log((1 + total) / (1 + known)) for symbol, known in documents.items()}
        postings: defaultdict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
        for place, count in enumerate(counts):
            weights = {symbol: (1 + math.log(times)) * self._rarity[symbol] for symbol, times in count.items()}
            norm = math.sqrt(math.fsum(weight * weight for weight in weights.values())) or 1.0
            for symbol, weight in weights.items():
                numbers, values = postings[symbol]
                numbers.append(place)
                values.append(weight / norm)
        self._postings = {
            symbol: (np.array(numbers, np.int64), np.array(values)) for symbol, (numbers, values) in postings.items()
        }
        self._answers: OrderedDict[tuple[str, str, int], Sequence[tuple[str, float]]] = OrderedDict()

    def nearest(self, target: str, goal: str, n: int) -> Sequence[tuple[str, float]]:
        """The lemmas that look most like a goal's conclusion.

        Args:
            target: the lemma that is being proved; it, and what stands behind it, is left out.
            goal: the goal's text.
            n: how many at most.

        Returns:
            The name to cite each by, with the likeness in (0, 1], best first.
        """
        key = (target, goal, n)
        if key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        found = self._answers[key] = self._found(target, goal.rpartition(f"{RULE}\n")[2], n)
        if len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return found

    def _found(self, target: str, conclusion: str, n: int) -> Sequence[tuple[str, float]]:
        before = self._places.get(target, 0)
        scores = np.zeros(len(self._lemmas))
        norm = 0.0
        for symbol, times in Counter(_symbols(conclusion)).items():
            weight = (1 + math.log(times)) * self._rarity.get(symbol, 0.0)
            norm += weight * weight
            if symbol in self._postings:
                numbers, values = self._postings[symbol]
                scores[numbers] += weight * values
        scores[before:] = 0.0
        best = np.argsort(-scores, kind="stable")[:n].tolist()
        file = self._lemmas[before].file if target in self._places else None
        return [
            (cited(self._lemmas[place], file), float(scores[place]) / math.sqrt(norm))
            for place in best
            if scores[place] > 0
        ]


def cited(lemma: Lemma, file: object) -> str:
    """The name by which a lemma is cited in a file: short in its own, with what it stands in elsewhere."""
    if lemma.file is file:
        return lemma.short
    return ".".join(lemma.name.split(".")[-2:])


def _symbols(text: str) -> list[str]:
    """Names without what they stand in, numbers and signs, but for those that nearly every statement has."""
    return [symbol.rpartition(".")[2] or symbol for symbol in _SYMBOLS.findall(text) if symbol not in _COMMON]
