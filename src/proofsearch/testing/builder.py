"""What a factory may ask for, without a run: a builder for checks and for the tests of a plugin."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from proofsearch.config import ExecutionConfig, SearchConfig
from proofsearch.errors import PluginError
from proofsearch.protocols import Encoder, Environment, Loss, TacticGenerator
from proofsearch.testing.countdown import CountdownConfig, CountdownEnvironment
from proofsearch.testing.samples import ListedTactics
from proofsearch.types import ProofState


class SampleEncoder(Encoder):
    """Counts the words of a state in 16 columns; an :class:`proofsearch.protocols.Encoder` for checks."""

    width = 16

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), 16)``; the last column is 1."""
        rows = np.zeros((len(states), self.width), np.float32)
        for row, state in zip(rows, states, strict=True):
            for word in state.text.split():
                row[hashlib.blake2b(word.encode(), digest_size=1).digest()[0] % (self.width - 1)] += 1
            row[-1] = 1
        return rows

    def fingerprint(self) -> str:
        """Always the same: there is nothing to set."""
        return "sample-encoder-1"


class SampleBuilder:
    """A :class:`proofsearch.protocols.Builder` that needs no plugin; to be closed.

    Args:
        environment: what proves; default: :mod:`proofsearch.testing.countdown`.
        seed: of the run.
        execution: how the run is spread over workers; default: two of them.
        encoders: by name; under any other name there is a :class:`SampleEncoder`.
        generators: by name; under any other name there is a :class:`~proofsearch.testing.samples.ListedTactics`.
        losses: by name; there are no others.
        cache: a folder; default: one that :meth:`close` deletes.
    """

    def __init__(
        self,
        environment: Environment | None = None,
        *,
        seed: int = 0,
        execution: ExecutionConfig | None = None,
        encoders: Mapping[str, Encoder] | None = None,
        generators: Mapping[str, TacticGenerator] | None = None,
        losses: Mapping[str, Loss] | None = None,
        cache: Path | None = None,
    ) -> None:
        self.seed = seed
        self.run_id = ""
        self.execution = execution or ExecutionConfig(workers=2)
        self._environment = environment or CountdownEnvironment(CountdownConfig())
        self._encoders = dict(encoders or {})
        self._generators = dict(generators or {})
        self._losses = dict(losses or {})
        self._cache = cache
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def cache(self) -> Path:
        """A folder for what can be computed again."""
        if self._cache is None:
            self._cache = Path(
                self._open.enter_context(tempfile.TemporaryDirectory(prefix="proofsearch-", ignore_cleanup_errors=True))
            )
        return self._cache

    @property
    def search(self) -> SearchConfig:
        """Returns the defaults of a search."""
        return SearchConfig()

    def environment(self) -> Environment:
        """The environment."""
        return self._environment

    def encoder(self, name: str, options: Mapping[str, Any] | None = None) -> Encoder:
        """An encoder by name."""
        return self._encoders.setdefault(name, SampleEncoder())

    def encoder_options(self, name: str) -> Mapping[str, Any]:
        """Says that the encoder has no options."""
        return {}

    def generator(self, name: str | None = None) -> TacticGenerator:
        """A generator by name; without one, that of a search."""
        return self._generators.setdefault(name or "", ListedTactics())

    def loss(self, name: str) -> Loss:
        """A loss by name.

        Raises:
            PluginError: it was not given.
        """
        if name not in self._losses:
            known = ", ".join(self._losses) or "none"
            raise PluginError(f"no loss is named {name!r}; the sample builder was given: {known}")
        return self._losses[name]

    def loss_options(self, name: str) -> Mapping[str, Any]:
        """Says that the loss has no options."""
        return {}

    def status(self, message: str, done: int | None = None, total: int | None = None) -> None:
        """Tells nobody."""

    def close(self) -> None:
        """Deletes its cache folder. Idempotent."""
        self._open.close()
