"""Who asks for what a package of ours has is told to install it, wherever it is asked for."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from proofsearch.config import RunConfig
from proofsearch.errors import PluginError, UsageError
from proofsearch.plugins import packages
from proofsearch.plugins.conformance import find
from proofsearch.plugins.discovery import DISABLE_VARIABLE, Plugins
from proofsearch.plugins.doctor import diagnose
from proofsearch.plugins.packages import PACKAGES, absent, absent_option
from proofsearch.plugins.resolution import resolve

RAY = "it is in the package proofsearch-ray: pip install proofsearch-ray"


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """The plugins as they are without the package of Ray."""
    installed = packages._is_installed
    monkeypatch.setattr(packages, "_is_installed", lambda name: name != "proofsearch-ray" and installed(name))
    monkeypatch.setenv(DISABLE_VARIABLE, "proofsearch-ray")
    return Plugins.discover()


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_registers_is_known(package: str) -> None:
    try:
        importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"needs the package: pip install {package}")
    plugins = Plugins.discover()
    found: dict[str, set[str]] = {}
    for entry in plugins.components():
        if plugins.info(entry.plugin).distribution == package:
            found.setdefault(entry.kind, set()).add(entry.name)
    for command in plugins.commands():
        if plugins.info(command.plugin).distribution == package:
            found.setdefault("command", set()).add(command.name)
    assert {kind: set(names) for kind, names in PACKAGES[package].items()} == found


def test_every_package_of_the_project_is_known() -> None:
    plugins = Path(__file__).parents[2] / "plugins"
    assert set(PACKAGES) == {folder.name for folder in plugins.iterdir() if (folder / "pyproject.toml").is_file()}


def test_a_component_that_isnt_there_is_named_with_its_package(no_ray: Plugins) -> None:
    with pytest.raises(PluginError, match=f"no executor is named 'ray'; known: local; {RAY}"):
        no_ray.registry("executor")["ray"]
    with pytest.raises(PluginError, match=RAY):
        find(no_ray, "ray")
    with pytest.raises(PluginError, match=RAY):
        diagnose(no_ray, ["ray"])
    with pytest.raises(UsageError, match=f"no component is named 'ray'; known: .*; {RAY}"):
        resolve(no_ray, RunConfig(options={"ray": {"address": "auto"}}))


def test_a_package_that_is_there_and_was_not_loaded_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("proofsearch_ray", reason="needs the package: pip install proofsearch-ray")
    monkeypatch.setenv(DISABLE_VARIABLE, "ray")
    with pytest.raises(PluginError, match=f"package proofsearch-ray, which is installed, .*{DISABLE_VARIABLE}"):
        Plugins.discover().registry("executor")["ray"]


def test_trackers_are_named_with_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_is_installed", lambda name: False)
    assert absent("wandb", "observer").endswith("pip install 'proofsearch-trackers[wandb]'")
    assert absent("proofsearch-trackers").endswith("pip install proofsearch-trackers")


def test_options_belong_to_the_component_with_the_longest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_is_installed", lambda name: name == "proofsearch-rocq")
    assert "proofsearch-ray" in absent_option("--ray-address")
    assert "proofsearch-metamath" in absent_option("--metamath-ranker-path")
    assert absent_option("--rocq-file") == "", "its package is there: the option is mistyped"
    assert absent_option("--no-such-option") == absent_option("--limit") == absent_option("") == ""


def test_other_names_have_no_package() -> None:
    assert absent("local", "executor") == absent("nobody") == absent("ray", "scorer") == ""
