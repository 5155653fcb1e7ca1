"""Asking a server for answers to a prompt, in the way that this server takes.

Every parameter of drawing is sent, also those that are to do nothing: servers have defaults of their own for what a
request leaves out, and some (vLLM, SGLang) take them from the model's ``generation_config.json``. Candidates would
then be drawn from another distribution than their log-probabilities are of, without a word. But other servers refuse
fields that they don't know. So a field that a refusal names is left out from then on, and a person is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from proofsearch.models.prompts import PromptTemplate
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.connection import Connection
from proofsearch_openai.errors import FailedError, RefusedError
from proofsearch_openai.samples import Sample, Spent, read_samples

NEUTRAL: Mapping[str, float] = {
    "top_k": -1,
    "min_p": 0,
    "repetition_penalty": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
}
"""What changes what is drawn, with the values at which it does nothing."""

_SHORT = "probe"
"""A prompt that every model has room for."""


class Completions:
    """One endpoint of a server, and what is known by now of how it wants to be asked.

    Args:
        config: of the generator.
        connection: to the server.
        template: says what ends an answer.
        say: told what a person should know, a sentence each.

    Attributes:
        most: answers that the server gives a request, where that is fewer than asked; ``None`` as long as it isn't.
    """

    def __init__(
        self, config: GeneratorConfig, connection: Connection, template: PromptTemplate, say: Callable[[str], None]
    ) -> None:
        self._config = config
        self._connection = connection
        self._template = template
        self._say = say
        self._left_out: frozenset[str] = frozenset()
        self._answered = False
        self._takes_short = False
        self.most: int | None = None

    async def ask(
        self,
        prompt: str,
        n: int,
        seed: int,
        max_tokens: int | None = None,
        alternatives: int = 1,
        spent: Spent | None = None,
    ) -> list[Sample]:
        """One request for ``n`` samples; at least one comes, at most ``n``.

        Args:
            prompt: what is to be answered.
            n: how many samples.
            seed: of the request.
            max_tokens: of an answer; default: as the options say.
            alternatives: of each token of an answer, how many tokens that could have been there come with their
                log-probabilities, where the server gives log-probabilities.
            spent: gets the tokens that the server counts.

        Raises:
            RefusedError: the server takes the request for wrong, such as a prompt that is too long.
            UsageError: no such model, a refused key.
            ServerError: no answer, or one that can't be used.
        """
        path, body = self._request(prompt, n, seed, max_tokens, alternatives)
        try:
            answer = await self._post(path, body)
        except (RefusedError, FailedError):
            if n == 1:
                raise
            # Some servers give no more than one, and say so in this way. If it is not that, this raises as well.
            answer = await self._post(path, body | {"n": 1})
        if spent is not None:
            spent.add(answer)
        try:
            samples = read_samples(answer, self._template.stop)[:n]
        except ValueError as error:
            raise self._connection.unusable(str(error)) from None
        self._takes_short = self._takes_short or max_tokens is None
        if len(samples) < n:
            self.most = len(samples)
        return samples

    def _request(
        self, prompt: str, n: int, seed: int, max_tokens: int | None, alternatives: int
    ) -> tuple[str, dict[str, object]]:
        """The path and the body of a request, as ``ask`` is called."""
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
            body |= {"messages": [{"role": "user", "content": prompt}]}
        else:
            path = "/completions"
            body |= {"prompt": prompt}
        if config.missing_logprobs == "error":  # some servers refuse to be asked for them
            body["logprobs"] = True if config.endpoint == "chat" else alternatives
            if config.endpoint == "chat" and alternatives > 1:
                body["top_logprobs"] = alternatives
        if self._template.stop:
            body["stop"] = list(self._template.stop)
        return path, body

    async def takes_short(self, error: RefusedError | FailedError) -> bool:
        """Whether the server answers these options with a short prompt, so that it was the prompt that it didn't take.

        Servers have too many ways to say that a prompt is too long to know them by their words.

        Args:
            error: what the prompt came to. A server that has failed may have failed for good, so it is asked again.

        Raises:
            UsageError, ServerError: as ``ask``, but for a refusal and a failure.
        """
        if isinstance(error, FailedError) or not self._takes_short:
            try:
                await self.ask(_SHORT, 1, 0)
            except (RefusedError, FailedError):
                return False
        return True

    async def _post(self, path: str, body: Mapping[str, object]) -> object:
        left_out = self._left_out
        while True:
            neutral = {name: value for name, value in NEUTRAL.items() if name not in left_out}
            whole = {**body, **neutral, **self._config.extra_fields}
            try:
                answer = await self._connection.post(
                    path, {name: value for name, value in whole.items() if value is not None}
                )
            except RefusedError as error:
                droppable = neutral.keys() - self._config.extra_fields.keys()
                named = {name for name in droppable if re.search(rf"(?<!\w){name}(?!\w)", error.said)}
                if not named and not self._answered:
                    named = droppable  # it may have said so in other words
                if not named:
                    raise
                left_out |= named
            else:
                # Only now is it known that it was these.
                self._learn(left_out)
                return answer

    def _learn(self, left_out: frozenset[str]) -> None:
        self._answered = True
        if new := left_out - self._left_out:
            self._left_out |= new
            self._say(
                f"{self._config.base_url}: the server refuses {', '.join(sorted(new))}; what it draws with there "
                f"is its own default"
            )
