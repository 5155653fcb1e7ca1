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
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedTokenizerBase, StoppingCriteriaList

from proofsearch.errors import InputError, UsageError
from proofsearch.prompts import PromptTemplate, load_template
from proofsearch.protocols import GenerationRequest
from proofsearch.types import Candidate
from proofsearch_transformers.batch import can_go_on, go_on, read_prompts
from proofsearch_transformers.config import GeneratorConfig
from proofsearch_transformers.files import TEMPLATE, ModelFiles
from proofsearch_transformers.loading import load_language_model, load_tokenizer
from proofsearch_transformers.prompting import PromptTokenizer, position_limit, to_stderr
from proofsearch_transformers.sampling import Draw, Ended, answer_length, uniforms, written

_NO_BEAM = -1e8
"""Beam search fills up with scores below this where it found fewer sequences than it has beams."""

_WORTH_LEAVING = 8
"""Batches with fewer rows are written to their end: to compute a few rows in vain costs less than to begin again."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A loaded model with what belongs to it."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    prompts: PromptTokenizer
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One answer to be written: of which request, and the how-manieth of it."""

    request: int
    sample: int


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
        self._written = self._endless = 0

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` candidates a request, best first, without duplicates or empty ones.

        Raises:
            InputError: the model can't be loaded, or its logits are not finite.
            UsageError: an option that doesn't fit the model.
        """
        found: list[dict[str, Candidate]] = [{} for _ in requests]
        if requests and n > 0:
            opened = self._open()
            prompts = opened.prompts([one.state for one in requests], [one.theorem for one in requests])
            ids = [prompt.ids for prompt in prompts]
            for row, candidate in self._answers(opened, requests, ids, n):
                if candidate.tactic not in found[row.request] or (
                    candidate.logprob > found[row.request][candidate.tactic].logprob
                ):
                    found[row.request][candidate.tactic] = candidate
        return [
            sorted(answers.values(), key=lambda candidate: (-candidate.logprob, candidate.tactic))[:n]
            for answers in found
        ]

    def close(self) -> None:
        """Frees the model. Idempotent."""
        if self._opened is not None:
            self._opened.prompts.close()
            if self._endless:
                to_stderr(
                    f"{self._endless} of {self._written} answers had not ended after {self._config.max_new_tokens} "
                    f"tokens ({self._config.option('max_new_tokens')}) and were dropped"
                )
        self._written = self._endless = 0
        self._opened = None

    def _answers(
        self, opened: Opened, requests: Sequence[GenerationRequest], ids: Sequence[list[int]], n: int
    ) -> Iterator[tuple[Row, Candidate]]:
        """Every answer that has an end and says something."""
        beams = self._config.beams
        together = self._config.batch if beams is None else max(1, self._config.batch // beams)
        samples = (self._config.samples or n) if beams is None else 1
        rows = [Row(request, sample) for request in range(len(requests)) for sample in range(samples)]
        rows.sort(key=lambda row: len(ids[row.request]))  # so that little is padded; stable
        for start in range(0, len(rows), together):
            chunk = rows[start : start + together]
            prompts = [ids[row.request] for row in chunk]
            if beams is not None and beams > 1:
                answers = self._searched(opened, prompts, beams)
            else:
                drawn = [uniforms(requests[row.request].seed, row.sample, self._config.max_new_tokens) for row in chunk]
                answers = self._drawn(opened, prompts, Draw(None) if beams else self._draw(drawn))
            for place, tokens, logprob in answers:
                self._written += 1
                tactic = self._template.answer(written(opened.tokenizer, tokens))
                if tactic:
                    yield chunk[place], Candidate(tactic, min(logprob, 0.0), len(tokens))

    def _draw(self, numbers: Sequence[torch.Tensor]) -> Draw:
        return Draw(torch.stack(list(numbers)), self._config.temperature, self._config.top_p)

    def _drawn(
        self, opened: Opened, prompts: Sequence[list[int]], draw: Draw
    ) -> Iterator[tuple[int, list[int], float]]:
        """Place, tokens and log-probability of each answer that ended."""
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
                inputs = go_on(output, inputs, writing)
                draw.keep(writing)
            places = [places[row] for row in writing]
        for place, sequence in enumerate(sequences):
            length = self._counted(lengths[place])
            logprob = self._finite(math.fsum(logprobs[place][:length]))
            if length is not None:
                yield place, sequence[:length], logprob

    def _searched(
        self, opened: Opened, prompts: Sequence[list[int]], beams: int
    ) -> Iterator[tuple[int, list[int], float]]:
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
                length = self._counted(answer_length(opened.tokenizer, sequence, opened.ends, self._template.stop))
                if length is not None:
                    yield place // beams, sequence[:length], score

    def _read(self, opened: Opened, prompts: Sequence[list[int]], beams: int = 1) -> dict[str, Any]:
        pad_id = opened.tokenizer.pad_token_id
        assert isinstance(pad_id, int)
        return read_prompts(opened.model, prompts, pad_id, beams)

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

    def _counted(self, length: int | None) -> int | None:
        if length is None:
            self._written += 1
            self._endless += 1
        return length

    def _open(self) -> Opened:
        if self._opened is not None:
            return self._opened
        config = self._config
        tokenizer = load_tokenizer(config, self._files)
        model: Any = load_language_model(config, self._files)
        ends = end_tokens(*(one.eos_token_id for one in (model.generation_config, model.config, tokenizer)))
        if not ends and not self._template.stop:
            raise UsageError(
                f"{config.option('model')} {config.model}: has no end of sequence, and the template "
                f"{self._template.name!r} no stop string, so no answer could end; use a template with one"
            )
        limit = config.max_prompt
        if not model.config.is_encoder_decoder:
            # Both share the positions that the model has.
            both = position_limit(config.max_prompt + config.max_new_tokens, model.config, tokenizer)
            limit = both - config.max_new_tokens
        if limit < 1:
            raise UsageError(
                f"{config.option('max_new_tokens')} {config.max_new_tokens}: leaves no place for a prompt in the "
                f"positions of {config.model}; allow fewer"
            )
        model.generation_config = plain_settings(model, tokenizer, ends)
        prompts = PromptTokenizer(
            tokenizer,
            self._template,
            limit,
            option=config.option("max_prompt"),
            ended=model.config.is_encoder_decoder,
        )
        self._opened = Opened(model, tokenizer, prompts, ends)
        return self._opened


def _answer_begins(inputs: dict[str, Any]) -> int:
    # The decoder of an encoder-decoder begins with a token of its own.
    return int(inputs["input_ids"].shape[1]) if "input_ids" in inputs else 1


def choose_template(config: GeneratorConfig, files: ModelFiles) -> PromptTemplate:
    """The template that is asked for, else that beside the model, else ``plain``.

    Raises:
        UsageError: there is none of that name.
        InputError: its file is no template.
    """
    if config.template is not None:
        return load_template(config.template)
    beside = files.folder / TEMPLATE
    return load_template(str(beside) if beside.exists() else "plain")


def end_tokens(*known: int | Sequence[int] | None) -> tuple[int, ...]:
    """Every id that one of these says ends a sequence, ascending."""
    ids = {one for some in known if some is not None for one in ([some] if isinstance(some, int) else some)}
    return tuple(sorted(ids))


def plain_settings(model: Any, tokenizer: PreTrainedTokenizerBase, ends: Sequence[int]) -> GenerationConfig:
    """Settings with the model's special tokens and nothing else.

    What a model brings along, such as a repetition penalty or a forced token, would change the logits that log-probs
    are made of.
    """
    settings: dict[str, Any] = {
        "eos_token_id": list(ends) or None,
        "pad_token_id": tokenizer.pad_token_id,
        "use_cache": True,  # some trainings leave it off in a model's configuration
    }
    if model.config.is_encoder_decoder:
        for name in ("bos_token_id", "decoder_start_token_id"):
            said = (getattr(one, name, None) for one in (model.generation_config, model.config))
            settings[name] = next((value for value in said if value is not None), None)
    return GenerationConfig(**settings)  # type: ignore[no-untyped-call]
