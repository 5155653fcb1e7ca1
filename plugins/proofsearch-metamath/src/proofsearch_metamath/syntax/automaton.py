"""The LR(0) automaton of a grammar, and what may follow a reduction in its states (LALR(1)).

The construction is the classical one: states are sets of *items*, a production with a dot where reading has come to,
and lookaheads come from relations between transitions on nonterminals (DeRemer and Pennello, *Efficient computation
of LALR(1) look-ahead sets*, TOPLAS 4(4), 1982). What is added are *coercions*: where one kind is wanted, others
may stand (:attr:`Automaton.sources`), without a reduction of its own for that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

START = -1
"""The rule, and the kind made, of a start production."""


@dataclass(frozen=True, slots=True)
class Production:
    """A rule as the automaton sees it.

    Attributes:
        rule: the rule's number; :data:`START` for a start production.
        made: the kind that it makes; :data:`START` for a start production.
        body: the kinds of its symbols; kinds below the number of nonterminals are nonterminals.
    """

    rule: int
    made: int
    body: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A production with a dot after ``dot`` symbols of its body.

    Attributes:
        production: the production.
        dot: how many symbols stand before the dot.
        next: the kind after the dot; -1 if the production is complete.
        rest_vanishes: whether all that stands after the dot may be empty.
    """

    production: Production
    dot: int
    next: int
    rest_vanishes: bool


class Automaton:
    """The states and their transitions.

    Attributes:
        sources: for each nonterminal, the kinds that may stand where it is wanted, itself included.
        items: all items, those of a production in a row; below, an item is its index, so that ``item + 1`` has the dot
            one symbol later.
        kernels: each state's items, without those that its dots before nonterminals add.
        moves: each state's transitions by kind.
        completed: each state's complete items, those of empty productions included.
        before: each state's predecessors.
        moved: by state and nonterminal, the items that the transition moves the dot of (with the dot after it).
    """

    def __init__(
        self, productions: Iterable[Production], sources: Sequence[tuple[int, ...]], nullable: Collection[int]
    ) -> None:
        """Builds all states; those of the start productions come first, in their order.

        Args:
            productions: the productions, start productions among them.
            sources: see the attribute.
            nullable: the nonterminals that may be empty.
        """
        self.sources = sources
        self._nullable = nullable
        self.items: list[Item] = []
        starts: list[int] = []
        made: dict[int, list[int]] = {}
        for production in productions:
            (starts if production.rule == START else made.setdefault(production.made, [])).append(len(self.items))
            body = production.body
            self.items += [
                Item(production, dot, (*body, -1)[dot], all(kind in nullable for kind in body[dot:]))
                for dot in range(len(body) + 1)
            ]
        self._openings = [[item for found in kinds for item in made.get(found, ())] for kinds in sources]
        self.kernels: list[tuple[int, ...]] = [(item,) for item in starts]
        self.moves: list[dict[int, int]] = []
        self.completed: list[list[int]] = []
        self.before: list[set[int]] = [set() for _ in self.kernels]
        self.moved: dict[tuple[int, int], list[int]] = {}
        self._build_states()

    def _closure(self, kernel: tuple[int, ...]) -> Collection[int]:
        items = dict.fromkeys(kernel)
        opened: set[int] = set()
        todo = list(kernel)
        while todo:
            wanted = self.items[todo.pop()].next
            if 0 <= wanted < len(self.sources) and wanted not in opened:
                opened.add(wanted)
                todo += [opening for opening in self._openings[wanted] if opening not in items]
                items.update(dict.fromkeys(self._openings[wanted]))
        return items

    def _build_states(self) -> None:
        numbers = {kernel: state for state, kernel in enumerate(self.kernels)}
        for state, kernel in enumerate(self.kernels):  # grows while it is walked
            advanced: dict[int, list[int]] = {}
            complete: list[int] = []
            for item in self._closure(kernel):
                kind = self.items[item].next
                if kind < 0:
                    complete.append(item)
                    continue
                for found in self.sources[kind] if kind < len(self.sources) else (kind,):
                    advanced.setdefault(found, []).append(item + 1)
            moves: dict[int, int] = {}
            for kind, items in advanced.items():
                target_kernel = tuple(sorted(items))
                target = numbers.setdefault(target_kernel, len(self.kernels))
                if target == len(self.kernels):
                    self.kernels.append(target_kernel)
                    self.before.append(set())
                moves[kind] = target
                self.before[target].add(state)
                if kind < len(self.sources):
                    self.moved[state, kind] = items
            self.moves.append(moves)
            self.completed.append(sorted(complete))

    def _origins(self, state: int, item: int) -> list[tuple[int, int]]:
        """Returns the states in which the production of an item of ``state`` was begun, with the kind that it makes."""
        states = {state}
        for _ in range(self.items[item].dot):
            states = {earlier for later in states for earlier in self.before[later]}
        return [(origin, self.items[item].production.made) for origin in states]

    def lookaheads(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], frozenset[int]]:
        """Returns, for pairs of a state and an item complete in it, the kinds that may follow.

        No item of a start production may be among them.
        """
        # A node (p, A) asks what may follow an A begun in state p. An edge leads to a node whose answer it includes.
        includes: dict[tuple[int, int], list[tuple[int, int]]] = {}
        follow: dict[tuple[int, int], set[int]] = {}
        asked = {pair: self._origins(*pair) for pair in wanted}
        todo = [node for nodes in asked.values() for node in nodes]
        while todo:
            node = todo.pop()
            if node in includes:
                continue
            state, kind = node
            after = self.moves[state][kind]
            follow[node] = set(self.moves[after])
            edges = [(after, k) for k in self.moves[after] if k in self._nullable]
            for item in self.kernels[after]:
                if self.items[item].rest_vanishes and self.items[item].production.rule != START:
                    edges += self._origins(state, item - 1)
            includes[node] = edges
            todo += edges
        grown = True
        while grown:
            grown = False
            for node, edges in includes.items():
                size = len(follow[node])
                follow[node].update(*(follow[edge] for edge in edges))
                grown = grown or len(follow[node]) > size
        return {pair: frozenset().union(*(follow[node] for node in nodes)) for pair, nodes in asked.items()}
