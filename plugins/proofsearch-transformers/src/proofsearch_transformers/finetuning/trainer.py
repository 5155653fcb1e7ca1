"""The trainer ``lm``: from pairs of a state and a tactic to a causal language model, in the order in which it happens.

The loop is that of transformers, so that ``accelerate launch`` spreads it over devices. Every process builds the pairs
for itself; the first of them alone writes and reports.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import (
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from proofsearch.errors import InputError
from proofsearch.interruption import Interruption
from proofsearch.models.prompts import PromptTemplate
from proofsearch.protocols import Builder, TrainingRequest, ignore_report
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.searches import LearnableSearches
from proofsearch.trainers.stepping import report_stop, threads
from proofsearch_transformers.finetuning.beforehand import look_at
from proofsearch_transformers.finetuning.config import LmTrainerConfig
from proofsearch_transformers.finetuning.examples import Collate, Examples, Templates, answer_counts, answer_metrics
from proofsearch_transformers.finetuning.folder import (
    TRAINING,
    begin,
    check_same,
    last_checkpoint,
    publish,
    relocate,
    storing,
)
from proofsearch_transformers.finetuning.loop import PairTrainer, quiet, reading
from proofsearch_transformers.finetuning.model import (
    base_model,
    base_tokenizer,
    new_model,
    without_adapters,
)
from proofsearch_transformers.finetuning.pairs import (
    Answers,
    Pair,
    Pairs,
    collect,
    library_pairs,
    trajectory_pairs,
)
from proofsearch_transformers.finetuning.tokenizer import train_tokenizer
from proofsearch_transformers.finetuning.watch import Watch
from proofsearch_transformers.inference.files import SCRIPT_TEMPLATE, TEMPLATE
from proofsearch_transformers.inference.positions import usable_length


class LmTrainer:
    """Trains a causal language model to answer a state with a tactic; implements ``Trainer``.

    Args:
        config: the options.
        builder: gives the environment, whose library is learnt from.
    """

    def __init__(self, config: LmTrainerConfig, builder: Builder) -> None:
        self._config = config
        self._builder = builder

    def train(self, request: TrainingRequest) -> Path:
        """Trains, or goes on training, and writes the model's folder.

        Raises:
            InputError: nothing to learn from, a model that can't be loaded, a training that can't be resumed, or a loss
                that is no number any more.
            UsageError: options that don't fit, or a folder that is taken.
            StorageError: something can't be written; what was saved before is whole.
            KeyboardInterrupt: on Ctrl-C, once everything is saved.
        """
        config, out = self._config, request.out.absolute()
        given = look_at(config, self._builder, request)
        templates, arguments, settings, before = given.templates, given.arguments, given.settings, given.before
        leads = arguments.process_index == 0
        progress = Progress(request.report if leads else ignore_report)
        with storing(out), threads(torch, config.threads), quiet():
            if request.resume and settings.finished(out, kind="generator", name="transformers") is not None:
                progress.say(f"{out}: the training is done; nothing to resume")
                return request.out
            pairs = self._pairs(request)
            origin = {
                "config": dict(settings.config),
                "seed": request.seed,
                "pairs": pairs.fingerprint(),
                "template": "+".join(template.fingerprint() for template in self._used(templates).values()),
            }
            if before is not None:
                check_same(out, settings, before, origin)
            resumed = last_checkpoint(out) if before is not None else None
            with arguments.main_process_first(local=False):
                # The first makes and keeps the tokenizer, the others read it.
                if leads:
                    begin(out, origin)
                    if resumed is not None:
                        relocate(resumed)
                tokenizer = self._tokenizer(out, pairs, templates, make=leads and resumed is None)
            interruption = Interruption()
            watch = Watch(progress, interruption, patience=config.patience, max_minutes=config.max_minutes)
            trainer = self._trainer(arguments, tokenizer, templates, pairs, request.seed, watch, progress)
            if resumed is not None:
                progress.say(f"resumed after step {resumed.name.rpartition('-')[2]}")
            with interruption, reading(resumed):
                trainer.train(resume_from_checkpoint=None if resumed is None else str(resumed))
            report_stop(progress, watch.stopped, trainer.state.global_step)
            self._finish(trainer, out, self._used(templates), origin, watch.stopped)
            proposals = "" if config.answers == "steps" else f" --proposals {config.answers}"
            progress.say(
                f"search with it: proofsearch search --generator transformers --transformers-model {out}{proposals}"
            )
        return request.out

    def check(self, request: TrainingRequest) -> None:
        """Refuses options that can't be trained with; see :class:`proofsearch.protocols.ChecksOptions`."""
        look_at(self._config, self._builder, request)

    # -------------------------------------------------------------------------------------------------- before it

    def _used(self, templates: Templates) -> dict[str, PromptTemplate]:
        """The templates of what is learnt to be answered, by the files that they are kept in."""
        used = {TEMPLATE: templates.step, SCRIPT_TEMPLATE: templates.script}
        unused = {"steps": SCRIPT_TEMPLATE, "scripts": TEMPLATE}.get(self._config.answers)
        return {name: template for name, template in used.items() if name != unused}

    def _answers(self) -> Answers:
        kind = self._config.answers
        environment = self._builder.environment() if kind != "steps" else None
        # Each tactic but the last has a line's end behind it, so a longer script has too many tokens at any rate.
        longest = self._config.max_tokens // 2
        return Answers(kind != "scripts", kind != "steps", longest, environment)

    def _pairs(self, request: TrainingRequest) -> Pairs:
        kind, sources, answers = self._config.pairs, list[Iterator[Pair]](), self._answers()
        searches = LearnableSearches(request.trajectories)
        if kind != "library":
            sources.append(trajectory_pairs(searches, answers))
        if kind != "trajectories":
            self._builder.status("replaying the library's proofs")
            sources.append(library_pairs(self._builder.environment(), answers))
        recorded = searches.splits if kind != "library" else {}
        share = self._config.validation_share
        return collect(itertools.chain.from_iterable(sources), share=share, seed=request.seed, recorded=recorded)

    def _tokenizer(self, out: Path, pairs: Pairs, templates: Templates, *, make: bool) -> PreTrainedTokenizerBase:
        if self._config.base is not None:
            return base_tokenizer(self._config)
        folder = out / TRAINING / "tokenizer"
        if make:
            self._builder.status("learning a vocabulary of tokens")
            texts = (
                text
                for pair in pairs.train
                for text in (templates.of(pair).render(pair.state, pair.theorem).text, pair.tactic)
            )
            train_tokenizer(texts, self._config.vocabulary).save_pretrained(str(folder))
        # The one that is kept, also by who has made it: what is trained is what will be read.
        tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(str(folder))
        return tokenizer

    def _trainer(
        self,
        arguments: TrainingArguments,
        tokenizer: PreTrainedTokenizerBase,
        templates: Templates,
        pairs: Pairs,
        seed: int,
        watch: Watch,
        progress: Progress,
    ) -> Trainer:
        config = self._config
        set_seed(arguments.seed)
        model = new_model(config, tokenizer) if config.base is None else base_model(config)
        most = int(min(config.max_tokens, usable_length(model, tokenizer)))
        self._builder.status("cutting states and tactics into tokens")
        train = Examples(pairs.train, tokenizer, templates, most)
        measured = pairs.validation
        if len(measured) > config.validation_pairs:
            measured = random.Random(seed).sample(measured, config.validation_pairs)
        validation = Examples(measured, tokenizer, templates, most)
        progress.say(*_about_the_data(pairs, train, validation, most, most < config.max_tokens))
        if not len(train):
            names = " or ".join(repr(one.name) for one in self._used(templates).values())
            raise InputError(
                f"none of the {len(pairs.train)} pairs can be learnt from: {train.too_long} have more than {most} "
                f"tokens{_WHOSE[most < config.max_tokens]}, and of {train.unspeakable} the template "
                f"{names} would cut the tactic off; raise --lm-max-tokens where the model has room, or choose another "
                f"template"
            )
        if not len(validation):
            arguments.eval_strategy, arguments.load_best_model_at_end = "no", False
        if config.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[no-untyped-call]
        trainer = PairTrainer(
            model=model,
            args=arguments,
            data_collator=Collate(int(tokenizer.pad_token_id or 0)),
            train_dataset=train,
            eval_dataset=validation if len(validation) else None,
            processing_class=tokenizer,
            compute_metrics=answer_metrics,
            preprocess_logits_for_metrics=answer_counts,
            callbacks=[watch],
        )
        trainer.prompt_weight = config.prompt_weight
        trainer.remove_callback(PrinterCallback)
        progress.say(f"a model of {model.num_parameters():,} parameters, on {arguments.device}")
        return trainer

    # --------------------------------------------------------------------------------------------------- after it

    def _finish(
        self,
        trainer: Trainer,
        out: Path,
        templates: Mapping[str, PromptTemplate],
        origin: Mapping[str, Any],
        stopped: str,
    ) -> None:
        """Saves the best model; every process takes part, since a model may be spread over them."""
        self._builder.status("saving the best model")
        saved, state = out / TRAINING / "saved", trainer.state
        leads = trainer.args.process_index == 0
        if leads:
            shutil.rmtree(saved, ignore_errors=True)
        if self._config.lora_rank is None:
            trainer.save_model(str(saved))
        elif leads:
            merged = without_adapters(trainer.accelerator.unwrap_model(trainer.model))
            merged.save_pretrained(str(saved))
        if leads:
            tokenizer = trainer.processing_class
            assert isinstance(tokenizer, PreTrainedTokenizerBase)
            tokenizer.save_pretrained(str(saved))
            best = state.best_global_step if trainer.args.load_best_model_at_end else None
            step = best or state.global_step
            measured = next((entry for entry in state.log_history if _measures(entry, step)), {})
            metrics = {
                "validation_loss": measured.get("eval_token_loss"),
                "validation_token_accuracy": measured.get("eval_token_accuracy"),
                "validation_exact": measured.get("eval_exact"),
                "pairs": _size(trainer.train_dataset),
                "validation_pairs": _size(trainer.eval_dataset),
                "parameters": _parameters(trainer),
                "best_step": step,
                "step": state.global_step,
                "stopped": stopped,
            }
            publish(
                out,
                saved,
                templates,
                state.log_history,
                config={
                    "training": origin["config"],
                    "seed": origin["seed"],
                    "template": " + ".join(one.name for one in templates.values()),
                },
                fingerprints={"pairs": str(origin["pairs"]), "template": str(origin["template"])},
                metrics=metrics,
            )
        trainer.accelerator.wait_for_everyone()


_WHOSE = {False: "", True: ", for which the model has no room"}


def _about_the_data(pairs: Pairs, train: Examples, validation: Examples, most: int, no_room: bool) -> Iterator[str]:
    yield f"{len(train)} pairs to learn from and {len(validation)} to validate on"
    if pairs.left_out:
        yield f"{pairs.left_out} theorems of the split test are left out"
    for examples, what in ((train, "training"), (validation, "validation")):
        if examples.too_long:
            yield f"{examples.too_long} {what} pairs of more than {most} tokens are left out{_WHOSE[no_room]}"
        if examples.unspeakable:
            yield f"{examples.unspeakable} {what} pairs are left out: the template would cut their tactics off"
    if not len(validation):
        yield "no theorem is left to validate on: the last model is kept, not the best"


def _measures(entry: Mapping[str, Any], step: int) -> bool:
    return entry.get("step") == step and "eval_token_loss" in entry


def _size(examples: object) -> int:
    return len(examples) if isinstance(examples, Examples) else 0


def _parameters(trainer: Trainer) -> int:
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    return int(model.num_parameters())
