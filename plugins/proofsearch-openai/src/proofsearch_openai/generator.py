"""The generator ``openai``: tactics that a served language model writes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from proofsearch.errors import UsageError
from proofsearch.models.confidence import KeptAnswers, statistics_of
from proofsearch.models.prompts import load_template
from proofsearch.models.scripts import SplitScript, split_lines
from proofsearch.process import streams
from proofsearch.protocols import GenerationRequest, PolicyStatistics, Script, Suggestions
from proofsearch.types import Candidate, State, Theorem
from proofsearch_openai.candidates import Harvest, Harvested, counted, scored, scripts
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.connection import Connection, together
from proofsearch_openai.drawing import ROUNDS, Drawing, seed_of
from proofsearch_openai.errors import FailedError, RefusedError
from proofsearch_openai.samples import Sample
from proofsearch_openai.sureness import of_first_tokens
from proofsearch_openai.tally import Tally

ALTERNATIVES = 20
"""First tokens of an answer whose log-probabilities are asked for."""

FEWER_ALTERNATIVES = 5
"""The same of a server that refuses so many."""

_VERSION = 1
"""Raise it when the same answers would give other statistics or candidates."""

_DECIDING = ("endpoint", "samples", "temperature", "top_p", "max_tokens", "missing_logprobs", "statistics", "extra")
"""Options that decide which candidates and statistics there are."""

_PROBE_TOKENS = 8

_Answer = tuple[list[Candidate], PolicyStatistics | None]
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
        split: cuts a whole proof into its tactics.

    Raises:
        UsageError: there is no such template, or the key's variable holds none.
    """

    def __init__(
        self,
        config: GeneratorConfig,
        say: Callable[[str], None] = streams.warning,
        split: SplitScript = split_lines,
    ) -> None:
        self._config = config
        self._say = say
        self._connection = Connection(config)
        self._steps = Drawing(config, self._connection, load_template(config.template), say)
        self._tally = Tally(config, say)
        # Whole proofs are as long as another option says; all else is as of steps.
        self._long = config.model_copy(update={"max_tokens": config.script_tokens})
        self._scripts = Drawing(self._long, self._connection, load_template(config.script_template), say)
        self._script_tally = Tally(self._long, say, "script", "script_tokens")
        self._split = split
        self._gives_logprobs = False  # as far as is known
        self._kept: KeptAnswers[_Answer] = KeptAnswers()
        self._alternatives = ALTERNATIVES

    def prepare(self) -> None:
        """Asks the server for a few tokens, so that a run fails before it has begun. Says what it lacks.

        Raises:
            UsageError: no such model, a refused key, no log-probabilities where they are needed.
            ServerError: no answer.
        """
        prompt = self._steps.prompt(GenerationRequest(Theorem("probe", "probe"), State("probe", ())))
        most = min(_PROBE_TOKENS, self._config.max_tokens)
        for seed in range(ROUNDS):  # one answer may be an exception
            (sample, *_) = self._connection.run(self._steps.completions.ask(prompt, 1, seed, most))
            if self._config.missing_logprobs == "frequency":
                self._say(
                    f"{self._config.base_url} is not asked for log-probabilities: those of candidates are the shares "
                    f"of the samples that they have, not the model's"
                )
                return
            if sample.logprob(self._steps.template.stop) is not None:
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

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> list[Sequence[Script]]:
        """At most ``n`` whole proofs a request, best first, without duplicates, with their tokens if the server counts.

        Raises:
            UsageError, ServerError: as :meth:`generate`.
        """
        if not requests or n < 1:
            return [Suggestions(tokens_in=0, tokens_out=0) for _ in requests]
        found = list[Sequence[Script]]()
        for samples, spent in self._scripts.draw(requests, 1 if self._config.temperature == 0 else n):
            proposed = self._proposed(samples, n)
            known = spent.known
            found.append(
                Suggestions(proposed, tokens_in=spent.tokens_in, tokens_out=spent.tokens_out) if known else proposed
            )
        return found

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
            "template": self._steps.template.fingerprint(),
            **config.model_dump(mode="json", include=set(_DECIDING)),
        }
        digest = hashlib.blake2b(json.dumps(options, sort_keys=True).encode(), digest_size=6).hexdigest()
        return f"openai-{self._connection.run(self._connection.model())}-{digest}"

    def close(self) -> None:
        """Closes the connections, and says what was left out. Idempotent."""
        self._kept.clear()
        self._tally.close()
        self._script_tally.close()
        self._connection.close()

    # ------------------------------------------------------------------------------------------------ internals

    def _answers(self, requests: Sequence[GenerationRequest], n: int, *, keep: bool = False) -> list[_Answer]:
        """Candidates and statistics: those that are kept, and else new ones."""
        known = [self._kept.get(request, n) for request in requests]
        missing = [request for request, answer in zip(requests, known, strict=True) if answer is None]
        # Of the likeliest answer there is only one.
        wanted = 1 if self._config.temperature == 0 else self._config.samples or n
        new: list[_Answer] = []
        for samples, spent in self._steps.draw(missing, wanted):
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
            harvest = counted(samples, self._steps.template)
        else:
            harvest = self._checked(scored(samples, self._steps.template))
        self._tally.add(harvest)
        return harvest.candidates

    def _proposed(self, samples: Sequence[Sample] | RefusedError | FailedError, n: int) -> list[Script]:
        if isinstance(samples, RefusedError | FailedError):
            self._script_tally.refuse(samples)
            return []
        frequency = self._config.missing_logprobs == "frequency"
        harvest = scripts(samples, self._scripts.template, self._split, frequency=frequency)
        if not frequency:
            self._checked(harvest)
        self._script_tally.add(harvest)
        return harvest.candidates[:n]

    def _checked(self, harvest: Harvest[Harvested]) -> Harvest[Harvested]:
        """What came with log-probabilities, where the server gives any."""
        self._gives_logprobs = self._gives_logprobs or bool(harvest.candidates)
        if harvest.unlisted and not self._gives_logprobs:
            raise self._without_logprobs()
        return harvest

    def _without_logprobs(self) -> UsageError:
        return UsageError(
            f"{self._config.base_url}: the server gives no log-probabilities that are finite numbers, which the search "
            f"orders by; have it give them, serve the model with another server, or choose "
            f"{self._config.option('missing_logprobs')} frequency: the shares that tactics have of the samples "
            f"instead, which are not the model's"
        )

    async def _begin(self, requests: Sequence[GenerationRequest]) -> list[Sample | None]:
        """One answer of one token a state, with what else it could have been; ``None`` where there is none."""
        await self._connection.model()
        return await together([self._first_token(request) for request in requests])

    async def _first_token(self, request: GenerationRequest) -> Sample | None:
        prompt = self._steps.prompt(request)
        while True:
            asked = self._alternatives
            try:
                (sample,) = await self._steps.completions.ask(prompt, 1, seed_of(request.seed, 0), 1, asked)
            except (RefusedError, FailedError) as error:
                if isinstance(error, RefusedError) and "logprobs" in error.said and asked > FEWER_ALTERNATIVES:
                    self._alternatives = FEWER_ALTERNATIVES
                elif await self._steps.completions.takes_short(error):
                    return None
                else:
                    raise
            else:
                return sample
