"""The encoder ``openai``: what a served model makes of states."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import UsageError
from proofsearch.models.embedding_cache import check_rows
from proofsearch.models.prompts import load_template
from proofsearch.process import streams
from proofsearch.types import ProofState, State
from proofsearch_openai.config import EncoderConfig
from proofsearch_openai.connection import Connection, together
from proofsearch_openai.errors import RefusedError, ServerError
from proofsearch_openai.probes import TEXTS, batching_fault, identity
from proofsearch_openai.rows import read_rows

_LAYOUT_VERSION = 1
"""Raise it when the same answer of a server would become other rows."""

_KEPT = 0.75
"""Share of a state that is kept when the server refuses it; again, until it doesn't."""
_SHORTEST = 32
"""Characters of a state that a server refuses for another reason than its length."""


class OpenAIEncoder:
    """Embeds states on an OpenAI-compatible server, each with the template around it.

    When it is first asked for anything it checks that the server embeds a batch as it embeds single texts. Of a state
    that the server refuses, as too long, it embeds the longest beginning that it takes, about; that is counted and
    said.

    Args:
        config: of the encoder.
        say: told what a person should know, a sentence each; default: a warning on standard error.

    Raises:
        UsageError: the template speaks of a theorem or there is no such template, or the key's variable holds none.
    """

    def __init__(self, config: EncoderConfig, say: Callable[[str], None] = streams.warning) -> None:
        self._config = config
        self._say = say
        self._cut = self._encoded = 0
        self._template = load_template(config.template)
        if self._template.needs_theorem:
            raise UsageError(
                f"{config.option('template')} {config.template}: speaks of the theorem, which an encoder doesn't know; "
                f"use a template with {{state}} alone"
            )
        self._connection = Connection(config)
        self._checked: tuple[str, int, str] | None = None  # model, width, and what stands for its weights

    @property
    def width(self) -> int:
        """The number of columns of what the server gives.

        Raises:
            ServerError: no answer, or it fails the check.
        """
        return self._check()[1]

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``, finite, no row all zeros.

        Raises:
            InputError: a row is not finite or all zeros.
            UsageError: an unknown model, a refused key, or a short state that the server refuses.
            ServerError: no answer, one that can't be used, or a server that fails the check.
        """
        model, width, _ = self._check()
        if not states:
            return np.empty((0, width), np.float32)
        chunks = [states[start : start + self._config.batch] for start in range(0, len(states), self._config.batch)]
        rows = np.concatenate(self._connection.run(self._embed(chunks, width)))
        self._encoded += len(states)
        check_rows(rows, states, width, f"{model} at {self._config.base_url}")
        return rows

    def fingerprint(self) -> str:
        """Of the model's name, what it makes of some texts or what ``revision`` calls it, and of the options.

        Raises:
            ServerError: no answer, or it fails the check.
        """
        model, width, weights = self._check()
        options = {
            "version": _LAYOUT_VERSION,
            "width": width,
            "template": self._template.fingerprint(),
            "dimensions": self._config.dimensions,
            "use_activation": self._config.use_activation,
        }
        digest = hashlib.blake2b(json.dumps(options).encode(), digest_size=6).hexdigest()
        return f"openai-{model}-{weights}-{digest}"

    def close(self) -> None:
        """Closes the connections, and says how many states were cut, if more than one. Idempotent."""
        if self._cut > 1:
            self._say(f"{self._cut} of {self._encoded} states were cut because the server refuses longer ones")
        self._cut = self._encoded = 0
        self._connection.close()

    # ------------------------------------------------------------------------------------------------ internals

    def _check(self) -> tuple[str, int, str]:
        """Embeds the texts of the check, once."""
        if self._checked is None:
            self._checked = self._connection.run(self._try_out())
        return self._checked

    async def _try_out(self) -> tuple[str, int, str]:
        config = self._config
        model = await self._connection.model()
        probes = [State(text, ()) for text in TEXTS]
        singles = [probes[place : place + 1] for place in range(len(probes))]
        batches = [probes[start : start + config.batch] for start in range(0, len(probes), config.batch)]
        # A batch before and behind the singles: a cache of prefixes may matter or not.
        before = np.concatenate(await self._embed(batches))
        alone = np.concatenate(await self._embed(singles))
        behind = np.concatenate(await self._embed(batches))
        width = alone.shape[1]
        what = f"{model} at {config.base_url}"
        if config.dimensions not in (None, width):
            raise UsageError(
                f"{what}: gives {width} columns though asked for {config.dimensions}; leave "
                f"{config.option('dimensions')} out, or serve a model that can be cut down"
            )
        for rows in (alone, before, behind):
            check_rows(rows, probes, width, what)
        for rows in (before, behind):
            fault = batching_fault(rows, alone, config.tolerance)
            if fault:
                raise ServerError(
                    f"{what}: the check at start failed: {fault}. What it gives can't be relied on: switch off the "
                    f"server's cache of prefixes, use another version of it, or set {config.option('batch')} 1"
                )
        return model, width, config.revision or identity(alone)

    async def _embed(
        self, chunks: Sequence[Sequence[ProofState]], width: int | None = None
    ) -> list[NDArray[np.float32]]:
        """The rows of all chunks, in order.

        Args:
            chunks: a request each.
            width: that they should have; ``None`` as long as it isn't known that the server takes such requests.
        """
        ask = self._ask if width is None else self._ask_apart
        found = list(itertools.chain.from_iterable(await together([ask(chunk) for chunk in chunks])))
        widths = sorted({rows.shape[1] for rows in found} | ({width} if width else set()))
        if len(widths) > 1:
            raise self._connection.unusable(f"embeddings of different lengths: {widths}; is the model still the same?")
        return found

    async def _ask_apart(self, states: Sequence[ProofState]) -> list[NDArray[np.float32]]:
        """As ``_ask``; where the server refuses, in smaller requests, and the end of a state alone is cut off.

        The check at start has shown that it takes such requests, so it is the texts that are too many or too long.
        """
        try:
            return await self._ask(states)
        except RefusedError as refusal:
            if len(states) > 1:
                half = len(states) // 2
                parts = await together([self._ask_apart(states[:half]), self._ask_apart(states[half:])])
                return [rows for part in parts for rows in part]
            (state,) = states
            keep = len(state.text)
            while (keep := int(keep * _KEPT)) >= _SHORTEST:
                with contextlib.suppress(RefusedError):
                    found = await self._ask([State(state.text[:keep], ())])
                    self._count(state, keep, refusal)
                    return found
            raise

    def _count(self, state: ProofState, keep: int, refusal: RefusedError) -> None:
        self._cut += 1
        if self._cut == 1:
            self._say(
                f"a state of {len(state.text)} characters was cut to {keep}, and so will be others that the server "
                f"refuses: {refusal}"
            )

    async def _ask(self, states: Sequence[ProofState]) -> list[NDArray[np.float32]]:
        """The rows of some states, which is one request."""
        texts = [self._template.render(state).text for state in states]
        body: dict[str, object] = {"input": texts, "encoding_format": "float"}
        if self._config.dimensions is not None:
            body["dimensions"] = self._config.dimensions
        if self._config.use_activation != "unsent":
            body["use_activation"] = self._config.use_activation == "yes"
        answer = await self._connection.post("/embeddings", body)
        try:
            return [read_rows(answer, len(texts))]
        except ValueError as error:
            raise self._connection.unusable(str(error)) from None
