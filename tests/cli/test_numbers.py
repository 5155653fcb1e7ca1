"""Would catch: a number that an option takes, that runs, and that loses the run's result or never ends it.

The options are those of the commands and configuration models that are installed, so that a new one is tried as well.
"""

from __future__ import annotations

import importlib
import types
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from commands import Cli, installed_commands
from pydantic import BaseModel, ValidationError

from proofsearch.cli.main import make_app
from proofsearch.config import FrozenModel, IterateConfig, RunConfig, TrainConfig, bounds
from proofsearch.config.explain import explain
from proofsearch.plugins.discovery import Plugins

NO_NUMBERS = (float("nan"), float("inf"), float("-inf"))
TOO_LARGE = (2**63, -(2**63) - 1, 10**400, -(10**400), 1e300, -1e300)

WHOLE = ("-9223372036854775809", "9223372036854775808", "1" + "0" * 400, "1" + "0" * 5000, "nan", "inf", "1.5", "x")
FRACTIONS = ("nan", "inf", "-inf", "1e400", "-1e400", "1e300", "x")


def numbers(kind: Any) -> set[type]:
    """Whether a type takes whole numbers, fractions, or none."""
    if kind in (int, float):
        return {kind}
    if typing.get_origin(kind) in (typing.Union, types.UnionType, tuple, list, typing.Annotated):
        return set().union(*map(numbers, typing.get_args(kind)))
    return set()


def fields(model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str, Any]]:
    """Every field that takes numbers, with the model it is in."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation)
        elif numbers(field.annotation):
            yield model, name, field.annotation


def models() -> list[type[BaseModel]]:
    """The configurations of the core, and those of every component that is installed."""
    components = [entry.config for entry in Plugins.discover().components() if entry.config is not None]
    return list(dict.fromkeys([RunConfig, TrainConfig, IterateConfig, *components]))


def test_every_configuration_is_one_of_the_models_that_bound_numbers() -> None:
    for model in models():
        assert issubclass(model, FrozenModel), model


def test_every_numeric_field_of_every_configuration_has_bounds() -> None:
    tried = 0
    for model, name, kind in dict.fromkeys(entry for one in models() for entry in fields(one)):
        in_tuple = typing.get_origin(kind) is tuple
        for value in NO_NUMBERS + TOO_LARGE:
            with pytest.raises(ValidationError) as caught:
                model.model_validate({name: (value,) if in_tuple else value})
            assert name in {str(problem["loc"][0]) for problem in caught.value.errors() if problem["loc"]}, (
                model,
                name,
            )
            assert len(explain(caught.value, model)) < 2000
            tried += 1
    assert tried > 1000


@cache
def command(name: str) -> Any:
    return typer.main.get_command(make_app(Plugins.discover(), name))


@pytest.mark.parametrize(
    "words",
    [words for words, options in installed_commands() if any(numbers(one.kind) for one in options)],
    ids=" ".join,
)
def test_every_numeric_option_of_every_command_has_bounds(words: tuple[str, ...], monkeypatch: Any) -> None:
    if words[0] in ("search", "train", "iterate"):
        module = importlib.import_module(f"proofsearch.cli.commands.{words[0]}")
        for name in ("run_search", "resume_search", "train", "iterate", "resume_iteration"):
            monkeypatch.setattr(module, name, None, raising=False)  # what is taken must not run for hours
    components = tuple(f"--{entry.name}-" for entry in Plugins.discover().components())
    options = next(options for found, options in installed_commands() if found == words)
    own = [option for option in options if numbers(option.kind) and not option.flag.startswith(components)]
    for option in own:
        for value in WHOLE if int in numbers(option.kind) else FRACTIONS:
            with pytest.raises(Exception, match=r".") as caught:
                # Arguments that are missing would be told of only after options that are wrong.
                command(words[0]).main([*words, option.flag, value], standalone_mode=False)
            said = str(getattr(caught.value, "format_message", lambda: caught.value)())
            assert (getattr(caught.value, "exit_code", None), option.flag in said) == (2, True), (
                option.flag,
                value,
                said,
            )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("search", "--seed", 2**63), "--seed: input should be less than or equal to 9223372036854775807"),
        (("search", "--timeout", "inf"), "--timeout: input should be a finite number, found inf"),
        (("search", "--max-expansions", 10**12), "--max-expansions: input should be between"),
        (("search", "--workers", 10**6), "--workers: input should be less than or equal to 4096"),
        (("search", "--value-weight", "nan"), "--value-weight: input should be"),
        (("train", "--seed", -1), "--seed: input should be greater than or equal to 0"),
        (("iterate", "--seed", -1), "--seed: input should be greater than or equal to 0"),
        (("iterate", "--seed", 2**32), "--seed: input should be less than or equal to 4294967295"),
        (("train", "--ebm-learning-rate", "inf"), "--ebm-learning-rate: input should be a finite number"),
        (("search", "--generator", "knn", "--knn-power", "nan"), "--knn-power: input should be"),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(
    arguments: tuple[object, ...], message: str, cli: Cli, tmp_path: Path
) -> None:
    done = cli(*map(str, arguments))
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert not any((tmp_path / "here").iterdir())


def test_a_file_is_held_to_the_same_bounds(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "search.toml"
    for text, message in [
        ("[execution]\ntimeout = inf\n", "execution.timeout: input should be a finite number"),
        (f"seed = 1{'0' * 400}\n", "seed: input should be less than or equal to"),
        (f"seed = 1{'0' * 5000}\n", "not valid TOML: Exceeds the limit"),
        ("[options.knn]\npower = nan\n", "options.knn.power: input should be"),
    ]:
        file.write_text(text)
        done = cli("search", "--generator", "knn", "--config", file)
        assert done.code in (2, 3)
        assert message in done.err
        assert len(done.err) < 1000


def test_the_largest_numbers_that_are_taken_are_recorded(cli: Cli) -> None:
    most = bounds.LARGEST
    whole = (
        "--max-expansions",
        "--max-steps",
        "--max-model-calls",
        "--max-depth",
        "--candidates",
        "--attempts",
        "--warmup",
    )
    fractions = ("--max-seconds", "--timeout", "--max-wait", "--length-exponent", "--heuristic-weight", "--goal-weight")
    for seed in (bounds.LARGEST_SEARCH_SEED, -bounds.LARGEST_SEARCH_SEED - 1):
        out = f"run{seed}"
        done = cli(
            *("search", "--env", "fake", "--generator", "fake", "--limit", "2", "--out", out, "-q", "--seed", seed),
            *(word for flag in (*whole, *fractions) for word in (flag, most)),
        )
        assert done.code == 0, done.err
        assert "proved 2 of 2" in done.out
        assert cli("trajectories", "check", out).code == 0
        assert cli("search", "--resume", out, "-q").code == 0
