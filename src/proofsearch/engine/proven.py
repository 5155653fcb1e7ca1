"""Which parts of states are proved, and by what: what every search shares whose nodes are parts.

A step from a part leads to the parts of the state that it makes, all of which have to be proved. A part that was proved
stays proved wherever it is met again. The proof of the whole is put in a row by stepping the session through it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from proofsearch.protocols import Decomposes, NoProofError
from proofsearch.types import Advanced, Finished, ProofState

if TYPE_CHECKING:
    from proofsearch.graph import SearchGraph
    from proofsearch.protocols import Expansion, Session

MAX_PATH = 10_000
"""Steps that a proof put together from parts may have: parts that are met often make it longer than the search was."""

MAX_LOOKED_AT = 100
"""Ways that are looked for around one refused step at a time."""

MISFIT = "the proofs of the parts make no proof of the whole"


class Proven:
    """The parts of one search that are proved.

    Args:
        session: of the search.
        graph: of the search; holds the root alone. Its ``solved_by`` is written here.
    """

    def __init__(self, session: Session, graph: SearchGraph) -> None:
        self._session = session
        self._decomposes = session if isinstance(session, Decomposes) else None
        self._graph = graph
        self._into: list[list[int]] = [[]]
        self._shown: dict[int, int] = {}

    def parts(self, state: ProofState) -> Sequence[ProofState]:
        """The parts of a state, at least one; the first has the state's first goal."""
        return (state,) if self._decomposes is None else self._decomposes.parts(state)

    def closes(self, parts: Sequence[ProofState]) -> bool:
        """Whether all of these are proved, so that a step to them proves where it starts."""
        solved, node_of = self._graph.solved_by, self._graph.node_of
        # Asked of every step that advances; the first part is hardly ever proved.
        return node_of(parts[0].key) in solved and all(node_of(part.key) in solved for part in parts[1:])

    def proof(self, node: int, tactic: str) -> tuple[str, ...] | None:
        """The path that proves the theorem once this tactic is known to prove ``node``; ``None`` if more is missing.

        Raises:
            NoProofError: the parts are proved, and the session doesn't take the path that they make.
        """
        proved = self._consequences(node)
        return self._path(node, tactic, proved) if 0 in proved else None

    def into(self, node: int) -> Sequence[int]:
        """The edges that lead to a node, alone or with others."""
        return self._into[node]

    # -- growth ----------------------------------------------------------------------------------------------------

    def expanded(self, expansion: Expansion) -> list[int]:
        """Takes notice of an expansion; returns the nodes that are proved by it, each entered in ``solved_by``."""
        graph = self._graph
        self._into += [[] for _ in range(graph.num_nodes - len(self._into))]
        for edge in expansion.edges:
            for target in graph.targets(edge):
                self._into[target].append(edge)
        if expansion.proved_by < 0 or expansion.node in graph.solved_by:
            return []
        proved = self._consequences(expansion.node)
        proved[expansion.node] = expansion.proved_by
        return self._note(proved)

    def _note(self, proved: dict[int, int]) -> list[int]:
        self._graph.solved_by.update(proved)
        return list(proved)

    # -- other ways, after a refusal -------------------------------------------------------------------------------

    def ways(self, edge: int) -> Iterator[tuple[str, ...]]:
        """The paths that prove the theorem once the tactic of a refused edge is known to prove where it starts.

        Each leaves out some step of an earlier one from the root down to there: the way up from a part is the first one
        found that holds none of these.
        """
        node, tactic = self._graph.edge_source[edge], self._graph.edge_tactic[edge]
        if node in self._graph.solved_by:
            return
        waiting = deque([frozenset[int]()])
        met = set(waiting)
        looked_at = 0
        while waiting and looked_at < MAX_LOOKED_AT:
            looked_at += 1
            without = waiting.popleft()
            proved = self._consequences(node, without)
            if 0 not in proved:
                continue
            with suppress(NoProofError):
                path = self._path(node, tactic, proved)
                self._shown = proved
                yield path
            for step in proved.values():
                fewer = without | {step}
                if step >= 0 and fewer not in met:
                    met.add(fewer)
                    waiting.append(fewer)

    def accept(self, edge: int) -> list[int]:
        """Takes the path that :meth:`ways` gave last as a proof; returns the nodes that are proved by it."""
        proved = self._shown
        proved[self._graph.edge_source[edge]] = edge
        return self._note(proved)

    # -- finding the proof -----------------------------------------------------------------------------------------

    def _consequences(self, node: int, without: Collection[int] = ()) -> dict[int, int]:
        """What is proved with ``node`` and was not before, each with the edge that shows it (-1 for ``node``).

        Args:
            node: taken as proved.
            without: edges that don't count.
        """
        graph = self._graph
        known, source = graph.solved_by, graph.edge_source
        proved = {node: -1}
        queue = [node]
        left: dict[int, int] = {}
        for proven_node in queue:
            for edge in self._into[proven_node]:
                if edge in without:
                    continue
                if edge not in left:
                    left[edge] = sum(target not in known for target in graph.targets(edge))
                left[edge] -= 1
                above = source[edge]
                if not left[edge] and above not in known and above not in proved:
                    proved[above] = edge
                    queue.append(above)
        return proved

    def _path(self, node: int, tactic: str, proved: dict[int, int]) -> tuple[str, ...]:
        """Puts the proofs of the parts in a row, by stepping: only the session knows which part is first."""
        graph = self._graph
        path: list[str] = []
        state, at = graph.state[0], 0
        while len(path) < MAX_PATH:
            edge = proved[at] if at in proved else graph.solved_by[at]
            path.append(tactic if at == node else graph.edge_tactic[edge])
            outcome = self._session.step(state, path[-1])
            if type(outcome) is Finished:
                return tuple(path)
            if type(outcome) is not Advanced:
                raise NoProofError(f"{MISFIT}: step {len(path)}, {path[-1]!r}, does not apply to the whole state")
            state = outcome.state
            found = graph.node_of(self.parts(state)[0].key)
            if found is None or (found not in proved and found not in graph.solved_by):
                why = f"step {len(path)}, {path[-1]!r}, leads the whole state to an unproved part"
                raise NoProofError(f"{MISFIT}: {why}")
            at = found
        raise NoProofError(f"{MISFIT}: it has more than {MAX_PATH} steps")
