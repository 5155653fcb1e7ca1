"""Hash-consed terms: what goals are made of while a theorem is searched.

A term is an integer, an index into the columns of its :class:`Terms`. Equal terms are the same integer, so equality
is ``==`` and everything computed of a term is computed once. Three sorts of nodes:

* an application of a syntax axiom, ``op >= 0``, to as many terms as the axiom has variables;
* a variable of the theorem that is being proved: it stands for itself and is a node without children, with an
  ``op`` beyond the syntax axioms;
* a metavariable, ``op < 0``, with a number and a typecode: still to be chosen by the search.

A term in *canonical* numbering has its metavariables numbered 0, 1, … in order of first occurrence. Goals keep a
canonical *skeleton* and, beside it, the metavariables that stand for its numbers: so goals of different states that
differ only in the names of their metavariables share everything that is cached by skeleton.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_DEPTH = 200
"""How deep a term may be: what walks over terms recurses. The deepest statement of set.mm has depth 33, of nf.mm 38."""


PATH_BASE = 16
"""Children told apart by paths; further ones count as the last."""


def child_path(path: int, child: int) -> int:
    """The path of a node's child, in the index of conclusions; the root's path is 0."""
    return path * PATH_BASE + min(child, PATH_BASE - 1) + 1


def place_of(path: int, op: int) -> int:
    """An operator at a path as one number; ``op`` −1 stands for a variable."""
    return (path << 32) | (op + 1)


class TermTooLargeError(Exception):
    """A term grew past the bound; whoever builds terms turns this into a rejected step."""


class Terms:
    """A store of terms.

    Attributes:
        ops: each term's operator.
        args: each term's children.
        metas: each term's metavariables, as term ids in order of first occurrence; ``()`` for a ground term.
        sizes: each term's number of nodes, counted as a tree.
        depths: each term's height.
        hashes: each term's structure as a number that does not depend on which terms the store met before: what
            orders terms where another session must find the same order.
    """

    def __init__(self, max_size: int = 1000, max_depth: int = MAX_DEPTH) -> None:
        self.ops: list[int] = []
        self.args: list[tuple[int, ...]] = []
        self.metas: list[tuple[int, ...]] = []
        self.sizes: list[int] = []
        self.depths: list[int] = []
        self.hashes: list[int] = []
        self.max_size = max_size
        self.max_depth = max_depth
        self._ids: dict[tuple[int, tuple[int, ...]], int] = {}
        self._meta_ids: dict[tuple[int, int], int] = {}
        self._meta_of: dict[int, tuple[int, int]] = {}
        self._leaves: dict[int, frozenset[int]] = {}
        self._canonical: dict[int, tuple[int, tuple[int, ...]]] = {}

    def __len__(self) -> int:
        return len(self.ops)

    def app(self, op: int, args: tuple[int, ...] = ()) -> int:
        """The application of an operator to terms.

        Raises:
            TermTooLargeError: it would have more than ``max_size`` nodes or be deeper than ``max_depth``.
        """
        key = (op, args)
        found = self._ids.get(key)
        if found is not None:
            return found
        size, depth = 1, 0
        metas: tuple[int, ...] = ()
        all_sizes, all_depths, all_metas = self.sizes, self.depths, self.metas
        for arg in args:
            size += all_sizes[arg]
            if all_depths[arg] > depth:
                depth = all_depths[arg]
            more = all_metas[arg]
            if more:
                metas = tuple(dict.fromkeys(metas + more)) if metas else more
        if size > self.max_size or depth >= self.max_depth:
            raise TermTooLargeError(f"a term of {size} nodes, {depth + 1} deep")
        number = len(self.ops)
        self.ops.append(op)
        self.args.append(args)
        all_metas.append(metas)
        all_sizes.append(size)
        all_depths.append(depth + 1)
        all_hashes = self.hashes
        all_hashes.append(hash((op, *[all_hashes[arg] for arg in args])))
        self._ids[key] = number
        return number

    def meta(self, number: int, typecode: int) -> int:
        """The metavariable of that number and typecode (an index into the library's typecodes)."""
        key = (number, typecode)
        found = self._meta_ids.get(key)
        if found is None:
            found = len(self.ops)
            self.ops.append(-1 - typecode)
            self.args.append(())
            self.metas.append((found,))
            self.sizes.append(1)
            self.depths.append(1)
            self.hashes.append(hash(key))
            self._meta_ids[key] = found
            self._meta_of[found] = key
        return found

    def meta_number(self, meta: int) -> int:
        """The number of a metavariable."""
        return self._meta_of[meta][0]

    def meta_typecode(self, meta: int) -> int:
        """The typecode of a metavariable, as an index."""
        return self._meta_of[meta][1]

    def leaves(self, term: int) -> frozenset[int]:
        """The variables and metavariables of a term, as term ids: what a ``$d`` condition is about.

        Nullary syntax axioms are no variables; they are told apart by :meth:`mark_variable`.
        """
        found = self._leaves.get(term)
        if found is None:
            args = self.args[term]
            if self.ops[term] < 0:
                found = frozenset((term,))
            elif not args:
                found = frozenset()
            elif len(args) == 1:
                found = self.leaves(args[0])
            else:
                found = frozenset().union(*map(self.leaves, args))
            self._leaves[term] = found
        return found

    def mark_variable(self, term: int) -> None:
        """Says that a nullary term is a variable of the theorem, not a constant."""
        self._leaves[term] = frozenset((term,))

    def substitute(self, term: int, values: Mapping[int, int]) -> int:
        """Replaces metavariables by terms, all at once.

        Args:
            term: the term.
            values: metavariable to term, both as ids; a metavariable that is missing stays.

        Raises:
            TermTooLargeError: see :meth:`app`.
        """
        memo = dict(values)

        def walk(node: int) -> int:
            known = memo.get(node)
            if known is not None:
                return known
            if not self.metas[node] or self.ops[node] < 0:
                return node
            made = self.app(self.ops[node], tuple([walk(arg) for arg in self.args[node]]))
            memo[node] = made
            return made

        return walk(term)

    def places(self, term: int, num_rules: int, max_depth: int) -> list[int]:
        """What stands near the root of a term, as places of the index of conclusions (:func:`place_of`).

        Args:
            term: the term.
            num_rules: operators from this on are the theorem's variables, of which the index knows one sort only.
            max_depth: how deep to look; the root has depth 0.

        Returns:
            A place for every node that is no metavariable, those below metavariables left out, parents first.
        """
        ops, args = self.ops, self.args
        found = []
        waiting = [(term, 0, 0)]
        for node, path, depth in waiting:
            op = ops[node]
            if op < 0:
                continue
            found.append(place_of(path, op if op < num_rules else -1))
            if op < num_rules and depth < max_depth:
                for child, arg in enumerate(args[node]):
                    waiting.append((arg, child_path(path, child), depth + 1))
        return found

    def canonical(self, term: int) -> tuple[int, tuple[int, ...]]:
        """Its skeleton, in canonical numbering, and the metavariables that its numbers stand for, in order."""
        found = self._canonical.get(term)
        if found is None:
            metas = self.metas[term]
            values = {}
            for number, meta in enumerate(metas):
                plain = self.meta(number, self._meta_of[meta][1])
                if plain != meta:
                    values[meta] = plain
            found = (self.substitute(term, values) if values else term, metas)
            self._canonical[term] = found
        return found
