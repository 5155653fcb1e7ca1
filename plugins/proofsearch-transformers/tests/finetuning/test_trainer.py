"""Small trainings from end to end: what is learnt, kept, gone on with, and refused."""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from proofsearch_transformers.finetuning.config import LmTrainerConfig
from proofsearch_transformers.finetuning.examples import Collate, answer_counts, encode_pair
from proofsearch_transformers.finetuning.loop import arguments_for
from proofsearch_transformers.finetuning.pairs import Pair
from proofsearch_transformers.finetuning.trainer import LmTrainer
from proofsearch_transformers.finetuning.watch import Watch
from proofsearch_transformers.inference.config import EncoderConfig, GeneratorConfig
from proofsearch_transformers.inference.files import find_files
from proofsearch_transformers.inference.generator import TransformersGenerator
from pydantic import ValidationError
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerControl, TrainerState, TrainingArguments

from proofsearch.checkpoint import read_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch.interruption import Interruption
from proofsearch.models.prompts import load_template
from proofsearch.protocols import (
    Builder,
    ChecksOptions,
    GenerationRequest,
    OnReport,
    TrainingReport,
    TrainingRequest,
    ignore_report,
)
from proofsearch.trainers.progress import Progress
from proofsearch.trainers.stepping import PATIENCE, TIME
from proofsearch.types import Demonstration, Goal, State, Theorem

TACTICS = ("a1i", "syl", "id", "mp2b")
TINY: Mapping[str, Any] = {
    "vocabulary": 300,
    "layers": 1,
    "width": 32,
    "heads": 2,
    "batch": 4,
    "steps": 16,
    "validate_every": 8,
    "learning_rate": 1e-2,
    "device": "cpu",
    "threads": 1,
}


class Library:
    """Sixteen theorems to learn from, four to validate on, four of the test; a state says what it calls for."""

    def theorems(self) -> Sequence[Theorem]:
        splits = ["train"] * 16 + ["validation"] * 4 + ["test"] * 4
        return [Theorem(f"{split}-{number}", f"show {number}", split=split) for number, split in enumerate(splits)]

    def demonstrations(self, theorems: Sequence[Theorem]) -> Iterator[Demonstration]:
        for theorem in theorems:
            number = int(theorem.statement.split()[1])
            text = f"|- ( {'ph -> ' * (number % 3)}x{number} ) by {TACTICS[number % 4]}"
            yield Demonstration(theorem, State(text, (Goal(text),)), TACTICS[number % 4], 1)


class Parts:
    """A builder that knows the environment alone."""

    def environment(self) -> Library:
        return Library()

    def status(self, message: str, done: int | None = None, total: int | None = None) -> None:
        pass


def train(out: Path, *, resume: bool = False, seed: int = 0, report: OnReport = ignore_report, **options: Any) -> Path:
    trainer = LmTrainer(LmTrainerConfig(**{**TINY, **options}), cast(Builder, Parts()))
    out.mkdir(parents=True, exist_ok=True)
    return trainer.train(TrainingRequest([], out, seed, resume, report))


def weights(out: Path) -> bytes:
    return (out / "model.safetensors").read_bytes()


