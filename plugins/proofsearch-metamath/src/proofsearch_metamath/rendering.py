"""What people and models see of a state: texts, and trees for encoders that use structure.

Metavariables are named as mmj2 names its work variables: ``&W1``, ``&C2``, ``&S3``, numbered as they occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proofsearch import Goal, Tree
from proofsearch_metamath.library import Library
from proofsearch_metamath.state import MetamathState
from proofsearch_metamath.terms import Terms
from proofsearch_metamath.unification import LocalGoal


class Rendering:
    """Renders the states of one session; what is asked of a skeleton is kept."""

    def __init__(self, library: Library, terms: Terms, variables: Sequence[str], hypotheses: Sequence[int]) -> None:
        """Keeps what names are made of.

        Args:
            library: the prepared database.
            terms: the session's terms.
            variables: the theorem's variables; the operator of the i-th follows the syntax axioms.
            hypotheses: the theorem's hypotheses, as terms.
        """
        self._rules = library.rules
        self._num_rules = library.num_rules
        self._typecodes = library.typecodes
        self._letters = _letters(library.typecodes)
        self._terms = terms
        self._variables = variables
        self._hypotheses = hypotheses
        self._pieces: dict[int, tuple[list[str], list[int]]] = {}
        self._skeleton_texts: dict[int, str] = {}
        self._trees: dict[int, Tree] = {}

    def text(self, state: MetamathState) -> str:
        """See :attr:`MetamathState.text`."""
        names: dict[int, str] = {}
        lines = [self._goal_text(goal, names) for goal in self._ordered(state)]
        if state.apart:
            pairs = []
            for pair in state.apart:
                one, other = (self._leaf_name(leaf, names) for leaf in pair)
                pairs.append(f"{one} {other}" if one <= other else f"{other} {one}")
            lines.append("$d " + " , ".join(sorted(pairs)))
        lines += [f"$e {self._goal_text((hypothesis, ()), names)}" for hypothesis in self._hypotheses]
        return "\n".join(lines)

    def first_goal(self, state: MetamathState) -> Goal:
        """The goal that the next tactic acts on."""
        goal = state.open[state.focus]
        return Goal(self._goal_text(goal, {}), self.tree(goal[0]))

    def goals(self, state: MetamathState) -> tuple[Goal, ...]:
        """All goals, the first one first."""
        names: dict[int, str] = {}
        return tuple(Goal(self._goal_text(goal, names), self.tree(goal[0])) for goal in self._ordered(state))

    def tree(self, skeleton: int) -> Tree:
        """A goal's tree; a metavariable is ``?`` and its typecode."""
        found = self._trees.get(skeleton)
        if found is None:
            symbols: list[str] = []
            arities: list[int] = []
            stack = [skeleton]
            terms = self._terms
            while stack:
                term = stack.pop()
                children = terms.args[term]
                symbols.append(self._symbol(term))
                arities.append(len(children))
                stack.extend(reversed(children))
            found = Tree(tuple(symbols), tuple(arities))
            self._trees[skeleton] = found
        return found

    def skeleton_text(self, skeleton: int) -> str:
        """A skeleton's text, with its metavariables' numbers: the same in every session."""
        found = self._skeleton_texts.get(skeleton)
        if found is None:
            pieces, slots = self._rendered(skeleton)
            found = " ".join(f"{piece} &{slot}" for piece, slot in zip(pieces, [*slots, ""], strict=True))
            self._skeleton_texts[skeleton] = found
        return found

    def _ordered(self, state: MetamathState) -> list[LocalGoal]:
        """The goals as they are shown: the first one first, then by size and text."""
        rest = [goal for number, goal in enumerate(state.open) if number != state.focus]
        if len(rest) > 1:
            rest.sort(key=lambda goal: (self._terms.sizes[goal[0]], self.skeleton_text(goal[0])))
        return [state.open[state.focus], *rest]

    def _symbol(self, term: int) -> str:
        op = self._terms.ops[term]
        if op < 0:
            return f"?{self._typecodes[-1 - op]}"
        if op < self._num_rules:
            return self._rules[op].label
        return self._variables[op - self._num_rules]

    def _leaf_name(self, leaf: int, names: dict[int, str]) -> str:
        op = self._terms.ops[leaf]
        if op >= 0:
            return self._variables[op - self._num_rules]
        name = names.get(leaf)
        if name is None:
            name = f"&{self._letters[-1 - op]}{len(names) + 1}"
            names[leaf] = name
        return name

    def _goal_text(self, goal: LocalGoal, names: dict[int, str]) -> str:
        skeleton, metas = goal
        pieces, slots = self._rendered(skeleton)
        if not slots:
            return pieces[0]
        text = [pieces[0]]
        for slot, piece in zip(slots, pieces[1:], strict=True):
            text.append(self._leaf_name(metas[slot], names))
            if piece:
                text.append(piece)
        return " ".join(text)

    def _rendered(self, skeleton: int) -> tuple[list[str], list[int]]:
        """A skeleton's text, cut where metavariables stand: the pieces, and the number in each gap."""
        found = self._pieces.get(skeleton)
        if found is None:
            terms, rules = self._terms, self._rules
            pieces: list[list[str]] = [["|-"]]
            slots: list[int] = []
            stack: list[int | str] = [skeleton]
            while stack:
                item = stack.pop()
                if isinstance(item, str):
                    if item:
                        pieces[-1].append(item)
                    continue
                op = terms.ops[item]
                if op < 0:
                    slots.append(terms.meta_number(item))
                    pieces.append([])
                elif op >= self._num_rules:
                    pieces[-1].append(self._variables[op - self._num_rules])
                else:
                    rule = rules[op]
                    children = terms.args[item]
                    stack.append(rule.symbols[-1])
                    for gap in range(len(rule.order) - 1, -1, -1):
                        stack.append(children[rule.order[gap]])
                        stack.append(rule.symbols[gap])
            found = ([" ".join(piece) for piece in pieces], slots)
            self._pieces[skeleton] = found
        return found


def _letters(typecodes: Iterable[str]) -> list[str]:
    """A letter for each typecode, for metavariables' names: wff W, class C, setvar S; a taken one is repeated."""
    found: list[str] = []
    for typecode in typecodes:
        letter = next((letter.upper() for letter in typecode if letter.isalpha()), "X")
        name = letter
        while name in found:
            name += letter
        found.append(name)
    return found
