"""Whole proofs that a model writes: with a template and a length of their own, cut into tactics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from proofsearch_transformers.inference.config import GeneratorConfig
from proofsearch_transformers.inference.files import find_files
from proofsearch_transformers.inference.generator import TransformersGenerator

from proofsearch.errors import UsageError
from proofsearch.protocols import GenerationRequest, ProposesScripts, Script
from proofsearch.types import State, Theorem

TEXTS = ("(a-b)", "c", "abcde" * 7, "|- (c)")


def generator(folder: Path, **options: Any) -> TransformersGenerator:
    config = GeneratorConfig(**{"model": str(folder), "device": "cpu", "script_tokens": 40, **options})
    return TransformersGenerator(config, find_files(config), folder / "cache")


def requests(*texts: str) -> list[GenerationRequest]:
    return [GenerationRequest(Theorem("th", "st"), State(text, ()), None, 7 * len(text)) for text in texts]


def shown(scripts: Sequence[Script]) -> list[list[tuple[str, int]]]:
    return [[(step.tactic, step.num_tokens) for step in script.steps] for script in scripts]


@pytest.mark.parametrize("kind", ["llama", "t5"])
def test_scripts_are_lines_with_the_log_probabilities_of_their_tokens(tiny: dict[str, Path], kind: str) -> None:
    made = generator(tiny[kind])
    assert isinstance(made, ProposesScripts)
    found = made.propose_scripts(requests(*TEXTS), 32)
    made.close()
    scripts = [script for answer in found for script in answer]
    assert any(len(script.steps) > 1 for script in scripts), "some answer has several lines"
    for answer in found:
        sums = [math.fsum(step.logprob for step in script.steps) for script in answer]
        assert sums == sorted(sums, reverse=True)
        tactics = [tuple(step.tactic for step in script.steps) for script in answer]
        assert len(set(tactics)) == len(tactics) <= 32
        for step in (step for script in answer for step in script.steps):
            assert step.tactic.strip() == step.tactic != ""
            assert "\n" not in step.tactic
            # No token of these models is likelier than their vocabulary of 24 allows.
            assert -40 * 30 < step.logprob < 0
        assert answer.tokens_in > 0
        assert answer.tokens_out >= sum(step.num_tokens for script in answer for step in script.steps)


def test_a_state_gets_the_scripts_that_it_gets_alone(tiny: dict[str, Path]) -> None:
    made = generator(tiny["llama"])
    together = made.propose_scripts(requests(*TEXTS), 8)
    for text, scripts in zip(TEXTS, together, strict=True):
        (alone,) = made.propose_scripts(requests(text), 8)
        assert shown(alone) == shown(scripts)
    made.close()


def test_what_is_proposed_changes_nothing_of_what_is_suggested(tiny: dict[str, Path]) -> None:
    plain, made = generator(tiny["llama"]), generator(tiny["llama"])
    made.propose_scripts(requests(*TEXTS), 4)
    assert [[one.tactic for one in answer] for answer in made.generate(requests(*TEXTS), 8)] == [
        [one.tactic for one in answer] for answer in plain.generate(requests(*TEXTS), 8)
    ]
    for one in (plain, made):
        one.close()


def test_the_template_of_scripts_is_the_one_beside_the_model_or_the_one_asked_for(
    tiny: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in tiny["llama"].iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    seen: list[str] = []

    def prompts(**options: Any) -> str:
        made = generator(folder, **options)
        made.propose_scripts(requests("c"), 1)
        assert made._scripts is not None
        opened = made._scripts._opened
        seen.append(opened.tokenizer.decode(opened.prompts([State("c", ())])[0].ids))
        made.close()
        return seen[-1]

    plain = prompts()
    (folder / "script.toml").write_text('text = "a {state} b"\n')
    assert prompts() != plain
    own = tmp_path / "own.toml"
    own.write_text('text = "({state})"\n')
    assert prompts(script_template=str(own)) not in (plain, seen[-2])


def test_an_answer_that_is_too_long_is_dropped_and_names_its_option(
    tiny: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    made = generator(tiny["llama"], script_tokens=1)
    made.propose_scripts(requests(*TEXTS), 8)
    made.close()
    assert "--transformers-script-tokens" in capsys.readouterr().err


def test_a_script_that_leaves_no_place_for_a_prompt_is_refused_by_its_option(make_model: Any) -> None:
    folder = make_model("llama", max_position_embeddings=64)
    made = generator(folder, script_tokens=64)
    with pytest.raises(UsageError, match="--transformers-script-tokens 64: leaves no place"):
        made.propose_scripts(requests("c"), 1)
    made.close()


def test_the_environment_cuts_a_script(tiny: dict[str, Path]) -> None:
    config = GeneratorConfig(model=str(tiny["llama"]), device="cpu", script_tokens=40)
    asked: list[str] = []

    def split(script: str) -> list[str]:
        asked.append(script)
        return list(script.replace("\n", ""))[:2]

    made = TransformersGenerator(config, find_files(config), tiny["llama"] / "cache", split)
    (found,) = made.propose_scripts(requests("(a-b)"), 8)
    made.close()
    assert asked
    assert all(len(step.tactic) == 1 for script in found for step in script.steps)
