"""The example package is found by its entry point and used like any other scorer."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from installing import Site, proofsearch

EXAMPLE = Path(__file__).parents[1] / "examples" / "proofsearch-shortest"


@pytest.fixture
def installed(fake_prover: Site) -> Site:
    """The example's modules and its own entry points, as pip leaves them."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    fake_prover.install(project["name"], project["entry-points"]["proofsearch"])
    (fake_prover.folder / "proofsearch_shortest").symlink_to(EXAMPLE / "src" / "proofsearch_shortest")
    return fake_prover


def test_a_search_uses_the_examples_scorer_with_its_option(installed: Site, tmp_path: Path) -> None:
    arguments = ("search", "reach-1", "reach-2", "--env", "fake", "--generator", "fake", "--scorer", "shortest")
    done = proofsearch(*arguments, "--shortest-goal-cost", "2.5", "--out", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["proved"] == 2
    assert "goal_cost = 2.5" in (tmp_path / "run" / "config.toml").read_text()


def test_the_examples_components_are_listed_with_their_package(installed: Site) -> None:
    rows = json.loads(proofsearch("plugins", "list", "--json").stdout)
    assert any(row["name"] == "shortest" and row["distribution"].startswith("proofsearch-shortest ") for row in rows)


def test_the_examples_own_tests_pass(installed: Site) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
