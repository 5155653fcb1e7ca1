"""Which theorems a run is about."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from proofsearch.config import SelectionConfig
from proofsearch.errors import UsageError
from proofsearch.protocols import Environment
from proofsearch.storage.texts import read_text
from proofsearch.types import Theorem

DEFAULT_LIMIT = 50
"""How many theorems are searched where nothing is said."""

_COMMENT = re.compile(r"(^|\s)#.*")
"""A ``#`` inside a name begins no comment."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A selection in full: what the shards of one have in common.

    Attributes:
        theorems: how many.
        sha256: of their names, in order.
    """

    theorems: int
    sha256: str

    @classmethod
    def of(cls, theorems: Sequence[Theorem]) -> Self:
        """That of these theorems."""
        digest = hashlib.sha256()
        for theorem in theorems:
            name = theorem.name.encode("utf-8", "surrogatepass")
            digest.update(b"%d:%b" % (len(name), name))
        return cls(len(theorems), digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen theorems.

    Attributes:
        theorems: in the library's order or the drawn one, each once; only those of the shard where there is one.
        config: the selection with its defaults filled in.
        is_default: whether nothing was asked for.
        whole: what it is a part of.
    """

    theorems: tuple[Theorem, ...]
    config: SelectionConfig
    is_default: bool
    whole: Whole


def select(environment: Environment, config: SelectionConfig, seed: int) -> Selection:
    """Selects theorems.

    By name and by file they are taken as they are; else a split is, ``test`` where none is named and the environment
    splits, and of that 50 unless ``limit`` says otherwise or a split was named. The hash of a name with
    the seed is its place in the drawn order (``shuffle``), and a limit keeps the first in that: those whose hash with
    the seed is smallest, so that a smaller limit's theorems are among a larger one's. Of the result a
    shard keeps every N-th (:mod:`proofsearch.config.shard`).

    Raises:
        UsageError: an unknown theorem, names together with a split, or nothing left, and why.
        InputError: the file can't be read.
    """
    chosen, config, is_default = _chosen(environment, config, seed)
    if config.shuffle:
        chosen = tuple(sorted(chosen, key=lambda theorem: _place(theorem.name, seed)))
    own = config.shards.of_them(chosen)
    if not own:
        raise UsageError(
            f"the shard {config.shards} is empty: {len(chosen)} theorem{'s are' if len(chosen) != 1 else ' is'} "
            f"selected; take at most so many shards"
        )
    return Selection(tuple(own), config, is_default, Whole.of(chosen))


def _chosen(
    environment: Environment, config: SelectionConfig, seed: int
) -> tuple[tuple[Theorem, ...], SelectionConfig, bool]:
    """The whole selection, its configuration with the defaults, and whether nothing was asked for."""
    if config.theorems or config.file is not None:
        if config.split is not None:
            raise UsageError("theorems by name or file and a whole split exclude each other; leave one of them out")
        chosen = [environment.theorem(name) for name in config.theorems]
        if config.file is not None:
            chosen += _from_file(environment, Path(config.file))
        if not chosen:
            raise UsageError(f"{config.file}: no theorem is named in it; expected one a line (# begins a comment)")
        order = {theorem.name: index for index, theorem in enumerate(environment.theorems())}
        unique = {theorem.name: theorem for theorem in chosen}
        chosen = sorted(unique.values(), key=lambda theorem: order.get(theorem.name, len(order)))
        return _draw(chosen, config.limit, seed), config, False
    theorems = environment.theorems()
    splits = Counter(theorem.split for theorem in theorems)
    is_default = config.split is None
    if is_default:
        split = "test" if any(splits.keys() - {""}) else "all"
        config = config.model_copy(update={"split": split, "limit": config.limit or DEFAULT_LIMIT})
    chosen = [theorem for theorem in theorems if config.split in ("all", theorem.split)]
    if not chosen:
        raise UsageError(_why_empty(config.split, splits))
    return _draw(chosen, config.limit, seed), config, is_default


def _from_file(environment: Environment, path: Path) -> list[Theorem]:
    lines = read_text(path, "a theorem's name a line").splitlines()
    theorems = []
    for number, line in enumerate(lines, start=1):
        name = _COMMENT.sub("", line).strip()
        if name:
            try:
                theorems.append(environment.theorem(name))
            except UsageError as error:
                raise UsageError(f"{path}:{number}: {error}") from None
    return theorems


def _draw(theorems: Sequence[Theorem], limit: int | None, seed: int) -> tuple[Theorem, ...]:
    if limit is None:
        return tuple(theorems)
    kept = drawn((theorem.name for theorem in theorems), limit, seed)
    return tuple(theorem for theorem in theorems if theorem.name in kept)


def drawn(names: Iterable[str], limit: int, seed: int) -> frozenset[str]:
    """Theorems drawn by chance: those whose hash with the seed is smallest, ``limit`` of them or all."""
    return frozenset(sorted(names, key=lambda name: _place(name, seed))[:limit])


def _place(name: str, seed: int) -> bytes:
    """Where a theorem stands in the order that is drawn with a seed."""
    return hashlib.blake2b(f"{seed}\0{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _why_empty(split: str | None, splits: Counter[str]) -> str:
    if not splits:
        return "the environment has no theorem at all; is its library the right one?"
    if not any(splits.keys() - {""}):
        return f"no theorem is in the split {split!r}: this environment doesn't split its theorems; use --split all"
    known = ", ".join(f"{name or 'none'} ({count})" for name, count in sorted(splits.items()))
    return f"no theorem is in the split {split!r}; this environment has: {known}"
