"""What holds for a search algorithm; see :class:`proofsearch.protocols.Strategy`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Unpack

from proofsearch.config import ComponentConfig
from proofsearch.engine import SearchStatus
from proofsearch.engine.priorities import AStar, Logprob
from proofsearch.protocols import Builder, Choice, Factory, SearchHandle, Strategy, StrategyTraits
from proofsearch.testing.cases import CONFIG_CHECKS, ComponentCase
from proofsearch.testing.checking import CheckOptions, check
from proofsearch.testing.checks import Checks, NotApplicable, Report, expect
from proofsearch.testing.mazes import World, mazes, worlds
from proofsearch.testing.searches import LIMIT, HashedValues, NoValues, Trial, Witness, Witnessed, graph_hash

_DEPTH = 2
_BATCH = 3
_FEW = 12
"""Expansions of searches that need not find anything."""


class StrategyCase(ComponentCase[Strategy]):
    """A strategy under check; the arguments are those of :func:`check_strategy`."""

    def __init__(self, factory: Factory, config: ComponentConfig | None, builder: Builder, provable: bool) -> None:
        super().__init__(factory, config, builder)
        self.worlds = worlds(builder.environment(), True if provable else None)

    @property
    def traits(self) -> StrategyTraits:
        """The strategy's."""
        return self.component.traits


STRATEGY_CHECKS: Checks[StrategyCase] = Checks("strategy", CONFIG_CHECKS)
"""What is checked of a strategy."""


@STRATEGY_CHECKS.add
def steady_traits(case: StrategyCase) -> None:
    """Its traits are a ``StrategyTraits``, the same at any time and of any instance."""
    first = case.component.traits
    expect(isinstance(first, StrategyTraits), f"they are a {type(first).__name__}")
    Trial(expansions=_FEW).run(case.worlds[1], case.component)
    later = [case.component.traits, case.make().traits]
    expect(later == [first, first], f"they were {first}, and later {later}")


class _Room(Witness):
    def chosen(self, handle: SearchHandle, room: int, choices: Sequence[Choice]) -> None:
        name = handle.theorem.name
        nodes = [choice.node for choice in choices]
        expect(1 <= len(nodes) <= room, f"{name}: {len(nodes)} nodes were chosen where 1 to {room} were wanted")
        expect(len(set(nodes)) == len(nodes), f"{name}: a node was chosen twice at a time: {nodes}")
        asked = [choice.candidates for choice in choices if choice.candidates is not None]
        expect(all(count >= 1 for count in asked), f"{name}: candidates asked for: {asked}; expected at least 1")


@STRATEGY_CHECKS.add
def keeps_to_the_room(case: StrategyCase) -> None:
    """It chooses at least one node and at most as many as there is room for, none twice at a time."""
    for batch in (1, _BATCH) if case.traits.batches else (1,):
        for world in case.worlds:
            Trial(batch=batch, expansions=_FEW).run(world, Witnessed(case.component, _Room()))


class _Waiting(Witness):
    def __init__(self, revisits: bool) -> None:
        self._revisits = revisits

    def chosen(self, handle: SearchHandle, room: int, choices: Sequence[Choice]) -> None:
        graph, name = handle.graph, handle.theorem.name
        for node, _ in choices:
            expect(0 <= node < graph.num_nodes, f"{name}: node {node} was chosen; there are {graph.num_nodes}")
            again = graph.expanded_at[node] >= 0
            expect(self._revisits or not again, f"{name}: node {node} was expanded before; say revisits=True")
            deepest = handle.config.max_depth
            expect(
                deepest is None or graph.depth[node] < deepest,
                f"{name}: node {node} is {graph.depth[node]} steps deep, --max-depth is {deepest}",
            )


@STRATEGY_CHECKS.add
def expands_what_waits(case: StrategyCase) -> None:
    """It chooses nodes that are there, above the depth limit, and not expanded before unless it ``revisits``."""
    for depth in (None, _DEPTH):
        for world in case.worlds:
            witness = _Waiting(case.traits.revisits)
            Trial(max_depth=depth, expansions=_FEW).run(world, Witnessed(case.component, witness))