def at(step: int, act: Callable[[], object]) -> OnReport:
    """Acts once when a step is reported; for that every step must be: see the fixture ``talkative``."""
    acted = False

    def report(report: TrainingReport) -> None:
        nonlocal acted
        if report.step == step and not acted:
            acted = True
            act()

    return report


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch.trainers.progress.INTERVAL", 0.0)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of 200 steps, which learns its sixteen pairs by heart."""
    return train(tmp_path_factory.mktemp("learnt") / "lm", steps=200, validate_every=100, batch=8)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of 16 steps that nobody interrupts; its dropout makes it depend on random numbers all the way."""
    return train(tmp_path_factory.mktemp("whole") / "lm", dropout=0.2)


# ---------------------------------------------------------------------------------------------------- what is learnt


def test_what_was_learnt_by_heart_comes_back_by_greedy_decoding(learnt: Path) -> None:
    """The folder is a plain one of transformers; its template puts the states as the training did."""
    tokenizer, model = AutoTokenizer.from_pretrained(learnt), AutoModelForCausalLM.from_pretrained(learnt)
    template = load_template(str(learnt / "template.toml"))
    library = Library()
    steps = list(library.demonstrations([theorem for theorem in library.theorems() if theorem.split == "train"]))
    prompts = tokenizer([template.render(step.state).text for step in steps], padding=True, return_tensors="pt")
    written = model.generate(**prompts, do_sample=False, max_new_tokens=8)[:, prompts["input_ids"].shape[1] :]
    answers = [template.answer(tokenizer.decode(row, skip_special_tokens=True)) for row in written]
    assert answers == [step.tactic for step in steps]


def test_a_search_with_it_is_offered_what_was_learnt_first(learnt: Path, tmp_path: Path) -> None:
    """By the generator, with no option but the folder: it finds the template beside the model."""
    config = GeneratorConfig(model=str(learnt), device="cpu", samples=8)
    generator = TransformersGenerator(config, find_files(config), tmp_path)
    library = Library()
    steps = list(library.demonstrations([theorem for theorem in library.theorems() if theorem.split == "train"]))
    requests = [GenerationRequest(step.theorem, step.state, seed=number) for number, step in enumerate(steps)]
    offered = generator.generate(requests, 4)
    generator.close()
    assert [candidates[0].tactic for candidates in offered] == [step.tactic for step in steps]
    assert all(candidates[0].logprob > math.log(0.5) for candidates in offered)


def test_the_tactic_that_was_seen_is_far_more_probable_than_any_other(learnt: Path) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(learnt), AutoModelForCausalLM.from_pretrained(learnt)
    template = load_template(str(learnt / "template.toml"))
    library = Library()
    for step in library.demonstrations([theorem for theorem in library.theorems() if theorem.split == "train"]):
        pairs = [Pair(step.theorem, step.state, tactic) for tactic in TACTICS]
        batch = Collate(0)([encode_pair(pair, tokenizer, template) for pair in pairs])
        with torch.no_grad():
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        logprobs = dict(zip(TACTICS, (-answer_counts(logits, batch["labels"])[:, 0]).tolist(), strict=True))
        right = logprobs.pop(step.tactic)
        assert right > math.log(0.5)
        assert max(logprobs.values()) < right - 1


def test_the_loss_falls_and_the_figures_are_those_of_the_model_that_was_kept(learnt: Path) -> None:
    history = json.loads((learnt / "training.json").read_text())
    losses = [entry["loss"] for entry in history if "loss" in entry]
    assert losses[-1] < 0.1 * losses[0]
    metrics = read_manifest(learnt, kind="generator", name="transformers").metrics
    measured = {entry["step"]: entry["eval_token_loss"] for entry in history if "eval_token_loss" in entry}
    assert metrics["best_step"] == min(measured, key=lambda step: measured[step])
    assert metrics["validation_loss"] == min(measured.values())
    assert (metrics["pairs"], metrics["validation_pairs"], metrics["step"]) == (16, 4, 200)


@pytest.mark.parametrize(("kind", "learnt_from"), [("library", 16), ("trajectories", 1), ("both", 17)])
def test_it_learns_from_the_sources_that_were_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, learnt_from: int
) -> None:
    found = [
        Pair(Theorem(split, "show", split=split), State("|- found", ()), "id") for split in ("train", "validation")
    ]
    monkeypatch.setattr(
        "proofsearch_transformers.finetuning.trainer.trajectory_pairs", lambda paths, answers: iter(found)
    )
    out = train(tmp_path / "lm", steps=1, pairs=kind)
    assert read_manifest(out).metrics["pairs"] == learnt_from
    assert LmTrainerConfig(pairs=cast(Any, kind)).needs_trajectories is (kind != "library")


@pytest.mark.parametrize("accumulation", [1, 2])
def test_prompts_are_learnt_where_they_have_a_weight_and_only_there(tmp_path: Path, accumulation: int) -> None:
    """The first step's loss is about the logarithm of the vocabulary on answers and on prompts; their sum tells."""
    sums = {}
    for weight in (0.0, 1.0):
        out = train(
            tmp_path / str(weight), steps=10, prompt_loss=weight, accumulation=accumulation, batch=4, learning_rate=1e-9
        )
        sums[weight] = next(e["loss"] for e in json.loads((out / "training.json").read_text()) if "loss" in e)
    assert sums[0.0] == pytest.approx(math.log(300), rel=0.05)
    assert sums[1.0] == pytest.approx(2 * math.log(300), rel=0.05)


