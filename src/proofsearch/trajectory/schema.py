"""The trajectory schema, version 4: one row a node of a recorded search, in Parquet.

A file holds whole searches, each as consecutive rows in the order of its nodes, never split over row groups. The
schema's version stands in the file's metadata under ``proofsearch.schema``. Readers refuse newer versions and read
every older one (:func:`upgrade`). Whoever changes a column raises :data:`VERSION` and teaches :func:`upgrade`.

The columns, with "null" where one may be missing:

===================== =========================================================================================
``search_id``         the search, unique across runs; with ``node`` it identifies a row
``run_id``            the run that it belongs to; empty for a search of its own
``theorem``           its name; also ``statement``, ``split``, and ``position`` (null) in the library's order
``node``              from 0, the root, in the order in which states were first met
``key``               BLAKE2b-128 of the text's UTF-8, hexadecimal: equal across searches for equal states
``text``              the state as models read it
``goals``             its goals: ``text``, and ``tree`` (null) as :func:`tree_to_text` writes it
``num_goals``         at least 1
``depth``             steps from the root on the best path
``logprob``           sum of the log-probabilities on that path; ``num_tokens`` sums their tokens
``value``             what the scorer gave, higher is better; null where it gave none: missing is not zero
``priority``          the frontier's order when it was last put there; null for one that never was, such as the root
``expanded``          whether it was; ``expansion`` (null) counts from 0 in the order of first expansions
``seconds``           when the state was first met, since the start of the search
``parents``           the nodes with an edge to it, each once, in the order of their edges
``best_parent``       the one on the best path; null for the root
``best_edge``         the edge on it, as a number in the search; null for the root
``first_edge``        the number of its own first edge; null where it was neither expanded nor a step of a script
                      replayed there. Its edges are numbered on from there
``edges``             its steps: ``tactic``, ``logprob``, ``num_tokens``, ``outcome``
                      (:class:`~proofsearch.types.OutcomeKind`), ``target`` (null unless advanced), ``message`` (null),
                      ``also`` (null): the further nodes of a step to several, all of which have to be proved,
                      ``seconds`` (null): how long it took, where steps were slow enough to be timed,
                      ``script`` (null): of a step that comes from a whole proof, the expansion that it was proposed at
``label``             ``positive``, ``negative`` or ``unknown`` (:mod:`proofsearch.trajectory.labels`)
``remaining``         steps of the shortest recorded proof, at least 1; null unless positive
``min_expansions``    the demand on negatives that the labels were made with
``on_proof``          whether it lies on the proof that was found
``status``            of the search, as ``SearchResult.status``; ``limit_hit`` is ``""`` unless a limit stopped it
``proved``            whether an independent check accepted its proof
``proof_edge``        the edge that finished that proof; null unless ``proved``
``num_nodes``         rows of this search
``seed``              of the search
``environment``       names of the components that ran: also ``generator`` and ``scorer``
``fingerprint``       a hash of what the environment depends on
``limits``            the bounds of :class:`~proofsearch.types.Limit`, each null where there was none
===================== =========================================================================================

Version 1 had no ``also``: every step led to one node. Versions 1 and 2 had no ``seconds`` of a step, and none before 4
a ``script``: no step came from one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from proofsearch.errors import InputError
from proofsearch.trajectory.columns import fitted
from proofsearch.types import Tree

VERSION = 4
"""The version that this module writes, and the newest that it reads."""

VERSION_KEY = b"proofsearch.schema"
"""Where the file's metadata holds the version, as decimal digits."""

GOAL = pa.struct([pa.field("text", pa.string(), nullable=False), pa.field("tree", pa.string())])
EDGE = pa.struct(
    [
        pa.field("tactic", pa.string(), nullable=False),
        pa.field("logprob", pa.float64(), nullable=False),
        pa.field("num_tokens", pa.int32(), nullable=False),
        pa.field("outcome", pa.int8(), nullable=False),
        pa.field("target", pa.int32()),
        pa.field("message", pa.string()),
        pa.field("also", pa.list_(pa.field("element", pa.int32(), nullable=False))),
        pa.field("seconds", pa.float64()),
        pa.field("script", pa.int32()),
    ]
)
LIMITS = pa.struct(
    [
        pa.field("expansions", pa.int64()),
        pa.field("steps", pa.int64()),
        pa.field("seconds", pa.float64()),
        pa.field("model_calls", pa.int64()),
    ]
)


def _required(name: str, kind: pa.DataType) -> pa.Field[Any]:
    return pa.field(name, kind, nullable=False)


def _list(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.field("element", kind, nullable=False))


