"""The generator ``openai``: tactics that a served language model writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from proofsearch.errors import UsageError
from proofsearch.models.confidence import KeptAnswers, statistics_of
from proofsearch.models.prompts import load_template
from proofsearch.process import streams
from proofsearch.protocols import GenerationRequest, PolicyStatistics, Suggestions
from proofsearch.types import Candidate, State, Theorem
from proofsearch_openai.candidates import counted, scored
from proofsearch_openai.completions import Completions
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.connection import Connection, together
from proofsearch_openai.errors import FailedError, RefusedError
from proofsearch_openai.samples import Sample, Spent
from proofsearch_openai.sureness import of_first_tokens
from proofsearch_openai.tally import Tally

ROUNDS = 3
"""How often a state is asked for at most, to get all its samples from a server that gives fewer than asked."""

ALTERNATIVES = 20
"""First tokens of an answer whose log-probabilities are asked for."""

FEWER_ALTERNATIVES = 5
"""The same of a server that refuses so many."""

_VERSION = 1
"""Raise it when the same answers would give other statistics or candidates."""

_DECIDING = ("endpoint", "samples", "temperature", "top_p", "max_tokens", "missing_logprobs", "statistics", "extra")
"""Options that decide which candidates and statistics there are."""

_PROBE_TOKENS = 8

_Answer = tuple[list[Candidate] | Suggestions, PolicyStatistics | None]
"""The candidates of a state, and how sure the model is there."""


class OpenAIGenerator:
    """Draws tactics from a model behind an OpenAI-compatible server.

    All requests of a call are under way at once, as far as ``concurrency`` allows. A server that gives fewer answers
    than asked is asked again for the others, one request each if need be, and from then on for no more at a time.

    A state whose prompt the server refuses or fails at, and an answer without a usable log-probability, cost no more
    than themselves: they are counted and said.

    Args:
        config: of the generator.
        say: told what a person should know, a sentence each; default: a warning on standard error.

    Raises:
        UsageError: there is no such template, or the key's variable holds none.
    """

    def __init__(self, config: GeneratorConfig, say: Callable[[str], None] = streams.warning) -> None:
        self._config = config
        self._say = say
        self._template = load_template(config.template)
        self._connection = Connection(config)
        self._completions = Completions(config, self._connection, self._template, say)
        self._tally = Tally(config, say)
        self._gives_logprobs = False  # as far as is known
        self._kept: KeptAnswers[_Answer] = KeptAnswers()
        self._alternatives = ALTERNATIVES

    def prepare(self) -> None:
        """Asks the server for a few tokens, so that a run fails before it has begun. Says what it lacks.

        Raises:
            UsageError: no such model, a refused key, no log-probabilities where they are needed.
            ServerError: no answer.
        """
        prompt = self._prompt(GenerationRequest(Theorem("probe", "probe"), State("probe", ())))
        most = min(_PROBE_TOKENS, self._config.max_tokens)
        for seed in range(ROUNDS):  # one answer may be an exception
            (sample, *_) = self._connection.run(self._completions.ask(prompt, 1, seed, most))
            if self._config.missing_logprobs == "frequency":
                self._say(
                    f"{self._config.base_url} is not asked for log-probabilities: those of candidates are the shares "
                    f"of the samples that they have, not the model's"
                )
                return
            if sample.logprob(self._template.stop) is not None:
                self._gives_logprobs = True
                return
            # A model that ends at once has written no token that could have a log-probability.
            if not sample.text:
                return
            if not sample.tokens:
                break
        raise self._without_logprobs()

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request, best first, without duplicates or empty ones.

        They come with the tokens that they took where the server counts these.

        Raises:
            UsageError: as :meth:`prepare`.
            ServerError: no answer, or one that can't be used.
        """
        if not requests or n < 1:
            return [Suggestions(tokens_in=0, tokens_out=0) for _ in requests]
        return [answer[0] for answer in self._answers(requests, n)]

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        """How sure the model is at states; ``None`` for one whose prompt the server refuses or fails at.

        Of the likeliest tokens that an answer could begin with, by one request for a single token a state; or, by
        option, of the tactics that an expansion would try, which are kept for it.

        Raises:
            UsageError, ServerError: as :meth:`generate`.
        """
        if not requests or n < 1:
            return [None for _ in requests]
        if not self._config.asks_for_prompts:
            return [answer[1] for answer in self._answers(requests, n, keep=True)]
        samples = self._connection.run(self._begin(requests))
        found = [None if one is None else of_first_tokens(one.first) for one in samples]
        if not any(found) and any(samples):
            self._tally.no_alternatives()
        return found

    def fingerprint(self) -> str:
        """Of the model's name and of the options; a server doesn't show its weights.

        Raises:
            UsageError, ServerError: the model has no name in the options, and the server doesn't say which it is.
        """
        config = self._config
        options = {
            "version": _VERSION,
            "template": self._template.fingerprint(),
            **config.model_dump(mode="json", include=set(_DECIDING)),
        }
        digest = hashlib.blake2b(json.dumps(options, sort_keys=True).encode(), digest_size=6).hexdigest()
        return f"openai-{self._connection.run(self._connection.model())}-{digest}"

    def close(self) -> None:
        """Closes the connections, and says what was left out. Idempotent."""
        self._kept.clear()
        self._tally.close()
        self._connection.close()

    # ------------------------------------------------------------------------------------------------ internals

    def _answers(self, requests: Sequence[GenerationRequest], n: int, *, keep: bool = False) -> list[_Answer]:
        """Candidates and statistics: those that are kept, and else new ones."""
        known = [self._kept.get(request, n) for request in requests]
        missing = [request for request, answer in zip(requests, known, strict=True) if answer is None]
        # Of the likeliest answer there is only one.
        wanted = 1 if self._config.temperature == 0 else self._config.samples or n
        new: list[_Answer] = []
        for samples, spent in self._connection.run(self._draw(missing, wanted)) if missing else ():
            candidates = self._candidates(samples)[:n]
            if spent.known:
                candidates = Suggestions(candidates, tokens_in=spent.tokens_in, tokens_out=spent.tokens_out)
            new.append((candidates, statistics_of(candidates) if isinstance(samples, list) else None))
        if keep:
            for request, answer in zip(missing, new, strict=True):
                self._kept.put(request, n, answer)
        rest = iter(new)
        return [next(rest) if answer is None else answer for answer in known]

    def _candidates(self, samples: Sequence[Sample] | RefusedError | FailedError) -> list[Candidate]:
        if isinstance(samples, RefusedError | FailedError):
            self._tally.refuse(samples)
            return []
        if self._config.missing_logprobs == "frequency":
            harvest = counted(samples, self._template)
        else:
            harvest = scored(samples, self._template)
            self._gives_logprobs = self._gives_logprobs or bool(harvest.candidates)
            if harvest.unlisted and not self._gives_logprobs:
                raise self._without_logprobs()
        self._tally.add(harvest)
        return harvest.candidates

    def _without_logprobs(self) -> UsageError:
        return UsageError(
            f"{self._config.base_url}: the server gives no log-probabilities that are finite numbers, which the search "
            f"orders by; have it give them, serve the model with another server, or choose "
            f"{self._config.option('missing_logprobs')} frequency: the shares that tactics have of the samples "
            f"instead, which are not the model's"
        )

    def _prompt(self, request: GenerationRequest) -> str:
        return self._template.render(request.state, request.theorem).text

    async def _draw(
        self, requests: Sequence[GenerationRequest], wanted: int
    ) -> list[tuple[list[Sample] | RefusedError | FailedError, Spent]]:
        await self._connection.model()  # asked for once, not by every request
        spent = [Spent() for _ in requests]
        asked = [self._samples(request, wanted, tokens) for request, tokens in zip(requests, spent, strict=True)]
        return list(zip(await together(asked), spent, strict=True))

    async def _begin(self, requests: Sequence[GenerationRequest]) -> list[Sample | None]:
        """One answer of one token a state, with what else it could have been; ``None`` where there is none."""
        await self._connection.model()
        return await together([self._first_token(request) for request in requests])

    async def _first_token(self, request: GenerationRequest) -> Sample | None:
        prompt = self._prompt(request)
        while True:
            asked = self._alternatives
            try:
                (sample,) = await self._completions.ask(prompt, 1, _seed(request.seed, 0), 1, asked)
            except (RefusedError, FailedError) as error:
                if isinstance(error, RefusedError) and "logprobs" in error.said and asked > FEWER_ALTERNATIVES:
                    self._alternatives = FEWER_ALTERNATIVES
                elif await self._completions.takes_short(error):
                    return None
                else:
                    raise
            else:
                return sample

    async def _samples(
        self, request: GenerationRequest, wanted: int, spent: Spent
    ) -> list[Sample] | RefusedError | FailedError:
        """As many samples as wanted, fewer where the server won't give them in :data:`ROUNDS`.

        A sample's seed says the how-manieth it is, so that the same are drawn whether or not it is known already how
        many the server gives at a time.

        Returns:
            The samples, or why the server refuses this prompt, or fails at it, while it answers another.
        """
        prompt = self._prompt(request)
        found: list[Sample] = []
        number = 0
        for _ in range(ROUNDS):
            missing = wanted - len(found)
            if missing <= 0:
                break
            share = min(missing, self._completions.most or missing)
            try:
                answers = await together(
                    [
                        self._completions.ask(
                            prompt, min(share, number + missing - first), _seed(request.seed, first), spent=spent
                        )
                        for first in range(number, number + missing, share)
                    ]
                )
            except (RefusedError, FailedError) as error:
                if await self._completions.takes_short(error):
                    return error
                raise
            found += [sample for answer in answers for sample in answer]
            number = len(found) if len(answers) == 1 else number + missing
        return found


def _seed(seed: int, number: int) -> int:
    """The seed of a request's samples from a certain number on: 31 bits, since not every server takes more."""
    digest = hashlib.blake2b(f"{seed} {number}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1