def test_the_best_model_is_kept_and_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter((0.5, 0.25, 0.75))
    monkeypatch.setattr(
        "proofsearch_transformers.finetuning.trainer.answer_metrics", lambda prediction: {"token_loss": next(values)}
    )
    out = train(tmp_path / "lm", steps=24)
    assert read_manifest(out).metrics["best_step"] == 16
    assert weights(out) == (out / "training" / "checkpoint-16" / "model.safetensors").read_bytes()
    assert weights(out) != (out / "training" / "checkpoint-24" / "model.safetensors").read_bytes()


def test_nothing_in_the_folder_beside_the_trainings_own_could_run_code(learnt: Path) -> None:
    names = {path.name for path in learnt.iterdir()}
    assert {"model.safetensors", "tokenizer.json", "config.json", "template.toml", "manifest.json"} <= names
    assert not {name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl", ".py"))}


def test_without_a_theorem_to_validate_on_the_last_model_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [theorem for theorem in Library().theorems() if theorem.split == "train"][:1]
    monkeypatch.setattr(Library, "theorems", lambda self: alone)
    said: list[str] = []
    out = train(tmp_path / "lm", steps=3, report=lambda report: said.extend(report.messages))
    assert read_manifest(out).metrics["validation_loss"] is None
    assert "no theorem is left to validate on: the last model is kept, not the best" in said
    assert weights(out) == (out / "training" / "checkpoint-3" / "model.safetensors").read_bytes()


def test_a_model_that_is_there_is_gone_on_with(learnt: Path, tmp_path: Path) -> None:
    out = train(tmp_path / "tuned", base=str(learnt), learning_rate=1e-4, steps=2)
    first = next(entry for entry in json.loads((out / "training.json").read_text()) if "eval_token_loss" in entry)
    assert first["eval_token_loss"] < 1.1 * read_manifest(learnt).metrics["validation_loss"]
    assert (out / "tokenizer.json").read_bytes() == (learnt / "tokenizer.json").read_bytes()


@pytest.mark.filterwarnings("ignore:.*is deprecated:FutureWarning")  # peft's use of transformers
def test_adapters_are_merged_into_a_plain_model(learnt: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    out = train(tmp_path / "adapted", base=str(learnt), lora_rank=2, steps=4, learning_rate=1e-2)
    model = AutoModelForCausalLM.from_pretrained(out)
    before = AutoModelForCausalLM.from_pretrained(learnt)
    assert {name for name, _ in model.named_parameters()} == {name for name, _ in before.named_parameters()}
    changed = {
        name
        for (name, new), (_, old) in zip(model.named_parameters(), before.named_parameters(), strict=True)
        if not torch.equal(new, old)
    }
    assert changed and all(name.endswith("proj.weight") for name in changed)


# ---------------------------------------------------------------------------------------------- stopped and resumed


@pytest.mark.parametrize("step", [5, 8])
def test_a_training_that_was_interrupted_and_resumed_has_the_weights_of_one_that_was_not(
    whole: Path, tmp_path: Path, step: int
) -> None:
    """In the middle of an epoch and at its end, which transformers goes on from in different ways."""
    out = tmp_path / "lm"
    with pytest.raises(KeyboardInterrupt):
        train(out, dropout=0.2, report=at(step, interrupt))
    assert (out / "training" / f"checkpoint-{step}").is_dir()
    assert not (out / "manifest.json").exists()
    said: list[str] = []
    train(out, dropout=0.2, resume=True, report=lambda report: said.extend(report.messages))
    assert f"resumed after step {step}" in said
    assert weights(out) == weights(whole)
    same = ("best_step", "step", "validation_loss", "stopped")
    assert [read_manifest(out).metrics[name] for name in same] == [read_manifest(whole).metrics[name] for name in same]


def test_ctrl_c_is_heard_after_the_step_and_everything_is_saved(tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "lm", report=at(3, lambda: os.kill(os.getpid(), signal.SIGINT)))
    assert signal.getsignal(signal.SIGINT) is handler
    saved = tmp_path / "lm" / "training" / "checkpoint-3"
    assert {"model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth"} <= {p.name for p in saved.iterdir()}


def test_a_training_that_is_done_is_not_done_again(whole: Path) -> None:
    before = (whole / "manifest.json").stat().st_mtime_ns
    said: list[str] = []
    train(whole, dropout=0.2, resume=True, threads=2, report=lambda report: said.extend(report.messages))
    assert said == [f"{whole}: the training is done; nothing to resume"]
    assert (whole / "manifest.json").stat().st_mtime_ns == before


def test_a_training_that_is_done_with_another_seed_is_not_taken_for_this_one(whole: Path) -> None:
    with pytest.raises(UsageError, match=r"--seed: .*was trained with 0, found 1"):
        train(whole, dropout=0.2, resume=True, seed=1)


def test_a_longer_training_is_a_warm_restart_and_has_to_be_called_so(tmp_path: Path) -> None:
    """The learning rate has fallen to 0 and would rise again, unasked."""
    out = train(tmp_path / "lm", steps=8, validate_every=4)
    with pytest.raises(UsageError, match=r"--lm-steps: .*begun with 8.*rise again: say so with --lm-warm-restart"):
        train(out, steps=12, validate_every=4, resume=True)
    with pytest.raises(UsageError, match=r"--lm-steps: .*begun with 8.*with None it would"):
        train(out, steps=None, validate_every=4, resume=True)
    assert read_manifest(out).metrics["step"] == 8
    train(out, steps=12, validate_every=4, resume=True, warm_restart=True)
    assert read_manifest(out).metrics["step"] == 12


def test_a_checkpoint_that_was_cut_short_is_passed_over(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "lm"
    with pytest.raises(KeyboardInterrupt):
        train(out, dropout=0.2, report=at(10, interrupt))
    (out / "training" / "checkpoint-10" / "trainer_state.json").write_text('{"epoch": 1.')
    train(out, dropout=0.2, resume=True)
    assert weights(out) == weights(whole)


def test_a_training_that_was_moved_and_killed_before_its_end_publishes_the_best_model_not_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """transformers notes where the best checkpoint was, and goes on without it where it is there no more."""
    values = iter((0.5, 0.75))
    monkeypatch.setattr(
        "proofsearch_transformers.finetuning.trainer.answer_metrics", lambda prediction: {"token_loss": next(values)}
    )
    monkeypatch.setattr("proofsearch_transformers.finetuning.trainer.publish", lambda *args, **fields: interrupt())
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "here")
    assert not (tmp_path / "here" / "manifest.json").exists()
    monkeypatch.undo()
    out = (tmp_path / "here").rename(tmp_path / "there")
    train(out, resume=True)
    assert read_manifest(out).metrics["best_step"] == 8
    assert weights(out) == (out / "training" / "checkpoint-8" / "model.safetensors").read_bytes()


def test_a_template_that_changed_under_its_name_is_not_gone_on_with(tmp_path: Path) -> None:
    template = tmp_path / "mine.toml"
    template.write_text('text = "{state} => "')
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "lm", template=str(template), report=at(2, interrupt))
    template.write_text('text = "{state} -> "')
    with pytest.raises(InputError, match=r"mine\.toml' has changed"):
        train(tmp_path / "lm", template=str(template), resume=True)


class Trap:
    """What a pickle can do that is read carelessly."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("name", ["optimizer.pt", "rng_state.pth"])
def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(tmp_path: Path, name: str) -> None:
    out, sprung = tmp_path / "lm", tmp_path / "sprung"
    with pytest.raises(KeyboardInterrupt):
        train(out, report=at(2, interrupt))
    torch.save(Trap(sprung), out / "training" / "checkpoint-2" / name)
    with pytest.raises(InputError, match="checkpoint-2: damaged, or not what a training saved"):
        train(out, resume=True)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))  # it would have sprung
    assert sprung.exists()


def test_other_options_seeds_and_pairs_are_not_gone_on_with(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"--lm-width: .* was trained with 32, found 64"):
        train(whole, dropout=0.2, resume=True, width=64)
    (whole / "manifest.json").rename(whole / "kept.json")
    try:
        with pytest.raises(UsageError, match=r"--seed: .* was trained with 0, found 1"):
            train(whole, dropout=0.2, resume=True, seed=1)
        monkeypatch.setattr(Library, "theorems", lambda self: [Theorem(f"t{i}", f"show {i}") for i in range(9)])
        with pytest.raises(InputError, match="other data"):
            train(whole, dropout=0.2, resume=True)
    finally:
        (whole / "kept.json").rename(whole / "manifest.json")


# ----------------------------------------------------------------------------------------------------------- refused


def test_a_folder_that_holds_a_training_is_not_written_over(whole: Path) -> None:
    before = weights(whole)
    with pytest.raises(UsageError, match="holds a training already"):
        train(whole)
    assert weights(whole) == before


def test_recorded_searches_that_would_not_be_read_are_refused(tmp_path: Path) -> None:
    trainer = LmTrainer(LmTrainerConfig(**TINY), cast(Builder, Parts()))
    with pytest.raises(UsageError, match="--lm-pairs trajectories or both"):
        trainer.train(TrainingRequest([tmp_path / "run"], tmp_path / "lm"))


@pytest.mark.parametrize("kind", ["gpt2", "roberta"])
def test_a_base_with_fewer_positions_than_the_pairs_have_tokens(make_model: Any, tmp_path: Path, kind: str) -> None:
    """Would catch an index out of range in the midst of a training; the tiny tokenizer has a token a character."""
    base = make_model(kind, **{"n_positions" if kind == "gpt2" else "max_position_embeddings": 46})
    said: list[str] = []
    options = {"base": str(base), "steps": 2, "validate_every": 2}
    train(tmp_path / "lm", report=lambda report: said.extend(report.messages), **options)
    room = 46 if kind == "gpt2" else 45
    left_out = f"training pairs of more than {room} tokens are left out, for which the model has no room"
    assert any(one.endswith(left_out) for one in said), said
    with pytest.raises(InputError, match=r"have more than 30 tokens, for which the model has no room"):
        train(tmp_path / "none", **options | {"base": str(make_model("gpt2", n_positions=30))})


@pytest.mark.parametrize("what", ["missing", "pickled", "renamed"])
def test_a_base_that_is_no_safe_model_is_refused(learnt: Path, tmp_path: Path, what: str) -> None:
    base = tmp_path / "base"
    if what != "missing":
        base.mkdir()
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            (base / name).write_bytes((learnt / name).read_bytes())
        torch.save({}, base / "pytorch_model.bin")
    if what == "renamed":  # transformers would take it for weights, whatever it was told of safetensors
        settings = json.loads((base / "config.json").read_text()) | {"transformers_weights": "pytorch_model.bin"}
        (base / "config.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match=f"--lm-base {base}: can't be loaded"):
        train(tmp_path / "lm", base=str(base))


def test_what_is_wrong_by_itself_is_refused_without_data(learnt: Path, tmp_path: Path) -> None:
    """Catches what was told only after searches had been recorded to learn from."""

    def check(out: Path = tmp_path / "out", *paths: Path, resume: bool = False, **options: Any) -> None:
        trainer = LmTrainer(LmTrainerConfig(**{**TINY, **options}), cast(Builder, Parts()))
        assert isinstance(trainer, ChecksOptions)
        trainer.check(TrainingRequest(paths, out, 0, resume))

    check(pairs="both", base=str(learnt))
    check(learnt, resume=True, steps=200, validate_every=100, batch=8)
    assert not (tmp_path / "out").exists()
    (tmp_path / "pickled").mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "pickled" / name).write_bytes((learnt / name).read_bytes())
    with pytest.raises(InputError, match=r"--lm-base .*holds no file \*.safetensors"):
        check(base=str(tmp_path / "pickled"))
    with pytest.raises(InputError, match=r"no\.toml: can't be read"):
        check(template="no.toml")
    with pytest.raises(UsageError, match="--trajectories: --lm-pairs library"):
        check(tmp_path / "out", tmp_path / "some.parquet")
    with pytest.raises(UsageError, match="holds a training already"):
        check(learnt)
    with pytest.raises(UsageError, match=r"--lm-batch: .* was trained with 8, found 4"):
        check(learnt, resume=True, steps=200, validate_every=100)


def test_adapters_without_peft_say_what_to_install_when_options_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not when a model of gigabytes is loaded and all pairs are made."""
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ValidationError, match=r"pip install 'proofsearch-transformers\[lora\]'"):
        LmTrainerConfig(base="some", lora_rank=2)
    with pytest.raises(ValidationError, match=r"pip install 'proofsearch-transformers\[lora\]'"):
        EncoderConfig(model="some", adapter=Path("adapter"))


