"""The generator: candidates' log-probabilities are the model's, and what a request gets is its own affair."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.files import find_files
from proofsearch_transformers.inference.generator import TransformersGenerator
from proofsearch_transformers.inference.writing import Answer
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from proofsearch.errors import InputError, UsageError
from proofsearch.protocols import GenerationRequest
from proofsearch.types import Candidate, State, Theorem

KINDS = ("llama", "gpt2", "roberta", "t5")
TEXTS = ("(a-b)", "c", "abcde" * 7, "|- (c)", "e" * 20, "[a]", "dd | ee", "cab" * 15, "(b)")
"""Enough of different lengths that prompts are read in several groups."""


def generator(folder: Path, **options: Any) -> TransformersGenerator:
    config = GeneratorConfig(**{"model": str(folder), "device": "cpu", "max_new_tokens": 24, **options})
    return TransformersGenerator(config, find_files(config), folder / "cache")


def requests(*texts: str) -> list[GenerationRequest]:
    return [GenerationRequest(Theorem("th", "st"), State(text, ()), None, 7 * len(text)) for text in texts]


def prompt(text: str) -> str:
    return f"[STATE]\n{text}\n[TACTIC]\n"


class Teacher:
    """Scores token sequences by one forward pass of transformers over prompt and answer, without batch or cache."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        kind = json.loads((folder / "config.json").read_bytes())["model_type"]
        self.seq2seq, self.first = kind == "t5", int(kind == "roberta")
        self.model = (AutoModelForSeq2SeqLM if self.seq2seq else AutoModelForCausalLM).from_pretrained(folder).eval()

    def logprob(self, text: str, answer: Sequence[int]) -> float:
        ids = self.tokenizer(prompt(text))["input_ids"]
        with torch.no_grad():
            if self.seq2seq:
                decoded = torch.tensor([[0, *answer]])
                logits = self.model(input_ids=torch.tensor([ids]), decoder_input_ids=decoded).logits[0, :-1]
            else:
                # A RoBERTa begins at 1 behind its padding, and would give a padding token that it wrote no position.
                places = torch.arange(len(ids) + len(answer)) + self.first
                logits = self.model(torch.tensor([[*ids, *answer]]), position_ids=places[None]).logits
                logits = logits[0, len(ids) - 1 : -1]
        return float(logits.log_softmax(dim=-1).gather(1, torch.tensor(answer)[:, None]).double().sum())


class Spied:
    """A generator, with the token sequences behind its candidates."""

    def __init__(self, made: TransformersGenerator, texts: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[tuple[str, list[int], float]] = []
        by_prompt = {}
        for name in ("_drawn", "_searched"):
            inner = getattr(made._writer, name)

            def spy(opened: Any, prompts: Any, readings: Any, last: Any, inner: Any = inner) -> Any:
                for text in texts:
                    ids = list(opened.tokenizer(prompt(text))["input_ids"])
                    if not opened.model.config.is_encoder_decoder and ids[-1] == 2:
                        del ids[-1]
                    by_prompt[tuple(ids)] = text
                for answer in inner(opened, prompts, readings, last):
                    if answer.tokens is not None:
                        self.rows.append((by_prompt[tuple(prompts[answer.place])], answer.tokens, answer.logprob))
                    yield answer

            monkeypatch.setattr(made._writer, name, spy)
        self.found = made.generate(requests(*texts), 100)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{"samples": 12}, {"samples": 12, "temperature": 0.7, "top_p": 0.8}, {"beams": 5}])
