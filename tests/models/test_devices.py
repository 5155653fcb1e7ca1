"""Devices by the names that options take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from proofsearch.errors import UsageError
from proofsearch.models.devices import DEVICE, choose_device


def library(counts: Mapping[str, int], accelerator: str | None = None) -> Any:
    """A torch that sees so many devices of each kind."""

    def module(kind: str) -> Any:
        count = counts.get(kind, 0)
        return SimpleNamespace(is_available=lambda: count > 0, device_count=lambda: count)

    found = SimpleNamespace(current_accelerator=lambda *, check_available: accelerator)
    return SimpleNamespace(accelerator=found, get_device_module=module)


@pytest.mark.parametrize("name", ["auto", "cpu", "mps", "cuda", "cuda:1", "xpu", "xpu:12"])
def test_names_that_are_taken(name: str) -> None:
    assert re.fullmatch(DEVICE, name)


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cpu:0", "cuda:1 ", "CUDA"])
def test_names_that_are_not(name: str) -> None:
    assert not re.fullmatch(DEVICE, name)


def test_auto_is_an_accelerator_if_there_is_one() -> None:
    assert choose_device("auto", library({})) == "cpu"
    assert choose_device("auto", library({"mps": 1}, "mps")) == "mps"


def test_a_device_that_is_there_is_taken() -> None:
    assert choose_device("cpu", library({})) == "cpu"
    assert choose_device("cuda", library({"cuda": 1})) == "cuda"
    assert choose_device("cuda:1", library({"cuda": 2})) == "cuda:1"


@pytest.mark.parametrize(
    ("name", "there", "seen"), [("cuda", {}, 0), ("cuda:2", {"cuda": 2}, 2), ("mps", {"cuda": 1}, 0)]
)
def test_a_device_that_is_not_there_is_named(name: str, there: dict[str, int], seen: int) -> None:
    kind = name.partition(":")[0]
    with pytest.raises(UsageError, match=f"^--my-device {name}: torch sees {seen} of kind {kind}; choose auto or cpu$"):
        choose_device(name, library(there), "--my-device")