SCHEMA = pa.schema(
    [
        _required("search_id", pa.string()),
        _required("run_id", pa.string()),
        _required("theorem", pa.string()),
        _required("statement", pa.string()),
        _required("split", pa.string()),
        pa.field("position", pa.int64()),
        _required("node", pa.int32()),
        _required("key", pa.string()),
        _required("text", pa.string()),
        _required("goals", _list(GOAL)),
        _required("num_goals", pa.int32()),
        _required("depth", pa.int32()),
        _required("logprob", pa.float64()),
        _required("num_tokens", pa.int64()),
        pa.field("value", pa.float64()),
        pa.field("priority", pa.float64()),
        _required("expanded", pa.bool_()),
        pa.field("expansion", pa.int32()),
        _required("seconds", pa.float64()),
        _required("parents", _list(pa.int32())),
        pa.field("best_parent", pa.int32()),
        pa.field("best_edge", pa.int32()),
        pa.field("first_edge", pa.int32()),
        _required("edges", _list(EDGE)),
        _required("label", pa.string()),
        pa.field("remaining", pa.int32()),
        _required("min_expansions", pa.int32()),
        _required("on_proof", pa.bool_()),
        _required("status", pa.string()),
        _required("limit_hit", pa.string()),
        _required("proved", pa.bool_()),
        pa.field("proof_edge", pa.int32()),
        _required("num_nodes", pa.int32()),
        _required("seed", pa.int64()),
        _required("environment", pa.string()),
        _required("generator", pa.string()),
        _required("scorer", pa.string()),
        _required("fingerprint", pa.string()),
        _required("limits", LIMITS),
    ],
    metadata={VERSION_KEY: str(VERSION).encode()},
)
"""The columns of version 4."""


def version_of(metadata: dict[bytes, bytes] | None, source: str) -> int:
    """The schema version of a file.

    Args:
        metadata: the key-value metadata of the file, that of its Arrow schema included.
        source: what to call the file in errors.

    Raises:
        InputError: not a trajectory file, or of a newer version.
    """
    text = (metadata or {}).get(VERSION_KEY)
    if text is None:
        raise InputError(
            f"{source}: not a trajectory file: its metadata has no {VERSION_KEY.decode()!r}; expected a Parquet file "
            f"that proofsearch wrote, or one with its columns and {VERSION_KEY.decode()} = {VERSION} in its key-value "
            f"metadata"
        )
    if not re.fullmatch(rb"[1-9][0-9]{0,8}", text):
        raise InputError(f"{source}: damaged: the schema version is {text!r}, expected a whole number from 1")
    version = int(text)
    if version > VERSION:
        raise InputError(
            f"{source}: trajectory schema version {version}, this proofsearch reads up to {VERSION}; upgrade with: "
            f"pip install -U proofsearch"
        )
    return version


def upgrade(table: pa.Table, version: int, source: str, names: Sequence[str] = SCHEMA.names) -> pa.Table:
    """A table of an older version, or with the types of another program, as one of the current schema.

    Version 1 had no ``also``.

    Args:
        table: what the file holds.
        version: its version, from :func:`version_of`.
        source: what to call the file in errors.
        names: the columns that it is to have, in the schema's order; default: all.

    Raises:
        InputError: columns are missing, or can't be read in the schema's types without loss.
    """
    if table.schema.equals(SCHEMA):
        return table  # what may not be null is marked so in the file, and there can be none
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise InputError(
            f"{source}: has no column {missing[0]!r}, of type {SCHEMA.field(missing[0]).type}, which trajectories of "
            f"schema version {version} have; it is damaged, or the program that wrote it left the column out"
        )
    later = _LATER_OF_EDGES.get(version, ())
    fields = [SCHEMA.field(name) for name in names]
    columns = [
        fitted(table.column(field.name), field, source, later if field.name == "edges" else ()) for field in fields
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata={VERSION_KEY: str(VERSION).encode()}))


_LATER_OF_EDGES = {1: ("also", "seconds", "script"), 2: ("seconds", "script"), 3: ("script",)}
"""The fields of edges that each earlier version had not yet."""


_ESCAPES = {"\\": "\\\\", " ": "\\s", ":": "\\c"}
_UNESCAPES = {"\\\\": "\\", "\\s": " ", "\\c": ":", "\\e": ""}


def tree_to_text(tree: Tree) -> str:
    r"""An expression tree on one line, which repeats well: ``wi:2 wph wps``.

    The symbols in preorder, separated by blanks, each followed by ``:n`` where it has n > 0 children. Within a symbol,
    backslash, blank and colon are written ``\\``, ``\s`` and ``\c``; the empty symbol is ``\e``.
    """
    return " ".join(
        _escaped(symbol) + (f":{arity}" if arity else "")
        for symbol, arity in zip(tree.symbols, tree.arities, strict=True)
    )


@lru_cache(maxsize=1 << 16)
def _escaped(symbol: str) -> str:
    return re.sub(r"[\\ :]", lambda match: _ESCAPES[match[0]], symbol) or r"\e"


def tree_from_text(text: str) -> Tree:
    """Reads what :func:`tree_to_text` wrote."""
    if not text:
        return Tree((), ())
    symbols, arities = zip(*map(_node, text.split(" ")), strict=True)
    return Tree(symbols, arities)


@lru_cache(maxsize=1 << 16)
def _node(text: str) -> tuple[str, int]:
    """A symbol and its number of children."""
    symbol, _, arity = text.partition(":")
    return re.sub(r"\\.", lambda match: _UNESCAPES[match[0]], symbol), int(arity or 0)
