"""What the command line says to who asks for something of a package of ours that isn't installed."""

from __future__ import annotations

import pytest
from commands import Cli

from proofsearch.plugins import packages
from proofsearch.plugins.discovery import DISABLE_VARIABLE

RAY = "it is in the package proofsearch-ray: pip install proofsearch-ray"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("search", "--executor", "ray"), 4, RAY),
        (("search", "--ray-address", "auto"), 2, "pip install"),
        (("doctor", "ray"), 4, RAY),
        (("plugins", "check", "ray"), 4, RAY),
        (("serve",), 4, "no command is named 'serve'; it is in the package proofsearch-rl: pip install proofsearch-rl"),
    ],
)
def test_the_command_line_says_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int, message: str
) -> None:
    monkeypatch.setattr(packages, "_is_installed", lambda name: name not in ("proofsearch-ray", "proofsearch-rl"))
    monkeypatch.setenv(DISABLE_VARIABLE, "ray,rl")
    done = cli(*arguments)
    assert done.code == code, done.err
    assert message in " ".join(done.err.replace("│", " ").split())
    assert "Traceback" not in done.err
