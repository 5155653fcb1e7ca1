"""The generator ``transformers``: tactics that a language model writes, with what it thought of them.

A candidate's log-probability is the model's own: the sum over the answer's tokens of the log-softmax of raw logits,
whatever temperature or top-p chose them. The tokens are those up to and with the end of sequence, or the one that
completes a stop string. Of several token sequences that make the same tactic the likeliest counts, so that
log-probability and number of tokens belong together and don't grow with the number of samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import LogitsProcessorList, StoppingCriteriaList

from proofsearch.errors import InputError
from proofsearch.process import streams
from proofsearch.protocols import GenerationRequest
from proofsearch.types import Candidate
from proofsearch_transformers.inference.batch import can_go_on, go_on, read_prompts
from proofsearch_transformers.inference.computing import OutOfMemoryError, computing
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.files import ModelFiles
from proofsearch_transformers.inference.opened import Opened, choose_template, open_model
from proofsearch_transformers.inference.sampling import Draw, Ended, answer_length, uniforms, written
from proofsearch_transformers.inference.tally import Answers, Tally

_NO_BEAM = -1e8
"""Beam search fills up with scores below this where it found fewer sequences than it has beams."""

_WORTH_LEAVING = 8
"""Batches with fewer rows are written to their end: to compute a few rows in vain costs less than to begin again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One answer to be written: of which request, and the how-manieth of it."""

    request: int
    sample: int


Answer = tuple[int, list[int] | None, float]
"""The place of a prompt, the tokens of an answer to it, ``None`` where it has no end, and their log-probability."""


class TransformersGenerator:
    """Draws tactics from a language model, or searches for the likeliest by beams.

    What a request gets depends on its state and seed alone, up to rounding: never on the requests beside it, on
    ``batch``, or on what was asked before. The model is loaded when tactics are first asked for.

    Args:
        config: of the generator.
        files: of the model.

    Raises:
        UsageError: there is no such template.
    """

    def __init__(self, config: GeneratorConfig, files: ModelFiles) -> None:
        self._config = config
        self._files = files
        self._template = choose_template(config, files)
        self._opened: Opened | None = None
        self._tally = Tally(config, streams.warning)
        self._wrote = False

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request, best first, without duplicates or empty ones.

        A state that has no room beside its theorem, or that the device's memory doesn't hold, has none; that is said.

        Raises:
            InputError: the model can't be loaded, or its logits are not finite.
            UsageError: an option that doesn't fit the model.
        """
        if not requests or n < 1:
            return [[] for _ in requests]
        found: list[dict[str, Candidate]] = [{} for _ in requests]
        opened = self._open()
        prompts = opened.prompts([one.state for one in requests], [one.theorem for one in requests])
        became = [Answers(unfit=not prompt.ids) for prompt in prompts]
        for row, tokens, logprob in self._answers(opened, requests, [prompt.ids for prompt in prompts], n, became):
            tactic = self._template.answer(written(opened.tokenizer, tokens))
            if not tactic:
                became[row.request].empty += 1
            elif tactic not in found[row.request] or logprob > found[row.request][tactic].logprob:
                found[row.request][tactic] = Candidate(tactic, min(logprob, 0.0), len(tokens))
        self._tally.add(became, [len(answers) for answers in found])
        return [
            sorted(answers.values(), key=lambda candidate: (-candidate.logprob, candidate.tactic))[:n]
            for answers in found
        ]

    def close(self) -> None:
        """Frees the model. Idempotent."""
        if self._opened is not None:
            self._opened.prompts.close()
        self._tally.close()
        self._opened = None

    def _answers(
        self,
        opened: Opened,
        requests: Sequence[GenerationRequest],
        ids: Sequence[list[int]],
        n: int,
        became: Sequence[Answers],
    ) -> Iterator[tuple[Row, list[int], float]]:
        """Every answer that has an end, in tokens, with its log-probability; what became of all of them is counted."""
        beams = self._config.beams
        together = self._config.batch if beams is None else max(1, self._config.batch // beams)
        samples = (self._config.samples or n) if beams is None else 1
        rows = [Row(request, sample) for request in range(len(requests)) for sample in range(samples) if ids[request]]
        rows.sort(key=lambda row: len(ids[row.request]))  # so that little is padded; stable
        chunks = [rows[start : start + together] for start in range(0, len(rows), together)]
        while chunks:
            chunk = chunks.pop(0)
            try:
                answers = list(self._write(opened, requests, ids, chunk))
            except OutOfMemoryError:
                half = len(chunk) // 2
                if half:  # what an answer is doesn't depend on those beside it
                    chunks[:0] = [chunk[:half], chunk[half:]]
                elif not self._wrote:
                    raise
                else:
                    became[chunk[0].request].lost += beams or 1
                continue
            self._wrote = True
            for place, tokens, logprob in answers:
                row = chunk[place]
                became[row.request].written += 1
                if tokens is None:
                    became[row.request].endless += 1
                else:
                    yield row, tokens, logprob

    def _write(
        self, opened: Opened, requests: Sequence[GenerationRequest], ids: Sequence[list[int]], chunk: Sequence[Row]
    ) -> Iterator[Answer]:
        """The answers of one batch."""
        config, prompts = self._config, [ids[row.request] for row in chunk]
        with computing(config, len(prompts), max(map(len, prompts)), config.option("max_prompt")):
            if config.beams is not None and config.beams > 1:
                yield from self._searched(opened, prompts, config.beams)
            else:
                drawn = [uniforms(requests[row.request].seed, row.sample, config.max_new_tokens) for row in chunk]
                yield from self._drawn(opened, prompts, Draw(None) if config.beams else self._draw(drawn))

    def _draw(self, numbers: Sequence[torch.Tensor]) -> Draw:
        return Draw(torch.stack(list(numbers)), self._config.temperature, self._config.top_p)

    def _drawn(self, opened: Opened, prompts: Sequence[list[int]], draw: Draw) -> Iterator[Answer]:
        """One answer a prompt."""
        inputs = self._read(opened, prompts)
        begin = _answer_begins(inputs)
        sequences: list[list[int]] = [[] for _ in prompts]
        logprobs: list[list[float]] = [[] for _ in prompts]
        places = list(range(len(prompts)))
        lengths: dict[int, int | None] = {}
        while places:
            done = len(sequences[places[0]])
            few = len(places) // 2 if can_go_on(inputs) and len(places) >= _WORTH_LEAVING else 0
            output = self._generate(
                opened,
                inputs,
                begin,
                self._config.max_new_tokens - done,
                few,
                logits_processor=LogitsProcessorList([draw]),
            )
            new = output.sequences[:, begin + done :].tolist()
            for place, tokens, values in zip(places, new, draw.take(len(new[0])).tolist(), strict=True):
                sequences[place] += tokens
                logprobs[place] += values
                lengths[place] = answer_length(opened.tokenizer, sequences[place], opened.ends, self._template.stop)
            if not few or done + len(new[0]) >= self._config.max_new_tokens:
                break
            writing = [row for row, place in enumerate(places) if lengths[place] is None]
            if writing:
                inputs = go_on(output, inputs, writing, first=opened.first)
                draw.keep(writing)
            places = [places[row] for row in writing]
        for place, sequence in enumerate(sequences):
            length = lengths[place]
            logprob = self._finite(math.fsum(logprobs[place][:length]))
            yield place, None if length is None else sequence[:length], logprob

    def _searched(self, opened: Opened, prompts: Sequence[list[int]], beams: int) -> Iterator[Answer]:
        """As :meth:`_drawn`, of the best sequences that beam search found, several a prompt."""
        # Without a length penalty and with no processor a sequence's score is the sum of its log-probabilities.
        # Transformers gives it only together with the scores of every step, (rows, vocabulary) floats each.
        inputs = self._read(opened, prompts, beams)
        begin = _answer_begins(inputs)
        output = self._generate(
            opened,
            inputs,
            begin,
            self._config.max_new_tokens,
            num_beams=beams,
            num_return_sequences=beams,
            length_penalty=0.0,
            early_stopping=False,
            output_scores=True,
        )
        scores = output.sequences_scores.tolist()
        for place, (sequence, score) in enumerate(zip(output.sequences[:, begin:].tolist(), scores, strict=True)):
            if self._finite(score) > _NO_BEAM:
                length = answer_length(opened.tokenizer, sequence, opened.ends, self._template.stop)
                yield place // beams, None if length is None else sequence[:length], score

    def _read(self, opened: Opened, prompts: Sequence[list[int]], beams: int = 1) -> dict[str, Any]:
        return read_prompts(opened.model, prompts, opened.pad, beams, first=opened.first)

    def _generate(
        self, opened: Opened, inputs: dict[str, Any], begin: int, most: int, few: int = 0, **settings: Any
    ) -> Any:
        """What ``generate`` gives: at most ``most`` tokens, or until at most ``few`` answers have no end yet."""
        ended = Ended(opened.tokenizer, self._template.stop, begin, opened.ends, few)
        return opened.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=most,
            return_dict_in_generate=True,
            stopping_criteria=StoppingCriteriaList([ended]),
            **settings,
        )

    def _finite(self, logprob: float) -> float:
        if math.isfinite(logprob):
            return logprob
        raise InputError(
            f"{self._config.option('model')} {self._config.model}: a log-probability is {logprob}; half precision may "
            f"overflow: try {self._config.option('dtype')} float32"
        )

    def _open(self) -> Opened:
        if self._opened is None:
            self._opened = open_model(self._config, self._files, self._template)
        return self._opened


def _answer_begins(inputs: dict[str, Any]) -> int:
    # The decoder of an encoder-decoder begins with a token of its own.
    return int(inputs["input_ids"].shape[1]) if "input_ids" in inputs else 1
