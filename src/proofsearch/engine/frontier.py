"""The frontier: nodes waiting to be expanded, highest priority first, ties by insertion order.

The order is exactly that of one heap of ``(-priority, node)``: nodes are numbered as they are inserted, and a node
that moves keeps its number. The heap itself is smaller: the children of one expansion are sorted once and only the best
of them that is still waiting stands in the heap; taking it out lets the next sibling in. With ``b`` children an
expansion the heap is ``b`` times smaller, and a child that is never expanded costs four bytes.

A node that moves gets an entry of its own. Its old place is not searched for but skipped when it comes up.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush, heapreplace

ABSENT, AMONG_SIBLINGS, ALONE = 0, 1, 2
"""Where a node is: not waiting; waiting in the place it was inserted at; waiting at an entry of its own."""

NO_SIBLINGS = range(0)

Entry = tuple[float, int, int, "range | array[int]"]
"""Minus the priority, the node, a number that no other entry has (so that siblings are never compared), and the later
siblings, best first. Ranges and arrays are no concern of the cyclic collector, so neither are entries."""


class Queue:
    """The nodes by one priority.

    Args:
        priority: the priority of every node, by node; this queue appends to it and replaces in it.
        place: where every node is, by node; shared by all queues of a frontier.
    """

    __slots__ = ("_heap", "_place", "_priority", "_pushes")

    def __init__(self, priority: array[float], place: bytearray) -> None:
        self._heap: list[Entry] = []
        self._priority = priority
        self._place = place
        self._pushes = 0

    def push(self, first: int, priorities: list[float]) -> None:
        """Inserts siblings: the nodes from ``first`` on, with these priorities, at least one."""
        self._priority.fromlist(priorities)
        count = len(priorities)
        best = 0
        siblings: range | array[int] = range(first + 1, first + count)
        if count > 1 and sorted(priorities, reverse=True) != priorities:  # candidates often come best first
            # A stable sort, also in reverse, so equal siblings keep their order.
            best, *order = sorted(range(count), key=priorities.__getitem__, reverse=True)
            siblings = array("i", [first + index for index in order])
        self._pushes += 1
        heappush(self._heap, (-priorities[best], first + best, self._pushes, siblings))

    def skip(self, priorities: list[float]) -> None:
        """Notes the priorities of the next nodes without inserting them."""
        self._priority.fromlist(priorities)

    def move(self, node: int, priority: float) -> None:
        """Gives the node an entry of its own; the frontier marks it ``ALONE``."""
        self._priority[node] = priority
        self._pushes += 1
        heappush(self._heap, (-priority, node, self._pushes, NO_SIBLINGS))

    def pop(self) -> int:
        """Takes the best node out of this queue, or returns -1. The caller marks it ``ABSENT``."""
        heap, place, priority = self._heap, self._place, self._priority
        while heap:
            negated, node, number, siblings = heap[0]
            for index, sibling in enumerate(siblings, 1):
                if place[sibling] == AMONG_SIBLINGS:
                    heapreplace(heap, (-priority[sibling], sibling, number, siblings[index:]))
                    break
            else:
                heappop(heap)
            # A waiting node whose priority is the entry's: a node that moved away and back is at its place again.
            if place[node] and negated == -priority[node]:
                return node
        return -1

    def leads(self, node: int, priority: float) -> bool:
        """Gives a node that doesn't wait a new priority, if by that it comes before all that wait."""
        # The first entry may be one that is skipped when it comes up, so this may be true and not be seen.
        if self._heap and -priority >= self._heap[0][0]:
            return False
        self._priority[node] = priority
        return True

    def rebuild(self, nodes: Sequence[int], priorities: Sequence[float]) -> None:
        """Empties the queue and inserts these nodes, each with an entry of its own."""
        for node, priority in zip(nodes, priorities, strict=True):
            self._priority[node] = priority
        self._heap = [(-priority, node, 0, NO_SIBLINGS) for node, priority in zip(nodes, priorities, strict=True)]
        heapify(self._heap)


class Frontier:
    """The waiting nodes in one queue, or in two of which a fixed share of pops uses the second.

    Every node of the graph from 1 on is inserted once, in order, by :meth:`push` or :meth:`skip`. Priorities are never
    ``nan``.

    Args:
        columns: one priority column for each queue, one or two, each with a row for node 0.
        share: with two queues, the share of nodes popped from the second, in [0, 1]. Of the first ``t`` nodes,
            ``floor(t * share)`` are, spread evenly. A node popped from one queue is gone from the other.
    """

    __slots__ = ("_place", "_pops", "_queues", "_share")

    def __init__(self, columns: Sequence[array[float]], share: float = 0.0) -> None:
        self._place = bytearray(1)
        self._queues = tuple(Queue(column, self._place) for column in columns)
        self._share = share if len(columns) > 1 else 0.0
        self._pops = 0

    def __len__(self) -> int:
        """How many nodes wait; reads a byte for every node of the graph."""
        return len(self._place) - self._place.count(ABSENT)

    def push(self, *priorities: list[float]) -> None:
        """Inserts the next nodes, the children of one expansion: their priorities, a list for each queue."""
        first = len(self._place)
        self._place += b"\x01" * len(priorities[0])  # AMONG_SIBLINGS
        self._queues[0].push(first, priorities[0])
        if len(priorities) > 1:
            self._queues[1].push(first, priorities[1])

    def skip(self, *priorities: list[float]) -> None:
        """Inserts the next nodes like :meth:`push` but lets none of them wait; :meth:`move` can still call on them."""
        self._place.extend(bytes(len(priorities[0])))
        for queue, column in zip(self._queues, priorities, strict=True):
            queue.skip(column)

    def move(self, node: int, *priorities: float) -> None:
        """Gives a node, waiting or not, a new priority in each queue and lets it wait."""
        self._place[node] = ALONE
        for queue, priority in zip(self._queues, priorities, strict=True):
            queue.move(node, priority)

    def leads(self, node: int, *priorities: float) -> bool:
        """Gives a node that was taken out new priorities, if by these it would be taken next; then it stays out.

        ``False`` also where that isn't seen at once, and with two queues: :meth:`move` it then.
        """
        return len(priorities) == 1 and self._queues[0].leads(node, priorities[0])

    def remove(self, node: int) -> None:
        """Lets a node wait no longer."""
        self._place[node] = ABSENT

    def pop(self) -> int:
        """Takes out the node with the highest priority, the first inserted of equal ones; -1 if none waits."""
        chosen = 0
        if self._share:
            chosen = int((self._pops + 1) * self._share) > int(self._pops * self._share)
        node = self._queues[chosen].pop()
        if node >= 0:
            self._pops += 1
            self._place[node] = ABSENT
        return node

    def rebuild(self, priorities: Callable[[Sequence[int]], Sequence[Sequence[float]]]) -> None:
        """Orders all waiting nodes anew by what ``priorities`` returns for them, a list for each queue."""
        waiting = [node for node, place in enumerate(self._place) if place]
        for node in waiting:
            self._place[node] = ALONE
        for queue, column in zip(self._queues, priorities(waiting), strict=True):
            queue.rebuild(waiting, column)
