"""What the options accept, and how they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from proofsearch_ray.cluster import read_runtime_env
from proofsearch_ray.config import RayConfig
from pydantic import ValidationError

from proofsearch.errors import InputError


def test_resources_have_names_and_amounts() -> None:
    given = ("prover_node", "licence=0.5", "disk=")
    assert RayConfig(resource=given).resources() == {"prover_node": 1.0, "licence": 0.5, "disk": 1.0}
    assert RayConfig().resources() == {}


@pytest.mark.parametrize("entry", ["=2", "a=none", "a=0", "a=-1", "a=inf", "a=nan", ""])
def test_what_is_no_resource_is_refused(entry: str) -> None:
    with pytest.raises(ValidationError, match="is no resource; give NAME, or NAME=AMOUNT"):
        RayConfig(resource=(entry,))


def test_a_runtime_environment_is_yaml_or_json(tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text("env_vars:\n  A: b\n")
    assert read_runtime_env(file) == {"env_vars": {"A": "b"}}
    file.write_text('{"env_vars": {"A": "b"}}')
    assert read_runtime_env(file) == {"env_vars": {"A": "b"}}
    assert read_runtime_env(None) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "neither YAML nor JSON"),
        ("just words", "expected a table such as 'env_vars: {NAME: value}', found 'just words'"),
        (None, "can't be read: No such file or directory; expected a runtime environment of Ray"),
    ],
)
def test_a_file_that_holds_none_is_named(tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "env.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError) as refused:
        read_runtime_env(file)
    assert str(refused.value).startswith(f"{file}: ")
    assert says in str(refused.value)
