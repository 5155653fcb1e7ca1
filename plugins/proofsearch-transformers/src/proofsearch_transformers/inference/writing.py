"""Writing answers to prompts, in batches of rows: drawn, or the likeliest by beam search."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from transformers import LogitsProcessorList, StoppingCriteriaList

from proofsearch.errors import InputError
from proofsearch.models.prompts import PromptTemplate
from proofsearch.protocols import GenerationRequest
from proofsearch_transformers.inference.batch import begin_rows, can_go_on, go_on
from proofsearch_transformers.inference.computing import OutOfMemoryError, computing
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.opened import Opened
from proofsearch_transformers.inference.reading import Reading, reads_whole
from proofsearch_transformers.inference.sampling import Draw, Ended, answer_length, uniforms
from proofsearch_transformers.inference.tally import Answers

_NO_BEAM = -1e8
"""Beam search fills up with scores below this where it found fewer sequences than it has beams."""

_WORTH_LEAVING = 8
"""Batches with fewer rows are written to their end: to compute a few rows in vain costs less than to begin again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One answer to be written: of which request, and the how-manieth of it."""

    request: int
    sample: int


class Answer(NamedTuple):
    """An answer to one of some prompts.

    Attributes:
        place: of the prompt.
        tokens: of the answer; ``None`` where it has no end.
        logprob: of the tokens together.
        logprobs: of each of them, where that is known.
    """

    place: int
    tokens: list[int] | None
    logprob: float
    logprobs: Sequence[float] = ()


class Written(NamedTuple):
    """An answer that has an end, as :class:`Answer`, and which it is."""

    row: Row
    tokens: list[int]
    logprob: float
    logprobs: Sequence[float] = ()


Readings = Mapping[tuple[int, ...], Reading]


class Writer:
    """Writes answers as the options say.

    Args:
        config: of the generator.
        template: says what ends an answer.
    """

    def __init__(self, config: GeneratorConfig, template: PromptTemplate) -> None:
        self._config = config
        self._template = template
        self._wrote = False

    def answers(
        self,
        opened: Opened,
        requests: Sequence[GenerationRequest],
        ids: Sequence[list[int]],
        n: int,
        became: Sequence[Answers],
    ) -> Iterator[Written]:
        """Every answer that has an end, in tokens, with its log-probability; what became of all of them is counted.

        Args:
            opened: the model.
            requests: whose seeds they are written with.
            ids: tokens of their prompts; without any where nothing is to be written.
            n: samples of a request, where the options don't say.
            became: one for each request; added to.
        """
        beams = self._config.beams
        together = self._config.batch if beams is None else max(1, self._config.batch // beams)
        samples = (self._config.samples or n) if beams is None else 1
        rows = [Row(request, sample) for request in range(len(requests)) for sample in range(samples) if ids[request]]
        rows.sort(key=lambda row: len(ids[row.request]))  # so that little is padded; stable
        chunks = [rows[start : start + together] for start in range(0, len(rows), together)]
        readings: Readings = {}
        while chunks:
            chunk = chunks.pop(0)
            prompts = [ids[row.request] for row in chunk]
            try:
                with opened.use.model.turn, self._computing(prompts):
                    readings = self._read(opened, prompts, readings)
                    answers = list(self._write(opened, requests, prompts, chunk, readings or None))
            except OutOfMemoryError:
                readings = {}
                opened.use.forget()
                half = len(chunk) // 2
                if half:  # what an answer is doesn't depend on those beside it
                    chunks[:0] = [chunk[:half], chunk[half:]]
                elif not self._wrote:
                    raise
                else:
                    became[chunk[0].request].lost += beams or 1
                continue
            self._wrote = True
            yield from self._count(chunk, answers, ids, readings, became)
        opened.use.spend(ids)

    def _count(
        self,
        chunk: Sequence[Row],
        answers: Sequence[Answer],
        ids: Sequence[list[int]],
        readings: Readings,
        became: Sequence[Answers],
    ) -> Iterator[Written]:
        for row in chunk:
            reading = readings.get(tuple(ids[row.request]))
            became[row.request].next = None if reading is None else reading.next
        for place, tokens, logprob, logprobs in answers:
            row = chunk[place]
            became[row.request].written += 1
            became[row.request].tokens += self._config.max_new_tokens if tokens is None else len(tokens)
            if tokens is None:
                became[row.request].endless += 1
            else:
                yield Written(row, tokens, logprob, logprobs)

    def _computing(self, prompts: Sequence[list[int]]) -> Any:
        return computing(self._config, len(prompts), max(map(len, prompts)), self._config.option("max_prompt"))

    def _read(self, opened: Opened, prompts: Sequence[list[int]], before: Readings) -> Readings:
        """What the model makes of the prompts of one batch; none where its layers don't keep all of a prompt.

        Args:
            opened: the model.
            prompts: of the batch.
            before: the readings of the batch before, whose last prompt may be the first of this one.
        """
        shape, distinct = opened.model.config, list(dict.fromkeys(map(tuple, prompts)))
        if not shape.is_encoder_decoder and not reads_whole(shape.get_text_config(), max(map(len, prompts))):
            return {}
        missing = [prompt for prompt in distinct if prompt not in before]
        new = opened.read(missing, self._config.batch, writing=True)
        return {prompt: before[prompt] for prompt in distinct if prompt in before} | dict(
            zip(missing, new, strict=True)
        )

    def _write(
        self,
        opened: Opened,
        requests: Sequence[GenerationRequest],
        prompts: Sequence[list[int]],
        chunk: Sequence[Row],
        readings: Readings | None,
    ) -> Iterator[Answer]:
        """The answers of one batch."""
        config = self._config
        if config.beams is not None and config.beams > 1:
            yield from self._searched(opened, prompts, readings, config.beams)
        else:
            drawn = [uniforms(requests[row.request].seed, row.sample, config.max_new_tokens) for row in chunk]
            yield from self._drawn(opened, prompts, readings, Draw(None) if config.beams else self._draw(drawn))

    def _draw(self, numbers: Sequence[torch.Tensor]) -> Draw:
        return Draw(torch.stack(list(numbers)), self._config.temperature, self._config.top_p)

    def _drawn(
        self, opened: Opened, prompts: Sequence[list[int]], readings: Readings | None, draw: Draw
    ) -> Iterator[Answer]:
        """One answer a prompt."""
        inputs = self._begin(opened, prompts, readings)
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
            values = logprobs[place][:length]
            logprob = finite(self._config, math.fsum(values))
            yield Answer(place, None if length is None else sequence[:length], logprob, values)

    def _searched(
        self, opened: Opened, prompts: Sequence[list[int]], readings: Readings | None, beams: int
    ) -> Iterator[Answer]:
        """As :meth:`_drawn`, of the best sequences that beam search found, several a prompt."""
        # Without a length penalty and with no processor a sequence's score is the sum of its log-probabilities.
        # Transformers gives it only together with the scores of every step, (rows, vocabulary) floats each.
        inputs = self._begin(opened, prompts, readings, beams)
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
            if finite(self._config, score) > _NO_BEAM:
                length = answer_length(opened.tokenizer, sequence, opened.ends, self._template.stop)
                yield Answer(place // beams, None if length is None else sequence[:length], score)

    def _begin(
        self, opened: Opened, prompts: Sequence[list[int]], readings: Readings | None, beams: int = 1
    ) -> dict[str, Any]:
        return begin_rows(opened.model, prompts, readings, opened.pad, beams, first=opened.first)

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


def finite(config: GeneratorConfig, logprob: float) -> float:
    """The log-probability.

    Raises:
        InputError: it is no finite number.
    """
    if math.isfinite(logprob):
        return logprob
    raise InputError(
        f"{config.option('model')} {config.model}: a log-probability is {logprob}; half precision may "
        f"overflow: try {config.option('dtype')} float32"
    )


def _answer_begins(inputs: dict[str, Any]) -> int:
    # The decoder of an encoder-decoder begins with a token of its own.
    return int(inputs["input_ids"].shape[1]) if "input_ids" in inputs else 1