class _Rows(Witness):
    def after(self, handle: SearchHandle) -> None:
        rows, nodes = len(handle.graph.priority), handle.graph.num_nodes
        right = rows <= nodes if handle.ended else rows == nodes
        expect(right, f"{handle.theorem.name}: after an expansion {rows} priorities stand for {nodes} nodes")


@STRATEGY_CHECKS.add
def a_priority_a_node(case: StrategyCase) -> None:
    """It appends one priority for each new node, in their order."""
    for world in case.worlds:
        Trial(expansions=_FEW).run(world, Witnessed(case.component, _Rows()))


class _Untouched(Witness):
    _OWN = ("priority", "solved_by", "value")

    def __init__(self) -> None:
        self._before = ""

    def before(self, handle: SearchHandle) -> None:
        self._before = graph_hash(handle.graph, self._OWN)

    def after(self, handle: SearchHandle) -> None:
        now = graph_hash(handle.graph, self._OWN)
        expect(now == self._before, f"{handle.theorem.name}: something else in the graph changed when it was told")


@STRATEGY_CHECKS.add
def leaves_the_graph_alone(case: StrategyCase) -> None:
    """Of the graph it writes nothing but the columns ``priority`` and ``solved_by``."""
    for world in case.worlds:
        Trial(expansions=_FEW).run(world, Witnessed(case.component, _Untouched()))


@STRATEGY_CHECKS.add
def scores_new_states_once(case: StrategyCase) -> None:
    """With a scorer it has every new state scored, once, before anything else is expanded."""
    for world in case.worlds:
        scorer = HashedValues()
        result = Trial(scorer=scorer, expansions=_FEW).run(world, case.component)
        name, graph = world.theorem.name, result.graph
        often = [text for text, count in Counter(scorer.asked).items() if count > 1]
        expect(not often, f"{name}: asked about more than once: {often[:3]}")
        # What a proof or a limit ends is not scored any more: that may be the children of one expansion.
        last = graph.edge_range(graph.expanded[-1]) if graph.expanded else ()
        final = {target for edge in last for target in graph.targets(edge)}
        asked = set(scorer.asked)
        missing = [n for n in range(1, graph.num_nodes) if graph.state[n].text not in asked and n not in final]
        expect(not missing, f"{name}: never scored: nodes {missing[:5]}, of {graph.num_nodes}")


@STRATEGY_CHECKS.add
def it_ends(case: StrategyCase) -> None:
    """If everything was tried and nothing is proved, it says that it is exhausted."""
    for world in mazes():
        if not world.provable:
            result = Trial().run(world, case.component)
            expect(
                result.status is SearchStatus.EXHAUSTED,
                f"{world.theorem.name}: after {result.expansions} expansions it still searches",
            )


@STRATEGY_CHECKS.add
def proves_what_is_provable(case: StrategyCase) -> str:
    """In a small world that has a proof it finds one."""
    provable = [world for world in case.worlds if world.provable]
    total = 0
    for world in provable:
        result = Trial().run(world, case.component)
        total += result.expansions
        expect(
            result.status is SearchStatus.PROVED or result.refused,
            f"{world.theorem.name}: not proved within {LIMIT} expansions: {result.status}, {result.nodes} states",
        )
    return f"{len(provable)} proofs in {total} expansions"


@STRATEGY_CHECKS.add
def its_proofs_are_proofs(case: StrategyCase) -> None:
    """The path that it calls a proof is one: replayed from the start it finishes with its last step."""
    for world in case.worlds:
        result = Trial().run(world, case.component)
        expect(not result.refused, f"{world.theorem.name}: {'; '.join(result.messages) or 'a path was refused'}")


@STRATEGY_CHECKS.add
def the_same_search_again(case: StrategyCase) -> None:
    """The same arguments give the same search, after others, and from another instance."""
    other = case.make()
    found = []
    for strategy in (case.component, case.component, other):
        found.append([graph_hash(Trial(expansions=_FEW).run(world, strategy).graph) for world in case.worlds])
    for world, *hashes in zip(case.worlds, *found, strict=True):
        expect(hashes[0] == hashes[1], f"{world.theorem.name}: a second search is another")
        expect(hashes[0] == hashes[2], f"{world.theorem.name}: another instance searches otherwise")


