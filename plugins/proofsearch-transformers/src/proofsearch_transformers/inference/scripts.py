"""Whole proofs that a language model writes, beside the tactics that it writes one at a time."""

from __future__ import annotations

from collections.abc import Sequence

from proofsearch.models.scripts import SplitScript, best_scripts, read_script
from proofsearch.process import streams
from proofsearch.protocols import GenerationRequest, Script, Suggestions
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.files import ModelFiles
from proofsearch_transformers.inference.opened import Opened, choose_script_template, open_model
from proofsearch_transformers.inference.sampling import written
from proofsearch_transformers.inference.shared import use_model
from proofsearch_transformers.inference.tally import Answers, Tally
from proofsearch_transformers.inference.writing import Writer, Written


class ScriptWriter:
    """Has a model write whole proofs, with a template and a length of their own; all else is as the options say.

    Args:
        config: of the generator.
        files: of the model.
        split: cuts a whole proof into its tactics.

    Raises:
        UsageError: there is no such template.
    """

    def __init__(self, config: GeneratorConfig, files: ModelFiles, split: SplitScript) -> None:
        template = choose_script_template(config, files)
        self._config = own = config.model_copy(update={"max_new_tokens": config.script_tokens, "samples": None})
        self._template = template
        self._split = split
        self._writer = Writer(own, template)
        self._tally = Tally(own, streams.warning, "script", "script_tokens")
        use = use_model(own, files, template.text, writes=True, megabytes=own.kept_megabytes)
        self._opened: Opened = open_model(own, use, template, "script_tokens")

    def propose(self, requests: Sequence[GenerationRequest], n: int) -> list[Suggestions[Script]]:
        """At most ``n`` scripts a request, best first; equal ones are one, with the likeliest way to write it."""
        opened, found = self._opened, list[list[Script]]([] for _ in requests)
        prompts = opened.prompts([one.state for one in requests], [one.theorem for one in requests])
        became = [Answers(unfit=not prompt.ids) for prompt in prompts]
        for answer in self._writer.answers(opened, requests, [prompt.ids for prompt in prompts], n, became):
            script = self._script(answer)
            if script is None:
                became[answer.row.request].empty += 1
            else:
                found[answer.row.request].append(script)
        self._tally.add(became, [len(scripts) for scripts in found])
        return [
            Suggestions(best_scripts(scripts, n), tokens_in=len(prompt.ids), tokens_out=how.tokens)
            for scripts, prompt, how in zip(found, prompts, became, strict=True)
        ]

    def close(self) -> None:
        """Says what was left out."""
        self._opened.prompts.close()
        self._tally.close()

    def _script(self, answer: Written) -> Script | None:
        tokens, tokenizer = answer.tokens, self._opened.tokenizer
        # Beam search says the sum alone.
        logprobs = answer.logprobs or [answer.logprob / len(tokens)] * len(tokens)
        text = self._template.answer(written(tokenizer, tokens))
        return read_script(text, logprobs, lambda count: written(tokenizer, tokens[:count]), self._split)
