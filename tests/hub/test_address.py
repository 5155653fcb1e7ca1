"""Would catch: an address that is read as another, or that leads out of its repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofsearch.errors import InputError
from proofsearch.hub import Address, is_address

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf://me/value", Address("me/value")),
        ("hf://me/value/", Address("me/value")),
        ("hf://models/me/value", Address("me/value")),
        ("hf://me/value@v1", Address("me/value", revision="v1")),
        ("hf://me/value@feature%2Fx/a", Address("me/value", revision="feature/x", folder="a")),
        ("hf://me/value@refs/pr/3/a/b", Address("me/value", revision="refs/pr/3", folder="a/b")),
        ("hf://me/value/round 1/model.json", Address("me/value", folder="round 1/model.json")),
        ("hf://datasets/me/searches", Address("me/searches", "dataset")),
        (f"hf://me/value@{COMMIT}/x", Address("me/value", revision=COMMIT, folder="x")),
    ],
)
def test_what_an_address_says(text: str, address: Address) -> None:
    assert Address.parse(text) == address
    # A path keeps one of the two slashes, and what is written down is read again as the same.
    assert Address.parse(Path(text)) == address
    assert Address.parse(str(address)) == address


def test_a_commit_pins_it() -> None:
    assert Address.parse(f"hf://me/value@{COMMIT}").is_pinned
    assert not Address.parse("hf://me/value@main").is_pinned
    assert not Address.parse("hf://me/value").is_pinned
    assert str(Address.parse("hf://me/value/x").at(COMMIT)) == f"hf://me/value@{COMMIT}/x"


@pytest.mark.parametrize(
    "text",
    [
        "hf://value",
        "hf://me",
        "hf://",
        "hf://me/value@",
        "hf://../value",
        "hf://me/..",
        "hf://me/value/../other",
        "hf://me/value/a//b",
        "hf://me/value/./a",
        "hf://me/value/a\\b",
        "hf://me/value/*",
        "hf://me/value/[ab]",
        "hf://me/va lue",
    ],
)
def test_what_is_no_address_is_refused_with_the_form_of_one(text: str) -> None:
    with pytest.raises(InputError, match="expected hf://USER/NAME"):
        Address.parse(text)


def test_what_is_meant_as_one() -> None:
    assert is_address("hf://me/value")
    assert is_address(Path("hf://me/value"))
    assert not is_address("runs/hf")
    assert not is_address(Path("/runs/hf:/x"))
    assert not is_address(3)
    assert not is_address(None)
