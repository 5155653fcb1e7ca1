"""What of a model's answers made no candidate: said when it first happens, and in total at the end.

A state without candidates looks in a search like one that leads nowhere, so it must not come about in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proofsearch.protocols import PolicyStatistics
from proofsearch_transformers.inference.config import GeneratorConfig


@dataclass(slots=True)
class Answers:
    """What became of the answers to one state.

    Attributes:
        written: how many there were.
        endless: of those, how many had no end.
        empty: how many ended and say nothing.
        lost: how many weren't written, for want of memory.
        unfit: whether the theorem left no room for the state, so that nothing was asked.
        tokens: how many tokens all of them have.
        next: what the model thought of an answer's first token; ``None`` where that isn't known.
    """

    unfit: bool = False
    written: int = 0
    endless: int = 0
    empty: int = 0
    lost: int = 0
    tokens: int = 0
    next: PolicyStatistics | None = None


class Tally:
    """Counts over all states of a generator.

    Args:
        config: of the generator.
        say: told what a person should know, a sentence each.
        wanted: what answers are made into.
        length: the option that says how long an answer may be.
    """

    def __init__(
        self,
        config: GeneratorConfig,
        say: Callable[[str], None],
        wanted: str = "candidate",
        length: str = "max_new_tokens",
    ) -> None:
        self._config = config
        self._wanted = wanted
        self._length = length
        self._say = say
        self._said = False
        self._reset()

    def add(self, states: Sequence[Answers], candidates: Sequence[int]) -> None:
        """Counts some states.

        Args:
            states: what became of the answers to each.
            candidates: how many each got.
        """
        for answers, count in zip(states, candidates, strict=True):
            self._states += 1
            self._total.written += answers.written
            self._total.endless += answers.endless
            self._total.empty += answers.empty
            self._total.lost += answers.lost
            self._unfit += answers.unfit
            if not count:
                self._barren += 1
                if not self._said:
                    self._said = True
                    self._say(f"a state got no {self._wanted}: {self._why(answers)}")

    def close(self) -> None:
        """Says the totals, and begins again."""
        total = self._total
        if self._barren:
            unfit = f", {self._unfit} of them because the theorem leaves no room for the state" if self._unfit else ""
            self._say(f"{self._barren} of {self._states} states got no {self._wanted}s{unfit}")
        if total.endless:
            self._say(f"{total.endless} of {total.written} answers {self._endless} and were dropped")
        if total.empty:
            self._say(f"{total.empty} of {total.written} answers were empty")
        if total.lost:
            self._say(f"{total.lost} answers were not written: {self._lost}")
        self._reset()

    @property
    def _endless(self) -> str:
        return f"had not ended after {self._config.max_new_tokens} tokens ({self._config.option(self._length)})"

    @property
    def _lost(self) -> str:
        return f"the device's memory doesn't hold the prompt; lower {self._config.option('max_prompt')}"

    def _why(self, answers: Answers) -> str:
        if answers.unfit:
            return "the theorem that the template speaks of leaves no room for the state"
        parts = ((answers.endless, self._endless), (answers.empty, "were empty"), (answers.lost, "were not written"))
        found = ", ".join(f"{count} {what}" for count, what in parts if count)
        memory = f": {self._lost}" if answers.lost else ""
        return f"of {answers.written + answers.lost} answers {found or 'none can be used'}{memory}"

    def _reset(self) -> None:
        self._total = Answers()
        self._states = self._barren = self._unfit = 0
