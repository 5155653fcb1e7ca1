"""Several policies on one budget: the generator ``mixture``.

A tactic's probability is the weighted mean of what the policies give it, as in a mixture of experts with fixed
weights. What a policy doesn't suggest it gives nothing, so that the sum over the candidates stays at most 1. A policy
that suggests nothing at all at a state has no say there: the others share its weight, in the proportion of theirs.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence

from pydantic import Field, field_validator

from proofsearch.config import ComponentConfig
from proofsearch.config.bounds import LARGEST
from proofsearch.models.confidence import KeptAnswers, fingerprint_of, statistics_of
from proofsearch.protocols import Builder, GenerationRequest, PolicyStatistics, Prepares, Suggestions, TacticGenerator
from proofsearch.types import Candidate

NAME = "mixture"
"""What it is registered as."""


class MixtureConfig(ComponentConfig):
    """Options of the generator ``mixture``."""

    of: tuple[str, ...] = Field(
        default=("knn",),
        description="A policy, or policy:weight (default 1); weights are normalised to a sum of 1.",
    )

    @property
    def weights(self) -> dict[str, float]:
        """The policies' weights by name, as they were given."""
        found: dict[str, float] = {}
        for text in self.of:
            name, colon, weight = text.partition(":")
            found[name] = float(weight) if colon else 1.0
        return found

    @property
    def generators(self) -> tuple[str, ...]:
        """The policies that it asks for; the core looks here for what else has to be built."""
        return tuple(self.weights)

    @field_validator("of")
    @classmethod
    def _readable(cls, of: tuple[str, ...]) -> tuple[str, ...]:
        names = []
        for text in of:
            name, colon, weight = text.partition(":")
            try:
                fits = bool(name) and (not colon or 0 < float(weight) <= LARGEST)
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(
                    f"expected a policy, or policy:weight with a weight above 0, such as knn:0.3, found {text!r}"
                )
            if name == NAME:
                raise ValueError("a mixture can't be part of one")
            if name in names:
                raise ValueError(f"{name!r} is named twice")
            names.append(name)
        if not names:
            raise ValueError("names no policy")
        return of


class MixtureGenerator:
    """Asks several policies and puts their candidates together; a :class:`proofsearch.protocols.TacticGenerator`.

    Args:
        policies: with their weights, which are above 0; at least one. They are closed by whoever made them.
    """

    def __init__(self, policies: Sequence[tuple[TacticGenerator, float]]) -> None:
        total = math.fsum(weight for _, weight in policies)
        self._policies = [(policy, math.log(weight / total)) for policy, weight in policies]
        self._kept = KeptAnswers[list[Candidate]]()

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request, best first; ties in the order of the policies and their candidates.

        Each policy is asked once for all requests. A candidate that several suggest has the fewest tokens of theirs.
        The tokens that an answer took are those of the policies that count theirs.
        """
        kept = [self._kept.get(request, n) for request in requests]
        asked = [request for request, known in zip(requests, kept, strict=True) if known is None]
        mixed = iter(self._mixed(asked, n) if asked else ())
        return [next(mixed) if known is None else known for known in kept]

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics]:
        """What its candidates say, which are kept for :meth:`generate`.

        See :class:`proofsearch.protocols.ReportsStatistics`.
        """
        found = self.generate(requests, n)
        for request, candidates in zip(requests, found, strict=True):
            self._kept.put(request, n, candidates)
        return list(map(statistics_of, found))

    def fingerprint(self) -> str:
        """Of its policies and their weights; see :class:`proofsearch.protocols.Fingerprinted`."""
        parts = [(fingerprint_of(policy), weight) for policy, weight in self._policies]
        return "mixture-" + hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()

    def _mixed(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        suggestions = [policy.generate(requests, n) for policy, _ in self._policies]
        weights = [weight for _, weight in self._policies]
        return [_mixed(list(zip(lists, weights, strict=True)), n) for lists in zip(*suggestions, strict=True)]

    def prepare(self) -> None:
        """Has the policies prepare what they need; see :class:`proofsearch.protocols.Prepares`."""
        for policy, _ in self._policies:
            if isinstance(policy, Prepares):
                policy.prepare()

    def close(self) -> None:
        """Forgets what it kept."""
        self._kept.clear()


def _mixed(suggestions: Sequence[tuple[Sequence[Candidate], float]], n: int) -> list[Candidate]:
    """One request's candidates of each policy, put together; the numbers are logarithms of the policies' weights."""
    found: dict[str, tuple[list[float], int]] = {}
    share = _share([weight for candidates, weight in suggestions if candidates], len(suggestions))
    for candidates, weight in suggestions:
        seen = set()
        for candidate in candidates:
            if candidate.tactic in seen:
                continue  # the core, too, takes only the first of equal ones
            seen.add(candidate.tactic)
            parts, tokens = found.get(candidate.tactic, ([], candidate.num_tokens))
            parts.append(weight - share + candidate.logprob)
            found[candidate.tactic] = parts, min(tokens, candidate.num_tokens)
    mixed = [Candidate(tactic, min(_log_of_sum(parts), 0.0), tokens) for tactic, (parts, tokens) in found.items()]
    mixed.sort(key=lambda candidate: -candidate.logprob)
    counted = [candidates for candidates, _ in suggestions if isinstance(candidates, Suggestions)]
    if not counted:  # of policies that know no tokens
        return mixed[:n]
    read, written = sum(one.tokens_in for one in counted), sum(one.tokens_out for one in counted)
    return Suggestions(mixed[:n], tokens_in=read, tokens_out=written)


def _share(speaking: Sequence[float], policies: int) -> float:
    """The logarithm of the weights, together, of the policies that suggest anything; 0 where all do, or none does."""
    return _log_of_sum(speaking) if 0 < len(speaking) < policies else 0.0


def _log_of_sum(logs: Sequence[float]) -> float:
    if len(logs) == 1:
        return logs[0]
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs))


def make_mixture(config: MixtureConfig, builder: Builder) -> MixtureGenerator:
    """Builds the generator ``mixture``.

    Raises:
        PluginError: it names a policy that doesn't exist.
    """
    return MixtureGenerator([(builder.generator(name), weight) for name, weight in config.weights.items()])
