"""The library's own proofs, replayed as the search would have met them.

A stored proof is a stack program; what matters here is which provable assertion each step applies and to what. That
tree of labels is replayed through a search session, with its unifier, its goal selection and its closing of ground
goals, so that a policy trained on the steps sees the goals that it will see in a search.
"""

from __future__ import annotations

from collections.abc import Iterator

from proofsearch import Advanced, Demonstration, Theorem
from proofsearch_metamath.library.tables import Frames
from proofsearch_metamath.proofs.graph import ProofNode
from proofsearch_metamath.search.session import MetamathSession
from proofsearch_metamath.search.state import MetamathState


class UnusableProofError(Exception):
    """A stored proof that can't be replayed: it is missing, incomplete or no proof at all."""


def replay(
    theorem: Theorem, session: MetamathSession, frames: Frames, root: ProofNode, max_steps: int
) -> Iterator[Demonstration]:
    """Follows a stored proof through a session.

    Args:
        theorem: whose proof it is.
        session: a session of the theorem.
        frames: the library's assertions.
        root: the stored proof.
        max_steps: replays of more steps are refused.

    Yields:
        A demonstration a step, in the session's order. ``remaining`` counts the steps to this replay's end.

    Raises:
        UnusableProofError: a step of the stored proof is rejected, or there are more than ``max_steps``.
    """
    outcome = session.initial()
    own = {essential.label: number for number, essential in enumerate(frames[theorem.name].essentials)}
    wanted = [root]
    steps: list[tuple[MetamathState, str]] = []
    while isinstance(outcome, Advanced):
        state = outcome.state
        if not isinstance(state, MetamathState):
            raise TypeError(type(state).__name__)
        if len(steps) >= max_steps:
            raise UnusableProofError(f"{theorem.name}: more than {max_steps} steps")
        focus = state.focus
        node = wanted[focus]
        tactic = node.label
        if tactic in own:
            try:
                tactic = session.hypothesis_tactic(state.open[focus][0], own[tactic])
            except ValueError:  # a wrong proof: nothing has verified the database
                raise UnusableProofError(f"{theorem.name}: {tactic} does not close the goal") from None
        steps.append((state, tactic))
        outcome, trace = session.trace(state, tactic)
        if trace is None:
            raise UnusableProofError(f"{theorem.name}: {tactic} is rejected: {outcome}")
        others = [node for number, node in enumerate(wanted) if number != focus]
        following: dict[int, ProofNode] = {}
        for sources, nodes in ((trace.hypotheses, _logical(node, frames)), (trace.others, others)):
            for source, child in zip(sources, nodes, strict=True):
                if source.goal >= 0:
                    following.setdefault(source.goal, child)
        wanted = [following[number] for number in range(len(following))]
    for number, (state, tactic) in enumerate(steps):
        yield Demonstration(theorem, state, tactic, len(steps) - number)


def _logical(node: ProofNode, frames: Frames) -> list[ProofNode]:
    """The steps that prove a step's ``$e`` hypotheses; those that build its syntax are left out."""
    if not node.children:
        return []
    frame = frames[node.label]
    if not frame.essentials:
        return []
    floats = {floating.label for floating in frame.floats}
    return [child for label, child in zip(frame.order, node.children, strict=True) if label not in floats]
