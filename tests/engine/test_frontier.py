"""The frontier against a list that is searched from end to end."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.engine.frontier import Frontier

# Few distinct priorities, so that ties are everywhere.
priorities = st.integers(-4, 4).map(float)
pairs = st.tuples(priorities, priorities)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.lists(pairs, min_size=1, max_size=6)),
        st.tuples(st.just("skip"), st.lists(pairs, min_size=1, max_size=3)),
        st.tuples(st.just("move"), st.integers(0, 200), pairs),
        st.tuples(st.just("leads"), st.integers(0, 200), pairs),
        st.tuples(st.just("remove"), st.integers(0, 200)),
        st.tuples(st.just("pop")),
        st.tuples(st.just("rebuild"), st.lists(pairs, min_size=1, max_size=5)),
    ),
    max_size=60,
)


class Model:
    """What the frontier should do, done slowly: all priorities in a list, the waiting nodes in a set."""

    def __init__(self, queues: int, share: float) -> None:
        self.priority: list[Sequence[float]] = [(0.0, 0.0)]
        self.waiting: set[int] = set()
        self.queues = queues
        self.share = share
        self.pops = 0

    def pop(self) -> int:
        if not self.waiting:
            return -1
        queue = 0
        if self.queues == 2:
            queue = math.floor((self.pops + 1) * self.share) - math.floor(self.pops * self.share)
            self.pops += 1
        node = min(self.waiting, key=lambda node: (-self.priority[node][queue], node))
        self.waiting.remove(node)
        return node


def run(queues: int, share: float, script: Sequence[tuple]) -> None:
    columns = [array("d", (0.0,)) for _ in range(queues)]
    frontier, model = Frontier(columns, share), Model(queues, share)
    for name, *arguments in script:
        if name in ("push", "skip"):
            (family,) = arguments
            first = len(model.priority)
            model.priority += family
            if name == "push":
                model.waiting |= set(range(first, first + len(family)))
            getattr(frontier, name)(*([pair[queue] for pair in family] for queue in range(queues)))
        elif name == "move":
            node, pair = arguments[0] % len(model.priority), arguments[1]
            model.priority[node] = pair
            model.waiting.add(node)
            frontier.move(node, *pair[:queues])
        elif name == "leads":
            node, pair = arguments[0] % len(model.priority), arguments[1]
            if node not in model.waiting and frontier.leads(node, *pair[:queues]):
                model.priority[node] = pair
                model.waiting.add(node)
                assert queues == 1
                assert model.pop() == node
        elif name == "remove":
            node = arguments[0] % len(model.priority)
            model.waiting.discard(node)
            frontier.remove(node)
        elif name == "rebuild":
            (fresh,) = arguments
            for node in model.waiting:
                model.priority[node] = fresh[node % len(fresh)]
            frontier.rebuild(lambda nodes: [[model.priority[n][queue] for n in nodes] for queue in range(queues)])
        else:
            assert frontier.pop() == model.pop()
        assert len(frontier) == len(model.waiting)
        for queue, column in enumerate(columns):
            assert list(column) == [pair[queue] for pair in model.priority]
    while model.waiting:
        assert frontier.pop() == model.pop()
    assert frontier.pop() == -1


@settings(max_examples=300)
@given(operations)
def test_pops_in_the_order_of_a_plain_heap(script: list[tuple]) -> None:
    """Catches any slip in sibling batches, lazy deletion, moving back to an old priority, or tie-breaking."""
    run(1, 0.0, script)


@settings(max_examples=300)
@given(operations, st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]))
def test_two_queues_share_their_nodes(script: list[tuple], share: float) -> None:
    """Catches a node popped twice, once from each queue, and a wrong alternation."""
    run(2, share, script)


def test_a_share_is_met_exactly_and_evenly() -> None:
    """Catches drift: a counter that adds 0.1 ten times does not reach 1."""
    frontier = Frontier([array("d", (0.0,)), array("d", (0.0,))], 0.1)
    count = 1000
    # The first queue prefers early nodes, the second late ones.
    frontier.push([-float(i) for i in range(count)], [float(i) for i in range(count)])
    from_second = [index for index in range(500) if frontier.pop() > 500]
    assert from_second == list(range(9, 500, 10))


def test_a_node_leads_if_it_comes_before_all_that_wait() -> None:
    priorities = array("d", (0.0,))
    frontier = Frontier([priorities])
    assert frontier.pop() == -1
    assert frontier.leads(0, -3.0), "nothing waits"
    frontier.push([1.0, 2.0])
    assert not frontier.leads(0, 2.0), "the first inserted of equal ones comes first, which is to be found out"
    assert not frontier.leads(0, 1.5)
    assert frontier.leads(0, 2.5)
    assert priorities[0] == 2.5
    assert [frontier.pop(), frontier.pop(), frontier.pop()] == [2, 1, -1]


def test_a_sibling_that_moved_back_hides_none_of_the_others() -> None:
    """Catches a moved node that takes its old place among its siblings, with its new priority."""
    frontier = Frontier([array("d", (0.0,))])
    frontier.push([5.0, 4.0, 3.0])
    frontier.push([0.0])
    frontier.move(2, -4.0)
    assert [frontier.pop() for _ in range(5)] == [1, 3, 4, 2, -1]


def test_siblings_with_equal_priority_come_in_insertion_order() -> None:
    """Catches a reversed stable sort."""
    frontier = Frontier([array("d", (0.0,))])
    frontier.push([1.0, 2.0, 1.0, 2.0])
    frontier.push([2.0, 1.0])
    assert [frontier.pop() for _ in range(6)] == [2, 4, 5, 1, 3, 6]