def test_log_probabilities_are_those_of_teacher_forcing(
    tiny: dict[str, Path], kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores after temperature and top-p, pads behind an early end, or a missing end would be off by far more."""
    spied = Spied(generator(tiny[kind], **options), TEXTS, monkeypatch)
    teacher = Teacher(tiny[kind])
    assert len(spied.rows) > 10
    lengths = {len(tokens) for _, tokens, _ in spied.rows}
    assert len(lengths) > 2, "no answer ended before another of its batch"
    for text, tokens, logprob in spied.rows:
        assert logprob == pytest.approx(teacher.logprob(text, tokens), abs=1e-4)
    _check_candidates(spied)


def _check_candidates(spied: Spied) -> None:
    """Each tactic once, with the likeliest of its token sequences and the length of that; best first; none empty."""
    for text, candidates in zip(TEXTS, spied.found, strict=True):
        assert [one.logprob for one in candidates] == sorted((one.logprob for one in candidates), reverse=True)
        assert len({one.tactic for one in candidates}) == len(candidates)
        mine = {(round(logprob, 9), len(tokens)) for said, tokens, logprob in spied.rows if said == text}
        for one in candidates:
            assert one.tactic == one.tactic.strip() != ""
            assert "\n" not in one.tactic
            assert (round(one.logprob, 9), one.num_tokens) in mine


def test_of_several_ways_to_write_a_tactic_the_likeliest_counts(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end of sequence and a stop string end the same tactic."""
    made = generator(tiny["llama"], samples=1)
    answers = [(0, [8, 2], -3.0), (0, [8, 22], -2.0), (0, [8, 8, 2], -1.0), (0, [22], -0.5), (0, [8, 22], -2.0)]
    monkeypatch.setattr(made._writer, "_drawn", lambda *_: (Answer(*answer) for answer in answers))
    one, two = ("e", "ee")
    assert made.generate(requests("a"), 9) == [[Candidate(two, -1.0, 3), Candidate(one, -2.0, 2)]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{"samples": 6}, {"samples": 6, "top_p": 0.9}, {"beams": 4}, {"beams": 1}])
def test_a_request_gets_what_it_gets_alone(tiny: dict[str, Path], kind: str, options: dict[str, Any]) -> None:
    """Whoever shares its batch, in whatever order, and however many are written at a time."""
    made = generator(tiny[kind], **options)
    asked = requests(*TEXTS)
    alone = [made.generate([one], 6)[0] for one in asked]
    assert sum(map(len, alone)) > 3 or options == {"beams": 1}
    together = made.generate(asked, 6)
    backwards = made.generate(asked[::-1], 6)[::-1]
    few = generator(tiny[kind], batch=5, **options).generate(asked, 6)
    for other in (together, backwards, few):
        assert [[(one.tactic, one.num_tokens) for one in some] for some in other] == [
            [(one.tactic, one.num_tokens) for one in some] for some in alone
        ]
        for some, mine in zip(other, alone, strict=True):
            assert [one.logprob for one in some] == pytest.approx([one.logprob for one in mine], abs=1e-4)


def test_another_seed_draws_otherwise_and_the_global_one_does_not_matter(tiny: dict[str, Path]) -> None:
    made = generator(tiny["llama"], samples=12)
    (asked,) = requests("(a-b)")
    torch.manual_seed(1)
    first = made.generate([asked], 12)
    torch.manual_seed(2)
    assert made.generate([asked], 12) == first
    other = GenerationRequest(asked.theorem, asked.state, None, asked.seed + 1)
    assert made.generate([other], 12) != first


