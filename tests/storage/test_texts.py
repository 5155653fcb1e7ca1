"""Text files as editors leave them: with a byte-order mark, in another encoding, with other line ends."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from proofsearch.cli.options import read_file
from proofsearch.config import IterateConfig, RunConfig, SelectionConfig, TrainConfig
from proofsearch.config.toml import to_toml
from proofsearch.errors import InputError
from proofsearch.models.prompts import load_template
from proofsearch.runs.selection import select
from proofsearch.storage.texts import read_text
from proofsearch.testing.countdown import CountdownConfig, CountdownEnvironment
from proofsearch.training import training_settings
from proofsearch.training.expert_iteration.plan import iteration_settings


def marked(file: Path, text: str) -> Path:
    file.write_bytes(codecs.BOM_UTF8 + text.encode().replace(b"\n", b"\r\n"))
    return file


def test_a_byte_order_mark_and_other_line_ends_change_nothing(tmp_path: Path) -> None:
    assert read_text(marked(tmp_path / "file", "a\nψ\n"), "text") == "a\nψ\n"
    assert read_file(marked(tmp_path / "c.toml", "seed = 3\n"), RunConfig).seed == 3
    marked(tmp_path / "train.toml", to_toml(TrainConfig(seed=4)))
    begun = training_settings(tmp_path)
    assert isinstance(begun, TrainConfig)
    assert begun.seed == 4
    marked(tmp_path / "iterate.toml", to_toml(IterateConfig(seed=5)))
    assert iteration_settings(tmp_path).seed == 5
    template = marked(tmp_path / "prompt.toml", "text = 'Prove {state}'\nstop = []\n")
    assert load_template(str(template)).text == "Prove {state}"
    environment = CountdownEnvironment(CountdownConfig())
    name = environment.theorems()[0].name
    chosen = select(environment, SelectionConfig(file=str(marked(tmp_path / "names", f"{name}\n"))), 0)
    assert [theorem.name for theorem in chosen.theorems] == [name]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("seed = 3".encode("utf-16"), "is in UTF-16; expected a list in UTF-8, so save it as that"),
        (codecs.BOM_UTF16_BE + "a".encode("utf-16-be"), "is in UTF-16"),
        (b"caf\xe9", "not UTF-8 at byte 3; expected a list"),
    ],
)
def test_other_encodings_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match=rf"file: {message}"):
        read_text(tmp_path / "file", "a list")


@pytest.mark.parametrize("name", ["missing", "", "f" * 300])
def test_what_is_no_file_is_said_in_a_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"can't be read: .*; expected a list"):
        read_text(tmp_path / name, "a list")
