"""Drawing answers from a server: as many as wanted for each state, however many it gives at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from proofsearch.models.prompts import PromptTemplate
from proofsearch.protocols import GenerationRequest
from proofsearch_openai.completions import Completions
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.connection import Connection, together
from proofsearch_openai.errors import FailedError, RefusedError
from proofsearch_openai.samples import Sample, Spent

ROUNDS = 3
"""How often a state is asked for at most, to get all its samples from a server that gives fewer than asked."""

Drawn = tuple[list[Sample] | RefusedError | FailedError, Spent]
"""The samples of a state, or why it has none, and the tokens that they took."""


class Drawing:
    """Answers to states that are put by one template.

    Args:
        config: of the generator.
        connection: to the server.
        template: puts the states.
        say: told what a person should know, a sentence each.

    Attributes:
        template: as given.
        completions: how the server is asked.
    """

    def __init__(
        self, config: GeneratorConfig, connection: Connection, template: PromptTemplate, say: Callable[[str], None]
    ) -> None:
        self.template = template
        self.completions = Completions(config, connection, template, say)
        self._connection = connection

    def prompt(self, request: GenerationRequest) -> str:
        """What the server is asked about a state."""
        return self.template.render(request.state, request.theorem).text

    def draw(self, requests: Sequence[GenerationRequest], wanted: int) -> list[Drawn]:
        """So many samples for each state, in order; all requests are under way at once.

        Raises:
            UsageError: no such model, a refused key.
            ServerError: no answer, or one that can't be used.
        """
        return self._connection.run(self._draw(requests, wanted)) if requests else []

    async def _draw(self, requests: Sequence[GenerationRequest], wanted: int) -> list[Drawn]:
        await self._connection.model()  # asked for once, not by every request
        spent = [Spent() for _ in requests]
        asked = [self._samples(request, wanted, tokens) for request, tokens in zip(requests, spent, strict=True)]
        return list(zip(await together(asked), spent, strict=True))

    async def _samples(
        self, request: GenerationRequest, wanted: int, spent: Spent
    ) -> list[Sample] | RefusedError | FailedError:
        """As many samples as wanted, fewer where the server won't give them in :data:`ROUNDS`.

        A sample's seed says the how-manieth it is, so that the same are drawn whether or not it is known already how
        many the server gives at a time.

        Returns:
            The samples, or why the server refuses this prompt, or fails at it, while it answers another.
        """
        prompt = self.prompt(request)
        found: list[Sample] = []
        number = 0
        for _ in range(ROUNDS):
            missing = wanted - len(found)
            if missing <= 0:
                break
            share = min(missing, self.completions.most or missing)
            try:
                answers = await together(
                    [
                        self.completions.ask(
                            prompt, min(share, number + missing - first), seed_of(request.seed, first), spent=spent
                        )
                        for first in range(number, number + missing, share)
                    ]
                )
            except (RefusedError, FailedError) as error:
                if await self.completions.takes_short(error):
                    return error
                raise
            found += [sample for answer in answers for sample in answer]
            number = len(found) if len(answers) == 1 else number + missing
        return found


def seed_of(seed: int, number: int) -> int:
    """The seed of a request's samples from a certain number on: 31 bits, since not every server takes more."""
    digest = hashlib.blake2b(f"{seed} {number}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") >> 1
