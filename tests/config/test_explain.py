"""Would catch: what is wrong with an option, buried under pydantic's titles, a value shown twice, or a whole table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, ValidationError, model_validator

from proofsearch.builtins.encoders.context import ContextConfig
from proofsearch.builtins.mixture import MixtureConfig
from proofsearch.config import SelectionConfig
from proofsearch.config.explain import explain


def _said(model: type[BaseModel], **given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    return explain(caught.value, model)


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (SelectionConfig, {"limit": 0}, "limit: input should be greater than or equal to 1, found 0"),
        (
            SelectionConfig,
            {"limits": 1},
            "limits: no such key; known here: theorems, file, split, limit, shuffle, shard; did you mean 'limit'?",
        ),
        # A validator's words that hold what was found.
        (SelectionConfig, {"shard": "3"}, "shard: expected I/N, such as 3/16 for the third of 16 shards, found '3'"),
        (SelectionConfig, {"shard": "0/2"}, "shard: the shards of 2 are numbered from 1 to 2, found '0' in '0/2'"),
        (
            MixtureConfig,
            {"of": ["knn:0"]},
            "of: expected a policy, or policy:weight with a weight above 0, such as knn:0.3, found 'knn:0'",
        ),
        # Those that don't.
        (MixtureConfig, {"of": ["knn", "knn:2"]}, "of: 'knn' is named twice, found ['knn', 'knn:2']"),
        (
            ContextConfig,
            {"hashed": 3},
            "hashed: as a width of the encoder hashed: Input should be greater than or equal to 16, found 3",
        ),
        (
            SelectionConfig,
            {"limit": 0, "shard": "1/0"},
            "limit: input should be greater than or equal to 1, found 0; shard: expected 1 to 100,000 shards, "
            "found '1/0'",
        ),
    ],
)
def test_a_problem_of_an_option_is_told_in_one_breath(model: type[BaseModel], given: dict[str, Any], said: str) -> None:
    assert _said(model, **given) == said


class _Table(BaseModel):
    low: int = 0
    high: int = 1

    @model_validator(mode="after")
    def _in_order(self) -> _Table:
        if self.low > self.high:
            raise ValueError(f"low: {self.low} is above high")
        return self


class _Whole(BaseModel):
    table: _Table = _Table()


def test_of_keys_that_do_not_go_together_the_table_is_not_shown() -> None:
    assert _said(_Whole, table={"low": 3}) == "table: low: 3 is above high"


def _raises(error: Exception) -> Callable[[int], int]:
    def refuse(value: int) -> int:
        raise error

    return refuse


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("Nope"), "size: Nope, found 3"),
        (AssertionError("no power of two"), "size: no power of two, found 3"),
        (ValueError(), "size: is refused, found 3"),
        (AssertionError(), "size: is refused, found 3"),
    ],
)
def test_a_foreign_validator_is_heard_in_its_own_words(error: Exception, said: str) -> None:
    class Config(BaseModel):
        size: Annotated[int, AfterValidator(_raises(error))]

    assert _said(Config, size=3) == said
