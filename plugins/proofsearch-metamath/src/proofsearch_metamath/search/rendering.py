"""What people and models see of a state: texts, and trees for encoders that use structure.

Metavariables are named as mmj2 names its work variables: ``&W1``, ``&C2``, ``&S3``, numbered as they occur.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from proofsearch import Goal, Tree
from proofsearch_metamath.library.library import Library
from proofsearch_metamath.library.terms import Terms
from proofsearch_metamath.library.unification import LocalGoal
from proofsearch_metamath.search.state import MetamathState

_SLOT = "\0"
"""Marks a metavariable in a text that is not finished; no symbol of a database has it."""

_Preorder = tuple[tuple[str, ...], tuple[int, ...]]


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
        self._phrases: dict[int, str] = {}
        self._pieces: dict[int, tuple[list[str], list[int]]] = {}
        self._skeleton_texts: dict[int, str] = {}
        self._first_goals: dict[int, Goal] = {}
        self._trees: dict[int, Tree] = {}
        self._preorders: dict[int, _Preorder] = {}

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
        # Names are given in order of occurrence, so alone a goal is shown as every other with its skeleton is.
        found = self._first_goals.get(goal[0])
        if found is None:
            found = self._first_goals[goal[0]] = Goal(self._goal_text(goal, {}), self.tree(goal[0]))
        return found

    def goals(self, state: MetamathState) -> tuple[Goal, ...]:
        """All goals, the first one first."""
        names: dict[int, str] = {}
        return tuple(Goal(self._goal_text(goal, names), self.tree(goal[0])) for goal in self._ordered(state))

    def tree(self, skeleton: int) -> Tree:
        """A goal's tree; a metavariable is ``?`` and its typecode."""
        found = self._trees.get(skeleton)
        if found is None:
            found = self._trees[skeleton] = Tree(*self._preorder(skeleton))
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

    def _preorder(self, term: int) -> _Preorder:
        """The symbols of a term and their numbers of children. New terms are made of old ones mostly."""
        found = self._preorders.get(term)
        if found is None:
            children = self._terms.args[term]
            below = [self._preorder(child) for child in children]
            found = self._preorders[term] = (
                (self._symbol(term), *chain.from_iterable([symbols for symbols, _ in below])),
                (len(children), *chain.from_iterable([arities for _, arities in below])),
            )
        return found

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
            parts = f"|- {self._phrase(skeleton)}".split(_SLOT)
            found = ([piece.strip(" ") for piece in parts[::2]], [int(number) for number in parts[1::2]])
            self._pieces[skeleton] = found
        return found

    def _phrase(self, term: int) -> str:
        """A term's text; a metavariable is its number between two marks. New terms are made of old ones mostly."""
        found = self._phrases.get(term)
        if found is None:
            op = self._terms.ops[term]
            if op < 0:
                found = f"{_SLOT}{self._terms.meta_number(term)}{_SLOT}"
            elif op >= self._num_rules:
                found = self._variables[op - self._num_rules]
            else:
                rule, children = self._rules[op], self._terms.args[term]
                words = []
                for symbol, place in zip(rule.symbols, rule.order, strict=False):
                    if symbol:
                        words.append(symbol)
                    words.append(self._phrase(children[place]))
                if rule.symbols[-1]:
                    words.append(rule.symbols[-1])
                found = " ".join(words)
            self._phrases[term] = found
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
