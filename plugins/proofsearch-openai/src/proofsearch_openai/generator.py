"""The generator ``openai``: tactics that a served language model writes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from proofsearch.errors import UsageError
from proofsearch.models.prompts import load_template
from proofsearch.process import streams
from proofsearch.protocols import GenerationRequest
from proofsearch.types import Candidate, State, Theorem
from proofsearch_openai.candidates import counted, scored
from proofsearch_openai.completions import Completions
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.connection import Connection, together
from proofsearch_openai.errors import FailedError, RefusedError
from proofsearch_openai.samples import Sample
from proofsearch_openai.tally import Tally

ROUNDS = 3
"""How often a state is asked for at most, to get all its samples from a server that gives fewer than asked."""

_PROBE_TOKENS = 8


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

        Raises:
            UsageError: as :meth:`prepare`.
            ServerError: no answer, or one that can't be used.
        """
        if not requests or n < 1:
            return [[] for _ in requests]
        # Of the likeliest answer there is only one.
        wanted = 1 if self._config.temperature == 0 else self._config.samples or n
        drawn = self._connection.run(self._draw(requests, wanted))
        return [self._candidates(samples)[:n] for samples in drawn]

    def close(self) -> None:
        """Closes the connections, and says what was left out. Idempotent."""
        self._tally.close()
        self._connection.close()

    # ------------------------------------------------------------------------------------------------ internals

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
    ) -> list[list[Sample] | RefusedError | FailedError]:
        await self._connection.model()  # asked for once, not by every request
        return await together([self._samples(request, wanted) for request in requests])

    async def _samples(self, request: GenerationRequest, wanted: int) -> list[Sample] | RefusedError | FailedError:
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
                        self._completions.ask(prompt, min(share, number + missing - first), _seed(request.seed, first))
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