def test_pairs_that_are_all_too_long_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="16 have more than 8 tokens"):
        train(tmp_path / "lm", max_tokens=8)


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"width": 30, "heads": 4}, "heads"), ({"lora_rank": 4}, "lora_rank"), ({"revision": "x"}, "revision")],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        LmTrainerConfig(**options)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_bf16_is_for_processors_as_well(device: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would catch that transformers refuses it where it finds no accelerator and isn't told to take the processor."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    arguments = arguments_for(LmTrainerConfig(precision="bf16", device=device), tmp_path, 0)
    assert arguments.bf16
    assert arguments.use_cpu


def test_a_precision_that_the_device_lacks_is_an_error_that_names_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr("transformers.training_args.is_torch_bf16_gpu_available", lambda: False)
    with pytest.raises(UsageError, match="--lm-precision bf16"):
        arguments_for(LmTrainerConfig(precision="bf16"), tmp_path, 0)


# ---------------------------------------------------------------------------------------------------- when it ends


def watched(tmp_path: Path, **options: Any) -> tuple[Watch, TrainingArguments, TrainerState, TrainerControl]:
    arguments = TrainingArguments(output_dir=str(tmp_path), eval_strategy="steps", use_cpu=True, report_to="none")
    watch = Watch(Progress(ignore_report), Interruption(), **options)
    return watch, arguments, TrainerState(max_steps=100), TrainerControl()


def test_the_time_is_up_after_the_step_in_which_it_runs_out(tmp_path: Path) -> None:
    now = [0.0]
    watch, arguments, state, control = watched(tmp_path, max_minutes=1.0, clock=lambda: now[0])
    watch.on_train_begin(arguments, state, control)
    for step, seconds, stop in ((1, 59.0, False), (2, 60.0, True)):
        state.global_step, now[0] = step, seconds
        watch.on_step_end(arguments, state, control)
        assert control.should_training_stop is control.should_save is control.should_evaluate is stop
    assert watch.stopped == TIME


def test_patience_counts_validations_since_the_best_also_after_a_resumption(tmp_path: Path) -> None:
    watch, arguments, state, control = watched(tmp_path, patience=2)
    stops = []
    for loss in (3.0, 2.0, 2.5, 1.5, 1.6, 1.7):
        state.log_history.append({"eval_token_loss": loss})
        watch, *_ = watched(tmp_path, patience=2)  # a process of its own each time
        watch.on_evaluate(arguments, state, control, metrics=state.log_history[-1])
        stops.append(control.should_training_stop)
    assert stops == [False] * 5 + [True]
    assert watch.stopped == PATIENCE


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_it(tmp_path: Path, loss: float) -> None:
    watch, arguments, state, control = watched(tmp_path)
    with pytest.raises(InputError, match="lower --lm-learning-rate"):
        watch.on_log(arguments, state, control, logs={"loss": loss})


def test_registering_imports_nothing_heavy() -> None:
    code = (
        "import sys, proofsearch_transformers.plugin as plugin\n"
        "plugin.register_trainers(lambda *args, **options: None)\n"
        "print(sorted({'torch', 'transformers', 'tokenizers', 'numpy', 'pyarrow'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
