"""Applying an assertion to a goal: most general unification of its conclusion with the goal's skeleton.

The outcome depends on the skeleton and the assertion alone (and on the theorem's own ``$d`` conditions), so a
session computes it once for each pair, in the skeleton's own numbering, and every state whose goal has that
skeleton reuses it. Unification is Robinson's, with an occurs check and a triangular substitution; typecodes agree
by construction, because both sides are trees of one grammar, in which a setvar argument is a variable or a setvar
metavariable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from proofsearch_metamath.library.terms import Terms, TermTooLargeError

PatternTree: TypeAlias = "int | tuple[int, *tuple[PatternTree, ...]]"
"""A variable of the assertion, by index, or ``(op, child, …)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """An assertion as unification needs it.

    Attributes:
        index: its place among the provable assertions of the library.
        label: its name.
        typecodes: its mandatory variables' typecodes (indices), in the order of their ``$f`` hypotheses.
        conclusion: what it asserts.
        hypotheses: its ``$e`` hypotheses, in order.
        disjoint: its ``$d`` pairs, as indices of variables.
        compiled: the same for the compiled unifier, where there is one.
    """

    index: int
    label: str
    typecodes: tuple[int, ...]
    conclusion: PatternTree
    hypotheses: tuple[PatternTree, ...]
    disjoint: tuple[tuple[int, int], ...]
    compiled: object = field(default=None, repr=False)


LocalGoal = tuple[int, tuple[int, ...]]
"""A skeleton and, for each of its metavariables, a metavariable as a term id."""

Apart = tuple[int, int]
"""Two variables or metavariables that must stay apart, as term ids, the lesser first; a metavariable paired with
itself must be chosen without any variable."""


@dataclass(frozen=True, slots=True, eq=False)
class Application:
    """What applying an assertion does to a goal, in the numbering of the goal's skeleton.

    Attributes:
        goals: the hypotheses that are left to prove, in order.
        bound: the goal's metavariables that got a value: metavariable to term.
        fresh: the new metavariables, numbered on after the skeleton's own.
        apart: pending ``$d`` conditions.
    """

    goals: tuple[LocalGoal, ...]
    bound: dict[int, int]
    fresh: tuple[int, ...]
    apart: frozenset[Apart]


