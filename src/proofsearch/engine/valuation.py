"""When nodes are scored: as soon as they are met, or, with ``--defer``, when the search comes to them.

What comes to the front is another matter in each strategy: the best of a frontier, or the part that a walk down the
cheapest proof ends at. Each asks here whether that node still :meth:`~Valuation.waits`, has it scored if so, and looks
for the front again. Until then a node is ordered by an estimate of its value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from proofsearch.engine.deferred import Deferred
from proofsearch.engine.optimistic import Optimistic

if TYPE_CHECKING:
    from proofsearch.protocols import SearchHandle


class Valuation:
    """Has the nodes of one search scored. Afterwards the scorer may have been given up (``search.scored``).

    Args:
        search: whose nodes; its configuration says what is put off.

    Attributes:
        estimates: the values with which nodes wait to be scored; filled as the search grows.
    """

    __slots__ = ("_deferred", "_search", "estimates")

    def __init__(self, search: SearchHandle) -> None:
        self._search = search
        self._deferred: Deferred | Optimistic | None = None
        defer = search.config.defer
        if defer is not None and search.scored:
            self._deferred = Deferred(defer) if defer else Optimistic(search.calibration)
        self.estimates: Mapping[int, float] = {} if self._deferred is None else self._deferred.estimates

    def new(self, families: Sequence[range]) -> Sequence[int]:
        """Has new siblings scored, unless that is put off; returns those that were."""
        if not (families and self._search.scored):
            return ()
        if self._deferred is None:
            return self._ask(range(families[0].start, families[-1].stop))
        return self._ask(self._deferred.add(families, self._search.graph))

    def waits(self, node: int) -> bool:
        """Whether a node is still to be scored, by a scorer that is still trusted."""
        return self._deferred is not None and node in self._deferred and self._search.scored

    def wanted(self, node: int) -> Sequence[int]:
        """Has a node scored that waits, with some of its siblings where they are scored together; returns them all."""
        assert self._deferred is not None
        return self._ask(self._deferred.take(node, self._search.graph))

    def again(self, nodes: Sequence[int]) -> Sequence[int]:
        """Has nodes with a better path scored anew, if values depend on it; returns those that were."""
        if not (self._search.scored and self._search.scores_paths):
            return ()
        if self._deferred is not None:
            for node in nodes:
                self._deferred.drop(node)
        return self._ask(nodes)

    def _ask(self, nodes: Sequence[int]) -> Sequence[int]:
        if nodes:
            self._search.score(nodes)
        if self._deferred is not None:
            self._deferred.estimate(self._search.graph)
        return nodes
