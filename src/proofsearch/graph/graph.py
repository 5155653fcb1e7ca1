"""The search graph: states as nodes, steps as edges, and how it grows."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice

from proofsearch.graph.columns import GraphColumns
from proofsearch.graph.outcomes import WITH_MESSAGE, Refused, kind_of
from proofsearch.types import Outcome, OutcomeKind, ProofState

NOT_EXPANDED = array("i", (-1,))

_counted = array("i")


def _numbers(first: int, count: int) -> array[int]:
    """``count`` whole numbers from ``first`` on, cut out of one column that all searches of the process share.

    That is five times as fast as to make the column from Python's integers each time.
    """
    global _counted
    if len(_counted) < first + count:
        _counted = array("i", range(2 * (first + count)))
    return _counted[first : first + count]


class SearchGraph(GraphColumns):
    """Nodes (distinct states) and edges (steps tried) of one search. Read-only for everyone but the search.

    Its columns are those of :class:`~proofsearch.graph.columns.GraphColumns`.
    """

    __slots__ = ()

    def expand(
        self,
        node: int,
        tactics: list[str],
        logprobs: list[float],
        num_tokens: list[int],
        states: list[ProofState],
        failures: Mapping[int, Outcome | Refused],
        seconds: float,
        sizes: Sequence[int] | None = None,
        *,
        replay: bool = False,
    ) -> Sequence[int]:
        """Adds one expansion: an edge for each step tried, a node for each state not met before.

        New nodes get the next numbers, in the order of their edges, and neither value nor priority: the caller
        appends priorities. Where a step leads to a known state by a better path, that state's best path is replaced,
        and so are those of all its descendants whose best path gets better by it.

        Args:
            node: the node expanded.
            tactics: the candidates; only the first of them were tried, as many as there are outcomes.
            logprobs: their log-probabilities, finite and at most 0.
            num_tokens: their token counts.
            states: what the steps that advanced led to, in order.
            failures: the outcomes of the other steps, by their place among the candidates, ascending.
            seconds: the time of creation of the new nodes.
            sizes: how many of the states each step that advanced led to, at least 1; by default one each.
            replay: whether these are steps of a script: then the node still counts as not expanded, if it was not.

        Returns:
            The nodes whose best path was replaced, in order, possibly with repetitions; new ones may be among them.

        Raises:
            PluginError: an outcome is not one of the types of :data:`~proofsearch.types.Outcome`.
        """
        count = len(states if sizes is None else sizes) + len(failures)
        if count < len(tactics):
            tactics, logprobs, num_tokens = tactics[:count], logprobs[:count], num_tokens[:count]
        first_edge, first_node = len(self.edge_tactic), len(self.state)
        targets = self._reach(states)
        apart: list[tuple[int, ...]] = []
        if sizes is not None:
            flat = iter(targets)
            apart = [tuple(dict.fromkeys(islice(flat, size))) for size in sizes]
            targets = [parts[0] for parts in apart]
        self.edge_outcome += bytes(count)  # zero is ADVANCED
        if failures:
            self._note_failures(failures, first_edge)
            reached = iter(targets)
            targets = [-1 if index in failures else next(reached) for index in range(count)]
        pairs = self._note_further_targets(apart, targets, first_edge) if apart else []
        if self.expanded_at[node] < 0 and not replay:
            self.expanded_at[node] = len(self.expanded)
        else:
            self.expanded_again.setdefault(node, []).append(len(self.expanded))
        if replay:
            self.replayed.add(len(self.expanded))
        self.expanded.append(node)
        self._first_edge.append(first_edge)
        self._first_node.append(first_node)
        self._created.append(seconds)
        self.edge_tactic += tactics
        self.edge_logprob.fromlist(logprobs)
        self.edge_num_tokens.fromlist(num_tokens)
        num_made = len(self.state) - first_node
        if num_made == count and not pairs:  # every edge leads to a new node, the next in number
            self.edge_target += _numbers(first_node, count)
        else:
            self.edge_target.fromlist(targets)
        if num_made:
            base, base_tokens = self.logprob[node], self.num_tokens[node]
            edges = _numbers(first_edge, count)
            if num_made < count or pairs:
                # New nodes are numbered in the order of the first edges that reach them.
                ways = reversed(pairs) if pairs else zip(reversed(edges), reversed(targets), strict=True)
                first_edges = {target: edge for edge, target in ways}
                edges = array("i", [first_edges[made] for made in range(first_node, first_node + num_made)])
                logprobs = [logprobs[edge - first_edge] for edge in edges]
                num_tokens = [num_tokens[edge - first_edge] for edge in edges]
            self.logprob.fromlist([base + logprob for logprob in logprobs])
            self.num_tokens.fromlist([base_tokens + tokens for tokens in num_tokens])
            self.best_edge += edges
            self.depth += array("i", (self.depth[node] + 1,)) * num_made
            self.expanded_at += NOT_EXPANDED * num_made
        return () if num_made == len(states) else self._merge(node, pairs or enumerate(targets, first_edge))

    def edge_by(self, node: int, tactic: str) -> int | None:
        """The first edge from a node by this tactic; ``None`` where it was not tried."""
        return next((edge for edge in self.edge_range(node) if self.edge_tactic[edge] == tactic), None)

    def _note_further_targets(
        self, apart: Sequence[tuple[int, ...]], targets: Sequence[int], first_edge: int
    ) -> list[tuple[int, int]]:
        """Writes down what edges lead to beside their targets.

        Returns:
            All pairs of an edge and a node that it leads to, in the order of the states; none where each leads to one.
        """
        if all(len(parts) == 1 for parts in apart):
            return []
        advanced = [edge for edge, target in enumerate(targets, first_edge) if target >= 0]
        self.edge_also.update((edge, parts[1:]) for edge, parts in zip(advanced, apart, strict=True) if len(parts) > 1)
        return [(edge, target) for edge, parts in zip(advanced, apart, strict=True) for target in parts]

    def _reach(self, states: list[ProofState]) -> list[int]:
        """The nodes of these states; those not met before get the next numbers."""
        number, count, node_of = len(self.state), len(states), self._node_of
        keys = [state.key for state in states]
        # Numbers are given out as if every state were new, which is the common case and then needs no second look.
        targets = list(map(node_of.setdefault, keys, range(number, number + count)))
        if len(node_of) == number + count:
            self.state += states
            return targets
        for index, target in enumerate(targets):
            if target == number + index:
                targets[index] = node_of[keys[index]] = len(self.state)
                self.state.append(states[index])
            elif target >= number:  # met before in this expansion, at ``target - number``, and numbered since
                targets[index] = targets[target - number]
        return targets

    def _note_failures(self, failures: Mapping[int, Outcome | Refused], first_edge: int) -> None:
        """Writes down what became of the steps that did not advance."""
        for index, outcome in failures.items():
            self.edge_outcome[first_edge + index] = kind_of(outcome)
            if isinstance(outcome, WITH_MESSAGE) and outcome.message:
                self.edge_message[first_edge + index] = outcome.message

    def _merge(self, node: int, pairs: Iterable[tuple[int, int]]) -> Sequence[int]:
        """Offers edges of ``node`` to the known states that they lead to; ``pairs`` are of an edge and a target."""
        changed: list[int] = []
        base = self.logprob[node]
        for edge, target in pairs:
            if target < 0 or self.best_edge[target] == edge:
                continue
            if base + self.edge_logprob[edge] > self.logprob[target]:
                changed += self._improve(edge, target)
        return changed

    def _improve(self, edge: int, node: int) -> list[int]:
        """Makes ``edge`` the best edge of ``node``, one of its targets, and carries the gain on through expanded nodes.

        Dijkstra's order: log-probabilities are at most 0, so a node taken from the queue can't get better later in the
        same call, and a cycle never improves itself. Where rounding hides the gain (a sum that stays equal), depth and
        token count still follow the best path.
        """
        changed: list[int] = []
        also = self.edge_also
        queue = [(-(self.logprob[self.edge_source[edge]] + self.edge_logprob[edge]), edge, node)]
        while queue:
            negated, edge, node = heappop(queue)
            source, logprob = self.edge_source[edge], -negated
            depth, num_tokens = self.depth[source] + 1, self.num_tokens[source] + self.edge_num_tokens[edge]
            if logprob <= self.logprob[node]:
                same = self.best_edge[node] == edge and logprob == self.logprob[node]
                if not same or (depth, num_tokens) == (self.depth[node], self.num_tokens[node]):
                    continue
            self.logprob[node], self.depth[node], self.num_tokens[node] = logprob, depth, num_tokens
            self.best_edge[node] = edge
            changed.append(node)
            for onward in self.edge_range(node):
                child = self.edge_target[onward]
                if child >= 0:
                    offer = logprob + self.edge_logprob[onward]
                    for reached in self.targets(onward) if onward in also else (child,):
                        if offer > self.logprob[reached] or self.best_edge[reached] == onward:
                            heappush(queue, (-offer, onward, reached))
        return changed

    def accept(self, edge: int, states: Sequence[ProofState] = ()) -> None:
        """Takes a refused edge for one that proves where it starts, since a path through it was accepted after all.

        Args:
            edge: its outcome is ``REFUSED``.
            states: what the step led to, all met before; none where it finished.
        """
        self.edge_message.pop(edge, None)
        self.edge_outcome[edge] = OutcomeKind.ADVANCED if states else OutcomeKind.FINISHED
        if states:
            targets = tuple(dict.fromkeys([self._node_of[state.key] for state in states]))
            self.edge_target[edge] = targets[0]
            if len(targets) > 1:
                self.edge_also[edge] = targets[1:]
            self._parents = (-1, {})
            self._merge(self.edge_source[edge], [(edge, target) for target in targets])
