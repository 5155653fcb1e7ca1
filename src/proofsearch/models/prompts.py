"""How a state is put to a language model: one template, shared by training, search and encoding.

A template is a text with the placeholder ``{state}``, once, and possibly ``{name}`` and ``{statement}`` of the theorem
that the search is about. All other braces stand for themselves. It also says which strings end an answer.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proofsearch.errors import InputError, UsageError
from proofsearch.storage.texts import read_text
from proofsearch.types import ProofState, Theorem

STATE = "{state}"
NAME = "{name}"
STATEMENT = "{statement}"

TEMPLATE_SUFFIX = ".toml"
"""How the name of a template's file ends; that is what tells it from a template's own name."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A rendered template.

    Attributes:
        text: what the model reads.
        begin: where the state's own text begins in it, in characters.
        end: where it ends. Encoders pool what lies between, never the template's own words.
    """

    text: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A template; :func:`load_template` gives one by name or file.

    Attributes:
        name: what it is called.
        text: with ``{state}`` exactly once.
        stop: strings that end an answer; what follows the first of them is cut off. The model's own end of sequence
            always ends it.

    Raises:
        InputError: the text has no place for the state, or several, or a string in ``stop`` is empty.
    """

    name: str
    text: str
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.text.count(STATE) != 1:
            raise InputError(
                f"prompt template {self.name!r}: {STATE} stands {self.text.count(STATE)} times in it, expected once"
            )
        if "" in self.stop:
            raise InputError(f"prompt template {self.name!r}: an empty string in stop would end every answer at once")

    @property
    def needs_theorem(self) -> bool:
        """Whether it speaks of the theorem, so that a state alone is not enough."""
        return NAME in self.text or STATEMENT in self.text

    def render(self, state: ProofState, theorem: Theorem | None = None) -> Prompt:
        """Puts a state into its place.

        Args:
            state: its ``text`` is put in as it is.
            theorem: what the search is about; only a template that :attr:`needs_theorem` reads it.

        Raises:
            UsageError: the template needs a theorem and there is none, as where an encoder reads states.
        """
        before, _, after = self.text.partition(STATE)
        if self.needs_theorem:
            if theorem is None:
                raise UsageError(
                    f"prompt template {self.name!r} speaks of the theorem ({NAME} or {STATEMENT}), which an encoder "
                    f"doesn't know; use a template with {STATE} alone"
                )
            before, after = _told(before, theorem), _told(after, theorem)
        return Prompt(before + state.text + after, len(before), len(before) + len(state.text))

    def answer(self, completion: str) -> str:
        """The tactic in what a model wrote: up to the first stop string, without white space around it."""
        ends = [place for stop in self.stop if (place := completion.find(stop)) >= 0]
        return completion[: min(ends, default=None)].strip()

    def fingerprint(self) -> str:
        """Changes whenever the same state could be rendered, or an answer cut off, otherwise."""
        content = json.dumps([self.text, *self.stop]).encode()
        return f"{self.name}-{hashlib.blake2b(content, digest_size=8).hexdigest()}"


def _told(text: str, theorem: Theorem) -> str:
    # Split, not replaced one after the other: a statement may contain the other's placeholder.
    return theorem.statement.join(part.replace(NAME, theorem.name) for part in text.split(STATEMENT))


TEMPLATES: Mapping[str, PromptTemplate] = {
    template.name: template
    for template in (
        PromptTemplate("plain", f"[STATE]\n{STATE}\n[TACTIC]\n", stop=("\n",)),
        PromptTemplate("bare", STATE),
        PromptTemplate("whole-proof", f"[STATE]\n{STATE}\n[PROOF]\n", stop=("[STATE]",)),
        PromptTemplate("bfs-prover", f"{STATE}:::"),
        PromptTemplate("reprover", STATE),
        PromptTemplate(
            "deepseek-prover",
            f"Complete the following Lean 4 code:\n\n```lean4\n{STATEMENT}\n  /- tactic state:\n{STATE}\n  -/\n  ",
            stop=("\n", "```"),
        ),
        PromptTemplate(
            "deepseek-prover-whole",
            f"Complete the following Lean 4 code:\n\n```lean4\n{STATEMENT}\n  /- tactic state:\n{STATE}\n  -/\n  ",
            stop=("```",),
        ),
    )
}
"""The templates that come along, by name.

``plain`` is the one that ``proofsearch train --plugin lm`` uses, ``whole-proof`` the one for scripts; ``bare`` is the
state alone, for encoders; ``deepseek-prover-whole`` differs from ``deepseek-prover`` in what ends an answer. The others
are those that the models of these names were trained with: BFS-Prover (model card of bytedance-research/BFS-Prover),
ReProver without retrieval (arXiv 2306.15626), and DeepSeek-Prover-V1.5 with the tactic state as a comment (arXiv
2408.08152).
"""


def load_template(name: str) -> PromptTemplate:
    """A template by name, or from a file whose name ends with ``.toml``, with the keys ``text`` and ``stop``.

    Raises:
        UsageError: no template has that name.
        InputError: the file can't be read, or is no template; the message says why.
    """
    if name in TEMPLATES:
        return TEMPLATES[name]
    if not name.endswith(TEMPLATE_SUFFIX):
        raise UsageError(
            f"no prompt template is named {name!r}; known: {', '.join(TEMPLATES)}; "
            f"or give the file of your own, NAME{TEMPLATE_SUFFIX}"
        )
    file = Path(name).expanduser()
    try:
        values = tomllib.loads(read_text(file, "a prompt template in TOML"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: not TOML: {error}") from None
    unknown = sorted(values.keys() - {"text", "stop"})
    if unknown:
        raise InputError(f"{file}: unknown key {unknown[0]!r}; a template has text and stop")
    text, stop = values.get("text"), values.get("stop", [])
    if not isinstance(text, str):
        raise InputError(f"{file}: text is {text!r}, expected a string with {STATE} in it")
    if not (isinstance(stop, list) and all(isinstance(text, str) for text in stop)):
        raise InputError(f"{file}: stop is {stop!r}, expected a list of strings")
    try:
        return PromptTemplate(file.stem, text, tuple(stop))
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