class Unifier:
    """Unification over one store of terms."""

    def __init__(
        self, terms: Terms, keeps_apart: Callable[[int, int], bool], variable_only: frozenset[int] = frozenset()
    ) -> None:
        """Unifies terms of one store.

        Args:
            terms: the store.
            keeps_apart: whether two different variables of the theorem are kept apart by its own ``$d``.
            variable_only: the typecodes (indices) of which every term holds a variable, such as set.mm's ``setvar``.
        """
        self._terms = terms
        self._keeps_apart = keeps_apart
        self._variable_only = variable_only

    def apply(self, skeleton: int, pattern: Pattern) -> Application | None:
        """Applies an assertion to a goal; ``None`` where it doesn't apply.

        Raises:
            TermTooLargeError: the most general unifier is too large.
        """
        terms = self._terms
        ops, args = terms.ops, terms.args
        own = len(terms.metas[skeleton])
        typecodes = pattern.typecodes
        values: list[int] = [-1] * len(typecodes)
        bindings: dict[int, int] = {}
        fresh: list[int] = []
        stack: list[tuple[PatternTree, int]] = [(pattern.conclusion, skeleton)]
        pop, push = stack.pop, stack.append
        while stack:
            part, term = pop()
            if isinstance(part, int):
                value = values[part]
                if value < 0:
                    values[part] = term
                elif value != term and not self.unify(value, term, bindings):
                    return None
                continue
            while term in bindings:
                term = bindings[term]
            op = ops[term]
            if op == part[0]:
                for pair in zip(part[1:], args[term]):  # noqa: B905 - equal by the grammar, and this is hot
                    push(pair)
            elif op < 0:
                made = self._instantiate(part, values, typecodes, own, fresh)
                if not self._bind(term, made, bindings):
                    return None
            else:
                return None
        apart: frozenset[Apart] = frozenset()
        if pattern.disjoint:
            found: set[Apart] = set()
            for one, other in pattern.disjoint:
                left = self._value(one, values, typecodes, own, fresh)
                right = self._value(other, values, typecodes, own, fresh)
                if bindings:
                    left, right = self.resolve(left, bindings), self.resolve(right, bindings)
                if not self.keep_apart(left, right, found):
                    return None
            apart = frozenset(found)
        goals = []
        for hypothesis in pattern.hypotheses:
            term = self._instantiate(hypothesis, values, typecodes, own, fresh)
            if bindings:
                term = self.resolve(term, bindings)
            goals.append(terms.canonical(term))
        bound = {}
        if bindings:
            for meta in terms.metas[skeleton]:
                if meta in bindings:
                    bound[meta] = self.resolve(meta, bindings)
        return Application(tuple(goals), bound, tuple(fresh), apart)

    def close(self, skeleton: int, hypothesis: int) -> Application | None:
        """Closes a goal by a term that is known to hold, such as the theorem's own hypothesis."""
        bindings: dict[int, int] = {}
        if not self.unify(skeleton, hypothesis, bindings):
            return None
        bound = {meta: self.resolve(meta, bindings) for meta in self._terms.metas[skeleton] if meta in bindings}
        return Application((), bound, (), frozenset())

    def first_closing(self, skeleton: int, numbers: list[int], pattern: Callable[[int], Pattern]) -> int | None:
        """The first of some assertions that closes a goal and asks for nothing; ``None`` where none does.

        Args:
            skeleton: the goal.
            numbers: which assertions, in order.
            pattern: gives each.
        """
        for number in numbers:
            try:
                application = self.apply(skeleton, pattern(number))
            except TermTooLargeError:
                continue
            if application is not None and not application.goals and not application.apart:
                return number
        return None

    def unifies(self, left: int, right: int) -> bool:
        """Whether two terms can become equal."""
        return self.unify(left, right, {})

    def unify(self, left: int, right: int, bindings: dict[int, int]) -> bool:
        """Extends a triangular substitution so that two terms become equal; false where none does."""
        terms = self._terms
        ops, args = terms.ops, terms.args
        stack = [(left, right)]
        while stack:
            left, right = stack.pop()
            while left in bindings:
                left = bindings[left]
            while right in bindings:
                right = bindings[right]
            if left == right:
                continue
            if ops[left] < 0:
                if not self._bind(left, right, bindings):
                    return False
            elif ops[right] < 0:
                if not self._bind(right, left, bindings):
                    return False
            elif ops[left] != ops[right]:
                return False
            else:
                if not terms.metas[left] and not terms.metas[right]:
                    return False
                stack.extend(zip(args[left], args[right], strict=True))
        return True

    def resolve(self, term: int, bindings: dict[int, int]) -> int:
        """Applies a triangular substitution until nothing changes.

        Raises:
            TermTooLargeError: the result is too large.
        """
        terms = self._terms
        all_metas = terms.metas
        max_depth = terms.max_depth
        memo: dict[int, int] = {}

        def walk(node: int, depth: int) -> int:
            if not all_metas[node]:
                return node
            known = memo.get(node)
            if known is not None:
                return known
            if terms.ops[node] < 0:
                value = bindings.get(node)
                made = node if value is None else walk(value, depth)
            else:
                if depth >= max_depth:  # a chain of bindings can go deeper than any of its terms
                    raise TermTooLargeError(f"a term more than {max_depth} deep")
                made = terms.app(terms.ops[node], tuple([walk(arg, depth + 1) for arg in terms.args[node]]))
            memo[node] = made
            return made

        return walk(term, 0)

    def keep_apart(self, left: int, right: int, pending: set[Apart]) -> bool:
        """Adds what a ``$d`` on two terms asks for to ``pending``; false where it can't be kept any more."""
        terms = self._terms
        ops = terms.ops
        rights = terms.leaves(right)
        for one in terms.leaves(left):
            for other in rights:
                if one == other:
                    if ops[one] >= 0 or not self.may_be_closed(one):
                        return False
                    pending.add((one, one))
                elif ops[one] >= 0 and ops[other] >= 0:
                    if not self._keeps_apart(one, other):
                        return False
                else:
                    pending.add((one, other) if one < other else (other, one))
        return True

    def may_be_closed(self, meta: int) -> bool:
        """Whether a metavariable can stand for a term without variables."""
        return self._terms.meta_typecode(meta) not in self._variable_only

    def _bind(self, meta: int, term: int, bindings: dict[int, int]) -> bool:
        """Gives a metavariable a value; false where it occurs in it."""
        terms = self._terms
        pending = list(terms.metas[term])
        seen: set[int] = set()
        while pending:
            node = pending.pop()
            if node == meta:
                return False
            if node in seen:
                continue
            seen.add(node)
            value = bindings.get(node)
            if value is not None:
                pending.extend(terms.metas[value])
        bindings[meta] = term
        return True

    def _value(self, variable: int, values: list[int], typecodes: Sequence[int], own: int, fresh: list[int]) -> int:
        """The value of an assertion's variable; a fresh metavariable where unification left it open."""
        value = values[variable]
        if value < 0:
            value = self._terms.meta(own + len(fresh), typecodes[variable])
            fresh.append(value)
            values[variable] = value
        return value

    def _instantiate(
        self, part: PatternTree, values: list[int], typecodes: Sequence[int], own: int, fresh: list[int]
    ) -> int:
        """A part of an assertion with its variables replaced by their values."""
        if isinstance(part, int):
            value = values[part]
            return value if value >= 0 else self._value(part, values, typecodes, own, fresh)
        args = []
        for child in part[1:]:
            # Most children are variables with a value; asking here spares a call for each.
            if isinstance(child, int) and values[child] >= 0:
                args.append(values[child])
            else:
                args.append(self._instantiate(child, values, typecodes, own, fresh))
        return self._terms.app(part[0], tuple(args))
