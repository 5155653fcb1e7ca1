"""The generator ``openai``: tactics that a served language model writes."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence

from proofsearch.errors import UsageError
from proofsearch.prompts import load_template
from proofsearch.protocols import GenerationRequest
from proofsearch.types import Candidate, State, Theorem
from proofsearch_openai.candidates import MissingLogprobsError, counted, scored
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.connection import Connection, together
from proofsearch_openai.errors import FailedError, RefusedError
from proofsearch_openai.samples import Sample, read_samples

ROUNDS = 3
"""How often a state is asked for at most, to get all its samples from a server that gives fewer than asked."""

_PROBE_TOKENS = 8


def _to_stderr(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


class OpenAIGenerator:
    """Draws tactics from a model behind an OpenAI-compatible server.

    All requests of a call are under way at once, as far as ``concurrency`` allows. A server that gives fewer answers
    than asked is asked again for the others, one request each if need be, and from then on for no more at a time.

    Args:
        config: of the generator.
        say: told what a person should know, a sentence each; default: a warning on standard error.

    Raises:
        UsageError: there is no such template, or the key's variable holds none.
    """

    def __init__(self, config: GeneratorConfig, say: Callable[[str], None] = _to_stderr) -> None:
        self._config = config
        self._say = say
        self._template = load_template(config.template)
        self._connection = Connection(config)
        self._most: int | None = None  # answers that the server gives a request, where that is fewer than asked

    def prepare(self) -> None:
        """Asks the server for a few tokens, so that a run fails before it has begun. Says what it lacks.

        Raises:
            UsageError: no such model, a refused key, no log-probabilities where they are needed.
            ServerError: no answer.
        """
        request = GenerationRequest(Theorem("probe", "probe"), State("probe", ()))
        (sample, *_) = self._connection.run(
            self._ask(self._prompt(request), 1, 0, min(_PROBE_TOKENS, self._config.max_tokens))
        )
        # A model that ends at once has written no token that could have a log-probability.
        if sample.text and not sample.tokens:
            if self._config.missing_logprobs == "error":
                raise self._without_logprobs()
            self._say(
                f"{self._config.base_url} gives no log-probabilities: those of candidates are the shares of the "
                f"samples that they have, not the model's"
            )

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request, best first, without duplicates or empty ones.

        Raises:
            UsageError: as :meth:`prepare`; also a prompt that the server refuses, such as one that is too long.
            ServerError: no answer, or one that can't be used.
        """
        if not requests or n < 1:
            return [[] for _ in requests]
        # Of the likeliest answer there is only one.
        wanted = 1 if self._config.temperature == 0 else self._config.samples or n
        drawn = self._connection.run(self._draw(requests, wanted))
        return [self._candidates(samples)[:n] for samples in drawn]

    def close(self) -> None:
        """Closes the connections. Idempotent."""
        self._connection.close()

    # ------------------------------------------------------------------------------------------------ internals

    def _candidates(self, samples: Sequence[Sample]) -> list[Candidate]:
        try:
            return scored(samples, self._template)
        except MissingLogprobsError:
            if self._config.missing_logprobs == "error":
                raise self._without_logprobs() from None
            return counted(samples, self._template)

    def _without_logprobs(self) -> UsageError:
        return UsageError(
            f"{self._config.base_url}: the server gives no log-probabilities, which the search orders by; have it give "
            f"them, serve the model with another server, or choose {self._config.option('missing_logprobs')} "
            f"frequency: the shares that tactics have of the samples instead, which are not the model's"
        )

    def _prompt(self, request: GenerationRequest) -> str:
        return self._template.render(request.state, request.theorem).text

    async def _draw(self, requests: Sequence[GenerationRequest], wanted: int) -> list[list[Sample]]:
        await self._connection.model()  # asked for once, not by every request
        return await together([self._samples(request, wanted) for request in requests])

    async def _samples(self, request: GenerationRequest, wanted: int) -> list[Sample]:
        """As many samples as wanted, fewer where the server won't give them in :data:`ROUNDS`.

        A sample's seed says the how-manieth it is, so that the same are drawn whether or not it is known already how
        many the server gives at a time.
        """
        prompt = self._prompt(request)
        found: list[Sample] = []
        number = 0
        for _ in range(ROUNDS):
            missing = wanted - len(found)
            if missing <= 0:
                break
            share = min(missing, self._most or missing)
            answers = await together(
                [
                    self._ask(prompt, min(share, number + missing - first), _seed(request.seed, first))
                    for first in range(number, number + missing, share)
                ]
            )
            found += [sample for answer in answers for sample in answer]
            number = len(found) if len(answers) == 1 else number + missing
        return found

    async def _ask(self, prompt: str, n: int, seed: int, max_tokens: int | None = None) -> list[Sample]:
        """One request for ``n`` samples; at least one comes, at most ``n``."""
        config = self._config
        body: dict[str, object] = {
            "n": n,
            "seed": seed,
            "temperature": config.temperature,
            "top_p": config.top_p,
            "max_tokens": max_tokens or config.max_tokens,
        }
        if config.endpoint == "chat":
            path = "/chat/completions"
            body |= {"messages": [{"role": "user", "content": prompt}], "logprobs": True}
        else:
            path = "/completions"
            body |= {"prompt": prompt, "logprobs": 1}
        if self._template.stop:
            body["stop"] = list(self._template.stop)
        try:
            answer = await self._connection.post(path, body)
        except (RefusedError, FailedError):
            if n == 1:
                raise
            # Some servers give no more than one, and say so in this way. If it is not that, this raises as well.
            answer = await self._connection.post(path, body | {"n": 1})
        try:
            samples = read_samples(answer, self._template.stop)[:n]
        except ValueError as error:
            raise self._connection.unusable(str(error)) from None
        if len(samples) < n:
            self._most = len(samples)
        return samples


def _seed(seed: int, number: int) -> int:
    """The seed of a request's samples from a certain number on: 31 bits, since not every server takes more."""
    digest = hashlib.blake2b(f"{seed} {number}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1
