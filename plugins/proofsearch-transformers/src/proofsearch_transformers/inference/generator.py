"""The generator ``transformers``: tactics that a language model writes, with what it thought of them.

A candidate's log-probability is the model's own: the sum over the answer's tokens of the log-softmax of raw logits,
whatever temperature or top-p chose them. The tokens are those up to and with the end of sequence, or the one that
completes a stop string. Of several token sequences that make the same tactic the likeliest counts, so that
log-probability and number of tokens belong together and don't grow with the number of samples.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from proofsearch.errors import InputError
from proofsearch.models.confidence import KeptAnswers, statistics_of
from proofsearch.models.scripts import SplitScript, split_lines
from proofsearch.process import streams
from proofsearch.protocols import GenerationRequest, PolicyStatistics, Script, Suggestions
from proofsearch.types import Candidate
from proofsearch_transformers.inference.computing import computing, in_parts
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.files import ModelFiles
from proofsearch_transformers.inference.loading import check_layer, hidden_width
from proofsearch_transformers.inference.opened import Opened, choose_template, open_model
from proofsearch_transformers.inference.reading import Reading
from proofsearch_transformers.inference.sampling import written
from proofsearch_transformers.inference.scripts import ScriptWriter
from proofsearch_transformers.inference.shared import Use, use_model
from proofsearch_transformers.inference.tally import Answers, Tally
from proofsearch_transformers.inference.writing import Writer, finite

_VERSION = 1
"""Raise it when the same model would give other candidates, statistics or vectors."""

_Answer = tuple[Suggestions[Candidate], PolicyStatistics]
"""The candidates of a state, and how sure the model is there."""

_DRAWING = ("beams", "max_new_tokens", "samples", "temperature", "top_p")
"""Options that decide which candidates there are."""


class TransformersGenerator:
    """Draws tactics from a language model, or searches for the likeliest by beams.

    What a request gets depends on its state and seed alone, up to rounding: never on the requests beside it, on
    ``batch``, or on what was asked before. The model is loaded when it is first asked, unless others use it already.

    It says how sure it is at a state, and represents it, by one forward pass over the prompt, and goes on from there
    where the state is expanded.

    Args:
        config: of the generator.
        files: of the model.
        cache: a folder for the hashes of files.
        split: cuts a whole proof into its tactics.

    Raises:
        UsageError: there is no such template, or no such device.
    """

    def __init__(
        self, config: GeneratorConfig, files: ModelFiles, cache: Path, split: SplitScript = split_lines
    ) -> None:
        self._config = config
        self._split = split
        self._scripts: ScriptWriter | None = None
        self._files = files
        self._cache = cache
        self._template = choose_template(config, files)
        self._writer = Writer(config, self._template)
        self._tally = Tally(config, streams.warning)
        self._kept: KeptAnswers[_Answer] = KeptAnswers()
        self._use: Use | None = self._used()
        self._opened: Opened | None = None

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[Suggestions[Candidate]]:
        """At most ``n`` candidates a request, best first, without duplicates or empty ones, and their tokens.

        A prompt counts once, however many answers are written to it; an answer without an end counts whole.

        A state that has no room beside its theorem, or that the device's memory doesn't hold, has none; that is said.

        Raises:
            InputError: the model can't be loaded, or its logits are not finite.
            UsageError: an option that doesn't fit the model.
        """
        if not requests or n < 1:
            return [Suggestions(tokens_in=0, tokens_out=0) for _ in requests]
        return [answer[0] for answer in self._answers(requests, n)]

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> list[Suggestions[Script]]:
        """At most ``n`` whole proofs a request, best first, without duplicates, and their tokens.

        Raises:
            InputError, UsageError: as :meth:`generate`.
        """
        if not requests or n < 1:
            return [Suggestions(tokens_in=0, tokens_out=0) for _ in requests]
        if self._scripts is None:
            self._scripts = ScriptWriter(self._config, self._files, self._split)
        return self._scripts.propose(requests, n)

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        """How sure the model is at states, ``None`` where a theorem leaves no room for the state.

        Of the next token at the end of the prompt, by one forward pass; or, by option, of the tactics that an expansion
        would try, which are kept for it. Hidden states, keys and values of the prompts are kept as well, in bounds.

        Raises:
            InputError, UsageError: as :meth:`generate`.
        """
        if not requests or n < 1:
            return [None for _ in requests]
        if self._config.statistics == "prompt":
            return [None if reading is None else reading.next for reading in self._readings(requests)]
        return [answer[1] for answer in self._answers(requests, n, keep=True)]

    @property
    def representation_width(self) -> int:
        """The size of the model's hidden states."""
        return hidden_width(self._config, self._files)

    def represent(self, requests: Sequence[GenerationRequest]) -> NDArray[np.float32]:
        """The hidden states of the prompts' last tokens, shape ``(len(requests), representation_width)``.

        They are of the encoder's layer, and all zeros where a theorem leaves no room for the state.

        Raises:
            InputError, UsageError: as :meth:`generate`.
        """
        rows = np.zeros((len(requests), self.representation_width), np.float32)
        if not requests:
            return rows
        self._open().use.layer = self._config.layer  # from now on
        for place, reading in enumerate(self._readings(requests)):
            if reading is not None:
                rows[place] = reading.hidden[self._config.layer][-1].float().cpu().numpy()
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(bad):
            raise InputError(
                f"{self._config.option('model')} {self._config.model}: hidden states are not finite, the first for "
                f"{requests[bad[0]].state.text[:200]!r}; half precision may overflow: try "
                f"{self._config.option('dtype')} float32, or another layer"
            )
        return rows

    def fingerprint(self) -> str:
        """Of the files' contents and of the options that decide candidates, statistics and vectors."""
        return self._fingerprint

    def close(self) -> None:
        """Frees the model, unless others use it. Idempotent."""
        if self._opened is not None:
            self._opened.prompts.close()
        if self._scripts is not None:
            self._scripts.close()
        self._tally.close()
        self._kept.clear()
        self._opened = self._use = self._scripts = None

    # ------------------------------------------------------------------------------------------------ internals

    def _answers(self, requests: Sequence[GenerationRequest], n: int, *, keep: bool = False) -> list[_Answer]:
        """Those that are kept, and else new ones."""
        known = [self._kept.get(request, n) for request in requests]
        missing = [request for request, answer in zip(requests, known, strict=True) if answer is None]
        new = self._generate(missing, n) if missing else []
        if keep:
            for request, answer in zip(missing, new, strict=True):
                self._kept.put(request, n, answer)
        rest = iter(new)
        return [next(rest) if answer is None else answer for answer in known]

    def _generate(self, requests: Sequence[GenerationRequest], n: int) -> list[_Answer]:
        """Candidates of each request, and what they and the next token say of how sure the model is."""
        found: list[dict[str, Candidate]] = [{} for _ in requests]
        opened = self._open()
        prompts = opened.prompts([one.state for one in requests], [one.theorem for one in requests])
        became = [Answers(unfit=not prompt.ids) for prompt in prompts]
        ids = [prompt.ids for prompt in prompts]
        for row, tokens, logprob, _ in self._writer.answers(opened, requests, ids, n, became):
            tactic = self._template.answer(written(opened.tokenizer, tokens))
            if not tactic:
                became[row.request].empty += 1
            elif tactic not in found[row.request] or logprob > found[row.request][tactic].logprob:
                found[row.request][tactic] = Candidate(tactic, min(logprob, 0.0), len(tokens))
        self._tally.add(became, [len(answers) for answers in found])
        answered = []
        for answers, how, prompt in zip(found, became, ids, strict=True):
            candidates = sorted(answers.values(), key=lambda candidate: (-candidate.logprob, candidate.tactic))[:n]
            statistics = statistics_of(candidates)
            if how.next is not None:
                statistics = replace(statistics, log_sum_exp=how.next.log_sum_exp)
            answered.append((Suggestions(candidates, tokens_in=len(prompt), tokens_out=how.tokens), statistics))
        return answered

    def _readings(self, requests: Sequence[GenerationRequest]) -> list[Reading | None]:
        """What the model makes of the prompts, ``None`` where there is none."""
        opened = self._open()
        prompts = opened.prompts([one.state for one in requests], [one.theorem for one in requests])
        ids = list(dict.fromkeys(tuple(prompt.ids) for prompt in prompts if prompt.ids))
        read = dict(zip(ids, in_parts(self._read, ids) if ids else (), strict=True))
        return [read.get(tuple(prompt.ids)) for prompt in prompts]

    def _read(self, prompts: Sequence[Sequence[int]]) -> list[Reading]:
        config, opened = self._config, self._open()
        with computing(config, len(prompts), max(map(len, prompts)), config.option("max_prompt")):
            readings = opened.read(prompts, config.batch)
        for reading in readings:
            finite(config, reading.next.log_sum_exp)
        return readings

    def _open(self) -> Opened:
        if self._opened is None:
            self._use = self._use or self._used()
            check_layer(self._config, self._files)
            self._opened = open_model(self._config, self._use, self._template)
        return self._opened

    def _used(self) -> Use:
        config = self._config
        return use_model(config, self._files, self._template.text, writes=True, megabytes=config.kept_megabytes)

    @cached_property
    def _fingerprint(self) -> str:
        config = self._config
        parts = {
            "version": _VERSION,
            "files": self._files.fingerprint(self._cache, code=config.trust_remote_code),
            "dtype": self._files.dtype(config),
            "quantisation": config.quantisation,
            "template": self._template.fingerprint(),
            "max_prompt": config.max_prompt,
            "layer": config.layer,
            "statistics": config.statistics,
            **{name: getattr(config, name) for name in _DRAWING},
        }
        return "transformers-" + hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()