@STRATEGY_CHECKS.add
def goes_on_without_values(case: StrategyCase) -> None:
    """If the scorer fails, the search continues without it."""
    for world in case.worlds:
        result = Trial(scorer=NoValues()).run(world, case.component)
        # Where there is no node the environment finished the theorem itself.
        expect(result.expansions or not result.nodes, f"{world.theorem.name}: nothing was expanded")
        if world.provable and result.status is SearchStatus.LIMIT:
            expect(False, f"{world.theorem.name}: not proved within {LIMIT} expansions")


@STRATEGY_CHECKS.add
def outlives_refusals(case: StrategyCase) -> None:
    """If the check refuses every path, the search continues until nothing is left or a limit is reached."""
    for world in case.worlds:
        result = Trial(accept=False).run(world, case.component)
        ends = (SearchStatus.EXHAUSTED, SearchStatus.LIMIT)
        expect(result.status in ends, f"{world.theorem.name}: {result.status}")


@STRATEGY_CHECKS.add
def the_priority_counts_or_not(case: StrategyCase) -> None:
    """A strategy that says ``uses_priority=False`` makes the same search whatever the priority."""
    if case.traits.uses_priority:
        raise NotApplicable("it uses the priority")
    for world in case.worlds:
        hashes = set()
        for priority in (Logprob(), AStar(5.0)):
            trial = Trial(scorer=HashedValues(), priority=priority, expansions=_FEW)
            hashes.add(graph_hash(trial.run(world, case.component).graph))
        expect(len(hashes) == 1, f"{world.theorem.name}: another priority gave another search")


@STRATEGY_CHECKS.add
def puts_off_scores(case: StrategyCase) -> str:
    """A strategy that ``defers`` has fewer states scored with ``--defer``, and still searches."""
    if not case.traits.defers:
        raise NotApplicable("it does not defer")
    plain, deferred = (sum(_scored(case, world, defer) for world in case.worlds) for defer in (None, 1))
    expect(deferred < plain, f"{deferred} states were scored with --defer 1, and {plain} without")
    return f"{deferred} states scored instead of {plain}"


def _scored(case: StrategyCase, world: World, defer: int | None) -> int:
    return Trial(scorer=HashedValues(), defer=defer, expansions=_FEW).run(world, case.component).scored


@STRATEGY_CHECKS.add
def searches_on_from_scripts(case: StrategyCase) -> str:
    """A strategy that ``replays`` searches on from what scripts have reached, and proves the same as without them."""
    if not case.traits.replays:
        raise NotApplicable("it replays no scripts")
    replayed = 0
    for world in mazes():
        plain = Trial().run(world, case.component)
        result = Trial(proposals="both").run(world, case.component)
        name, graph = world.theorem.name, result.graph
        replayed += len(graph.replayed)
        expect(result.status == plain.status, f"{name}: it ends {result.status} with scripts, {plain.status} without")
        left = [node for node in range(graph.num_nodes) if graph.expanded_at[node] < 0]
        exhausted = result.status == SearchStatus.EXHAUSTED
        expect(not (exhausted and left), f"{name}: it is exhausted, and the nodes {left} were not expanded")
    return f"{replayed} replayed steps"


def check_strategy(
    factory: Factory,
    config: ComponentConfig | None = None,
    *,
    provable: bool = True,
    **options: Unpack[CheckOptions],
) -> Report:
    """Checks a search algorithm against its contract, in mazes and on a few theorems of the builder's environment.

    Args:
        factory: as it is registered: ``factory(config, builder)``.
        config: its options; ``None`` where it has none.
        provable: whether the environment's theorems with the shortest proofs can be proved within a few hundred
            expansions by trying its moves.
        options: see :class:`~proofsearch.testing.CheckOptions`. An algorithm that gives ways up by design
            skips ``proves what is provable``.

    Returns:
        The report, of a strategy that conforms.

    Raises:
        ConformanceError: it breaks its contract; the message says how, and the error has the report.
    """
    return check(STRATEGY_CHECKS, lambda builder, _: StrategyCase(factory, config, builder, provable), factory, options)
