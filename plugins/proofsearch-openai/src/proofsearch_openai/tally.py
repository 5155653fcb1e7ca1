"""What of a model's answers made no candidate: said when it first happens, and in total at the end.

A state without candidates looks in a search like one that leads nowhere, so it must not come about in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proofsearch_openai.candidates import Harvest
from proofsearch_openai.config import GeneratorConfig
from proofsearch_openai.errors import FailedError, RefusedError


class Tally:
    """Counts over all states of a generator.

    Args:
        config: of the generator.
        say: told what a person should know, a sentence each.
        wanted: what answers are made into.
        length: the option that says how long an answer may be; the configuration has its value as ``max_tokens``.
    """

    def __init__(
        self,
        config: GeneratorConfig,
        say: Callable[[str], None],
        wanted: str = "candidate",
        length: str = "max_tokens",
    ) -> None:
        self._config = config
        self._wanted = wanted
        self._length = length
        self._say = say
        self._said: set[str] = set()
        self._reset()

    def add(self, harvest: Harvest[Any]) -> None:
        """Counts a state's samples."""
        self._states += 1
        self._samples += harvest.samples
        self._cut += harvest.cut
        self._empty += harvest.empty
        self._unscored += harvest.unscored
        if harvest.unscored:
            self._once(
                "unscored",
                "an answer has a log-probability that is missing or no finite number; it is left out, and others like "
                "it will be",
            )
        if not harvest.candidates:
            self._barren += 1
            self._once("barren", f"a state got no {self._wanted}: of {harvest.samples} answers {self._lost(harvest)}")

    def refuse(self, refusal: RefusedError | FailedError) -> None:
        """Counts a state whose prompt the server refuses, or fails at, while it answers others."""
        self._states += 1
        self._refused += 1
        self._once("refused", f"a state gets no {self._wanted}s, and others like it will get none: {refusal}")

    def no_alternatives(self) -> None:
        """Notes that the server doesn't list what a token could have been."""
        self._once(
            "alternatives",
            f"{self._config.base_url} gives no log-probabilities of the tokens that an answer could begin with, so it "
            f"can't say how sure the model is at a state; choose {self._config.option('statistics')} samples",
        )

    def close(self) -> None:
        """Says the totals, and begins again."""
        if self._refused:
            self._say(
                f"{self._refused} of {self._states} states got no {self._wanted}s because the server refuses their "
                f"prompts or fails at them"
            )
        if self._barren:
            self._say(
                f"{self._barren} of {self._states} states got no {self._wanted}s because no answer to them could be "
                f"used"
            )
        if self._unscored:
            self._say(
                f"{self._unscored} of {self._samples} answers were left out: a log-probability is missing or no finite "
                f"number"
            )
        if self._cut:
            self._say(f"{self._cut} of {self._samples} answers {self._unfinished} and were dropped")
        if self._empty:
            self._say(f"{self._empty} of {self._samples} answers were empty")
        self._reset()

    @property
    def _unfinished(self) -> str:
        return f"had not ended after {self._config.max_tokens} tokens ({self._config.option(self._length)})"

    def _lost(self, harvest: Harvest[Any]) -> str:
        parts = (
            (harvest.cut, self._unfinished),
            (harvest.empty, "were empty"),
            (harvest.unscored, "had no log-probability"),
        )
        return ", ".join(f"{count} {what}" for count, what in parts if count)

    def _once(self, kind: str, message: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            self._say(message)

    def _reset(self) -> None:
        self._states = self._samples = 0
        self._cut = self._empty = self._unscored = self._barren = self._refused = 0