def test_at_most_n_and_as_many_samples_as_n_by_default(tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    made = generator(tiny["llama"])
    assert [len(some) for some in made.generate(requests("a", "b"), 2)] <= [2, 2]
    many = generator(tiny["llama"], samples=40).generate(requests("a", "b"), 2)
    assert [len(some) for some in many] == [2, 2]
    wide = generator(tiny["llama"], samples=40).generate(requests("a", "b"), 40)
    assert [some[:2] for some in wide] == many
    assert made.generate([], 4) == []


def test_batch_bounds_what_is_written_at_a_time(tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for options, expected in (({"samples": 5, "batch": 8}, [8, 7]), ({"beams": 3, "batch": 8}, [6, 3])):
        made = generator(tiny["llama"], **options)
        made.generate(requests("a"), 1)
        assert made._opened is not None
        sizes: list[int] = []
        model, width = made._opened.model, options.get("beams", 1)
        inner = type(model).generate

        def spy(self: Any, width: int = width, sizes: list[int] = sizes, inner: Any = inner, **settings: Any) -> Any:
            if settings["max_new_tokens"] == 24:  # else it reads the prompts, or goes on with fewer rows
                sizes.append(len(settings["input_ids"]) * width)
            return inner(self, **settings)

        with monkeypatch.context() as patch:
            patch.setattr(type(model), "generate", spy)
            made.generate(requests("a", "b", "c"), 5)
        assert sizes == expected


def test_a_prompt_is_read_once_and_ended_answers_leave_the_batch(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a prompt is read for each of its answers, and all rows are computed until the longest answer ends."""
    made, asked = generator(tiny["llama"], samples=12), requests("(a-b)", "abcde" * 7, "|- (c)")
    made.generate(asked, 12)
    assert made._opened is not None
    computed: list[tuple[int, int]] = []
    inner = type(made._opened.model).forward

    def spy(self: Any, *args: Any, **settings: Any) -> Any:
        computed.append(tuple(settings["input_ids"].shape))
        return inner(self, *args, **settings)

    monkeypatch.setattr(type(made._opened.model), "forward", spy)
    found = made.generate(asked, 12)
    longest = len("[STATE]\n\n[TACTIC]\n") + 35
    assert computed[0] == (3, longest)
    rows = [rows for rows, _ in computed[1:]]
    assert {tokens for _, tokens in computed[1:]} == {1}
    assert rows == sorted(rows, reverse=True)
    assert rows[0] == 36
    assert rows[-1] <= 18
    # A model that keeps something else, such as a recurrent state, is read and written in one go, with the same result.
    monkeypatch.setattr("proofsearch_transformers.inference.reading.BY_ROW", ())
    computed.clear()
    whole = made.generate(asked, 12)
    assert computed[1] == (36, longest)
    assert {rows for rows, _ in computed[1:]} == {36}
    for some, others in zip(found, whole, strict=True):
        assert [(one.tactic, one.num_tokens) for one in some] == [(one.tactic, one.num_tokens) for one in others]
        assert [one.logprob for one in some] == pytest.approx([one.logprob for one in others], abs=1e-4)


def test_prompts_of_about_equal_length_are_read_together(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = generator(tiny["llama"], samples=2)
    asked = requests("a", "b" * 40, "cc", "dd" * 21, "(a)", "e" * 44, "[b]", "c" * 41)
    made.generate(asked[:1], 2)
    assert made._opened is not None
    read: list[tuple[int, int]] = []
    inner = type(made._opened.model).forward

    def spy(self: Any, *args: Any, **settings: Any) -> Any:
        read.append(tuple(settings["input_ids"].shape))
        return inner(self, *args, **settings)

    monkeypatch.setattr(type(made._opened.model), "forward", spy)
    made.generate(asked, 2)
    around = len("[STATE]\n\n[TACTIC]\n")
    assert read[:2] == [(4, around + 3), (4, around + 44)]


def test_temperature_and_top_p_act_on_what_is_drawn_alone(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = requests("(a-b)", "c")
    greedy = generator(tiny["llama"], beams=1, max_new_tokens=60).generate(asked, 30)
    for options in ({"temperature": 1e-4}, {"top_p": 1e-6}):
        drawn = generator(tiny["llama"], samples=30, max_new_tokens=60, **options).generate(asked, 30)
        assert [[one.tactic for one in some] for some in drawn] == [[one.tactic for one in some] for some in greedy]
    assert sum(map(len, greedy)) > 0
    spied = [
        Spied(generator(tiny["llama"], samples=60, temperature=temperature), ("(a-b)", "c"), monkeypatch)
        for temperature in (0.7, 1.5)
    ]
    cold, hot = ({(text, tuple(tokens)): logprob for text, tokens, logprob in one.rows} for one in spied)
    assert len(cold) < len(hot)
    shared = cold.keys() & hot.keys()
    assert len(shared) > 3
    assert all(cold[answer] == pytest.approx(hot[answer], abs=1e-4) for answer in shared)


def test_beam_search_finds_likelier_answers_than_drawing(tiny: dict[str, Path]) -> None:
    asked = requests("(a-b)", "c", "|- (c)")
    searched = generator(tiny["gpt2"], beams=12).generate(asked, 12)
    drawn = generator(tiny["gpt2"], samples=12).generate(asked, 12)
    for some, others in zip(searched, drawn, strict=True):
        assert some[0].logprob >= max((one.logprob for one in others), default=-1e9) - 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_the_prompt_once_and_of_every_answer(
    tiny: dict[str, Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = generator(tiny[kind], samples=12, max_new_tokens=6)
    rows: list[list[int] | None] = []
    inner = made._writer._drawn

    def spy(*arguments: Any) -> Any:
        for row in inner(*arguments):
            rows.append(row[1])
            yield row

    monkeypatch.setattr(made._writer, "_drawn", spy)
    found = made.generate(requests("(a-b)", "c"), 12)
    assert len(rows) == 24 and None in rows, "some answers have no end, and they were written too"
    assert sum(one.tokens_out for one in found) == sum(6 if row is None else len(row) for row in rows)
    opened = made._open()
    prompts = opened.prompts([one.state for one in requests("(a-b)", "c")], [one.theorem for one in requests("a", "c")])
    assert [one.tokens_in for one in found] == [len(prompt.ids) for prompt in prompts]


def test_an_answer_without_an_end_is_dropped_and_counted(
    tiny: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    made = generator(tiny["llama"], samples=20, max_new_tokens=2)
    assert all(one.num_tokens <= 2 for one in made.generate(requests("a"), 20)[0])
    made.close()
    said = capsys.readouterr().err
    assert "of 20 answers had not ended after 2 tokens (--transformers-max-new-tokens) and were dropped" in said
    made.close()
    assert capsys.readouterr().err == ""


def test_settings_that_a_model_brings_along_do_not_change_its_log_probabilities(
    tiny: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repetition penalty in generation_config.json would be in the logits that transformers calls raw."""
    copy = tmp_path / "llama"
    shutil.copytree(tiny["llama"], copy)
    said = {"repetition_penalty": 3.0, "temperature": 0.1, "do_sample": True, "eos_token_id": [2, 9], "min_length": 50}
    (copy / "generation_config.json").write_text(json.dumps(said))
    spied = Spied(generator(copy, samples=12), TEXTS, monkeypatch)
    teacher = Teacher(tiny["llama"])
    for text, tokens, logprob in spied.rows:
        assert logprob == pytest.approx(teacher.logprob(text, tokens), abs=1e-4)
    assert {tokens[-1] for _, tokens, _ in spied.rows} >= {2, 9}, "an end of sequence that the model names is one"


def test_the_template_beside_the_model_is_its_own(tiny: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "llama"
    shutil.copytree(tiny["llama"], copy)
    asked = requests("(a-b)", "c")
    plain = generator(copy, beams=8).generate(asked, 8)
    (copy / "template.toml").write_text('text = "{state}[T]"\nstop = ["b", "\\n"]')
    own = generator(copy, beams=8).generate(asked, 8)
    assert own != plain
    assert all("b" not in one.tactic for some in own for one in some)
    assert generator(copy, beams=8, template="plain").generate(asked, 8) == plain


def test_the_end_of_a_long_state_is_cut_off(tiny: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    made = generator(tiny["llama"], max_prompt=30, beams=6)
    long, short = made.generate(requests("(a-b)cd" + "e" * 50, "(a-b)cd" + "e" * 5), 6)
    assert [one.tactic for one in long] == [one.tactic for one in short]
    assert "its end was cut off to fit into 30 (--transformers-max-prompt)" in capsys.readouterr().err


def test_prompt_and_answer_share_the_models_positions(make_model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    small = make_model("llama", max_position_embeddings=48)
    generator(small, samples=2, max_new_tokens=16).generate(requests("a" * 80), 2)
    assert "to fit into 32" in capsys.readouterr().err
    with pytest.raises(UsageError, match="--transformers-max-new-tokens 50: leaves no place for a prompt"):
        generator(small, max_new_tokens=50).generate(requests("a"), 2)


def test_an_encoder_decoder_has_positions_for_each_half(make_model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Would catch a state of more tokens than the encoder's table has rows, which was an index out of range."""
    small = make_model("bart", max_position_embeddings=32)
    assert len(generator(small, samples=4, max_new_tokens=32).generate(requests("a" * 200, "b"), 4)) == 2
    assert "to fit into 32 (--transformers-max-prompt)" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"--transformers-max-new-tokens 33: .* the 32 positions of"):
        generator(small, max_new_tokens=33).generate(requests("a"), 2)


def test_positions_that_begin_behind_the_padding_are_fewer(make_model: Any, capsys: pytest.CaptureFixture[str]) -> None:
    small = make_model("roberta", max_position_embeddings=48)
    generator(small, samples=2, max_new_tokens=16).generate(requests("a" * 80, "b"), 2)
    assert "to fit into 31" in capsys.readouterr().err  # 48 rows, of which one is the padding's


# ------------------------------------------------------------------------------- states without candidates are told


def test_a_theorem_that_leaves_no_room_costs_only_its_own_states(
    tiny: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    template = tmp_path / "about.toml"
    template.write_text('text = "{statement}|{state}]"\nstop = ["\\n"]')
    made = generator(tiny["llama"], template=str(template), max_prompt=40, beams=4)
    asked = [GenerationRequest(Theorem("th", text), State("(a)", ()), None, 1) for text in ("abc" * 30, "abc")]
    first, second = made.generate(asked, 4)
    assert first == []
    assert second
    assert "a state got no candidate: the theorem that the template speaks of leaves no room" in capsys.readouterr().err
    made.close()
    assert "1 of 2 states got no candidates, 1 of them because the theorem" in capsys.readouterr().err


def test_a_state_whose_answers_are_all_cut_off_is_said(
    tiny: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would catch a search that ends as exhausted in silence."""
    made = generator(tiny["llama"], samples=3, max_new_tokens=4)
    monkeypatch.setattr(
        made._writer, "_drawn", lambda opened, prompts, *_: (Answer(at, None, -1.0) for at in range(len(prompts)))
    )
    for _ in range(2):
        assert made.generate(requests("a", "b"), 3) == [[], []]
    said = capsys.readouterr().err
    assert said.count("warning:") == 1
    assert (
        "a state got no candidate: of 3 answers 3 had not ended after 4 tokens (--transformers-max-new-tokens)" in said
    )
    made.close()
    said = capsys.readouterr().err
    assert "4 of 4 states got no candidates\n" in said
    assert "12 of 12 answers had not ended" in said


def limit_memory(monkeypatch: pytest.MonkeyPatch, made: TransformersGenerator, holds: Any) -> None:
    inner = made._writer._drawn

    def drawn(opened: Any, prompts: Any, *more: Any) -> Any:
        if not holds(prompts):
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return inner(opened, prompts, *more)

    monkeypatch.setattr(made._writer, "_drawn", drawn)


def test_a_batch_that_memory_does_not_hold_is_written_in_parts(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = requests(*TEXTS)
    whole = generator(tiny["llama"], samples=6).generate(asked, 6)
    made = generator(tiny["llama"], samples=6)
    limit_memory(monkeypatch, made, lambda prompts: len(prompts) <= 5)
    for some, others in zip(made.generate(asked, 6), whole, strict=True):
        assert [one.tactic for one in some] == [one.tactic for one in others]
    made.close()
    assert "not written" not in capsys.readouterr().err


def test_a_prompt_that_memory_does_not_hold_costs_only_its_state(
    tiny: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = generator(tiny["llama"], samples=6).generate(requests("(a-b)", "c"), 6)
    made = generator(tiny["llama"], samples=6)
    limit_memory(monkeypatch, made, lambda prompts: max(map(len, prompts)) < 60)
    found = made.generate(requests("(a-b)", "a" * 90, "c"), 6)
    assert found[1] == []
    assert [[one.tactic for one in some] for some in (found[0], found[2])] == [[o.tactic for o in one] for one in whole]
    assert "of 6 answers 6 were not written: the device's memory doesn't hold the prompt" in capsys.readouterr().err
    none = generator(tiny["llama"], samples=2)
    limit_memory(monkeypatch, none, lambda prompts: False)
    with pytest.raises(InputError, match=r"don't fit into the device's memory.*--transformers-max-prompt"):
        none.generate(requests("a"), 2)  # nothing at all works


def test_logits_that_are_not_finite_are_refused(tiny: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "llama"
    shutil.copytree(tiny["llama"], copy)
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"].fill_(float("nan"))
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    for options in ({"samples": 3}, {"beams": 1}, {"beams": 3}):
        with pytest.raises(InputError, match=r"a log-probability is nan.*--transformers-dtype float32"):
            generator(copy, **options).generate(requests("a"), 3)


def test_a_model_that_reads_both_ways_is_refused(tiny: dict[str, Path]) -> None:
    """Transformers would give it a causal head with random weights, or one that has seen the answer."""
    with pytest.raises(InputError, match=r"a bert \(BertModel\) is no causal language model"):
        generator(tiny["bert"]).generate(requests("a"), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beams": 4, "samples": 4}, "samples: beam search draws nothing"),
        ({"beams": 4, "temperature": 0.5}, "temperature: beam search draws nothing"),
        ({"beams": 4, "top_p": 0.5}, "top_p: beam search draws nothing"),
        ({"beams": 65}, "beams: 65 of a state are written together, more than batch 64"),
        ({"model": ""}, "no model: name a folder or a model of the hub with --transformers-model"),
    ],
)
def test_options_that_clash_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GeneratorConfig(**{"model": "some/model", **options})
