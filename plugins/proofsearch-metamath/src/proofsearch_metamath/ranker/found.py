"""Proofs that searches found of training theorems: of each theorem the shortest, to be learnt from like the library's.

Learning from minimal proofs alone taught more than learning from all (HyperTree Proof Search, Lample et al. 2022,
arXiv:2205.11491), so a found proof is learnt from only where it is shorter than the library's, and then in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from proofsearch import Advanced, Demonstration, Finished, Theorem
from proofsearch.trainers.searches import LearnableSearches
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.search.state import MetamathState


@dataclass(frozen=True, slots=True)
class FoundProof:
    """A proof as a search recorded it.

    Attributes:
        tactics: what it did, by the text of the state; where the search took states apart, of the part.
    """

    tactics: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.tactics)

    def replayed(self, environment: MetamathEnvironment, theorem: Theorem) -> list[Demonstration]:
        """Its steps in a session of today; none where it can't be replayed, as in another database."""
        session = environment.open(theorem)
        outcome = session.initial()
        waiting = [outcome.state] if isinstance(outcome, Advanced) else []
        steps: dict[str, tuple[MetamathState, str]] = {}
        while waiting:
            state = waiting.pop()
            assert isinstance(state, MetamathState)
            if state.text in steps:
                continue
            tactic = self.tactics.get(state.text)
            if tactic is None:
                parts = session.parts(state)
                if len(parts) == 1:
                    return []
                waiting += reversed(parts)
                continue
            outcome = session.step(state, tactic)
            if isinstance(outcome, Advanced):
                waiting.append(outcome.state)
            elif not isinstance(outcome, Finished):
                return []
            steps[state.text] = state, tactic
        return [
            Demonstration(theorem, state, tactic, len(steps) - number)
            for number, (state, tactic) in enumerate(steps.values())
        ]


def found_proofs(trajectories: Iterable[Path], theorems: Collection[str]) -> dict[str, FoundProof]:
    """The shortest recorded proof of each theorem that has one; of equally short ones the first.

    Args:
        trajectories: run folders or trajectory files.
        theorems: the names of those that may be learnt from. Proofs of others are left out.

    Raises:
        InputError: something can't be read, or the searches are of several environments.
    """
    found: dict[str, FoundProof] = {}
    for search in LearnableSearches(trajectories):
        name = search.theorem.name
        if not search.proved or name not in theorems:
            continue
        edges, text = search.edges, search.text
        proof = FoundProof({text[edges.source[edge]]: edges.tactic[edge] for edge in search.proof()})
        if name not in found or len(proof) < len(found[name]):
            found[name] = proof
    return found
