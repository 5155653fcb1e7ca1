"""Asking the policy for tactics: what is to be tried at the nodes that a strategy has chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import TYPE_CHECKING, Any

from proofsearch.engine.candidates import candidate_columns
from proofsearch.errors import PluginError
from proofsearch.guards import described
from proofsearch.guards.answers import candidates as complaint_about
from proofsearch.guards.answers import is_sequence
from proofsearch.protocols import EnumeratesMoves, GenerationRequest, Suggestions

if TYPE_CHECKING:
    from proofsearch.config import SearchConfig
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Choice, Session, TacticGenerator
    from proofsearch.types import Candidate, Theorem


class Generation:
    """The generator of one search.

    Args:
        generator: the policy.
        theorem: what the search is about.
        session: of the search; where it enumerates moves, requests say them.
        config: of the search; says how many candidates are asked for where a choice doesn't.
        seed: of the search; a request's seed depends on it, the theorem's name and the number of the expansion alone.

    Attributes:
        name: what to call the generator in messages.
        asked: the methods that it is asked by, for messages.
        unsuggested: expanded nodes for which it suggested nothing.
        calls: how often it was asked.
        states: how many states it was asked about, each as often as it was.
        tokens: tokens that it read and wrote; ``None`` where it doesn't say of all that it was asked.
    """

    def __init__(
        self, generator: TacticGenerator, theorem: Theorem, session: Session, config: SearchConfig, seed: int
    ) -> None:
        self._generator = generator
        self._theorem = theorem
        self._moves = session.moves if isinstance(session, EnumeratesMoves) else None
        self._candidates = config.candidates
        # Not hash(): that is randomised in each process.
        digest = blake2b(repr((seed, theorem.name)).encode(), digest_size=8).digest()
        self._seed = int.from_bytes(digest, "big") >> 1  # of the next request
        self.name = described(generator, "generator")
        self.asked = "generate()"
        self.unsuggested = 0
        self.calls = 0
        self.states = 0
        self.tokens: tuple[int, int] | None = (0, 0)

    def suggestions(self, graph: SearchGraph, choices: Sequence[Choice]) -> Sequence[Sequence[Candidate]]:
        """The candidates for each choice, from one call for all that want the same number of them.

        Raises:
            PluginError: the generator broke its contract; the message says how.
        """
        if len(choices) == 1:
            return self._ask(graph, choices, self._wanted(choices[0]))
        suggestions: list[Sequence[Candidate]] = []
        for count, alike in groupby(choices, self._wanted):
            suggestions += self._ask(graph, alike, count)
        return suggestions

    def _ask(self, graph: SearchGraph, choices: Iterable[Choice], count: int) -> Sequence[Sequence[Candidate]]:
        """The answer to one call."""
        requests = self._requests(graph, choices)
        found = self._generator.generate(requests, count)
        if not is_sequence(found) or len(found) != len(requests):
            raise PluginError(f"{self.name} {complaint_about(found, requests)}")
        self._note(requests, found)
        return found

    def _requests(self, graph: SearchGraph, choices: Iterable[Choice]) -> list[GenerationRequest]:
        """What is asked about the states of some choices."""
        moves, requests = self._moves, []
        for choice in choices:
            state = graph.state[choice.node]
            requests.append(GenerationRequest(self._theorem, state, moves and moves(state), self._seed))
            # A Weyl sequence: distinct for all expansions. 63 bits, so that every library takes it.
            self._seed = (self._seed + 0x9E3779B97F4A7C15) & 0x7FFFFFFFFFFFFFFF
        return requests

    def _note(self, requests: Sequence[GenerationRequest], found: Sequence[Sequence[Any]]) -> None:
        """Counts a call that was answered."""
        self.calls += 1
        self.states += len(requests)
        if self.tokens is not None:
            self.tokens = _with(self.tokens, found)

    def columns(
        self, graph: SearchGraph, choice: Choice, candidates: Sequence[Candidate]
    ) -> tuple[list[str], list[float], list[int]]:
        """Candidates as tactics, log-probabilities and token counts, without those that were tried at the node before.

        Raises:
            PluginError: a candidate breaks its contract.
        """
        columns = candidate_columns(candidates, self._wanted(choice), self.name)
        self.unsuggested += not columns[0]
        return graph.untried(choice.node, *columns)

    def _wanted(self, choice: Choice) -> int:
        """How many candidates are asked for."""
        return self._candidates if choice.candidates is None else choice.candidates


def _with(tokens: tuple[int, int], answers: Sequence[Sequence[Any]]) -> tuple[int, int] | None:
    """The tokens of further answers added; ``None`` if one of them doesn't say."""
    read, written = tokens
    for answer in answers:
        if not isinstance(answer, Suggestions):
            return None
        read += answer.tokens_in
        written += answer.tokens_out
    return read, written
