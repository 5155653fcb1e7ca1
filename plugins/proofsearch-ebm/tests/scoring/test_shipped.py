"""Which of the checkpoints that come along a search takes: that of its policy, and nowhere a wrong one."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from proofsearch_ebm.config import EbmConfig
from proofsearch_ebm.scoring.scorer import open_scorer
from proofsearch_ebm.scoring.shipped import shipped_checkpoint, shipped_checkpoints

from proofsearch.config import RunConfig
from proofsearch.errors import InputError, UsageError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.protocols import TacticGenerator
from proofsearch.protocols.events import Event, Preparing
from proofsearch.testing import SampleBuilder
from proofsearch.testing.samples import ListedTactics

GENERAL, RANKER = "prefix", "prefix-metamath-ranker"


class Opened:
    """The components of a search, and what its user is told."""

    def __init__(self, generator: str = "auto", options: dict[str, dict[str, Any]] | None = None) -> None:
        plugins = Plugins.discover()
        config = RunConfig(generator=generator, scorer="ebm", options=options or {})
        self.said: list[str] = []
        self.components = Components(plugins, resolve(plugins, config), self._told)

    def _told(self, event: Event) -> None:
        if isinstance(event, Preparing):
            self.said.append(event.message)

    @property
    def chosen(self) -> str:
        with self.components:
            return shipped_checkpoint(self.components).name


def test_each_is_whole_and_the_general_one_alone_names_no_policy() -> None:
    found = {folder.name: manifest.policies for folder, manifest in shipped_checkpoints().items()}
    assert found.keys() == {GENERAL, RANKER}
    assert not found[GENERAL]
    assert found[RANKER]


def test_the_default_policy_has_its_own_and_nobody_is_told_of_another_policy() -> None:
    opened = Opened()
    assert opened.chosen == RANKER
    with opened.components:
        opened.components.scorer()
    assert not [message for message in opened.said if message.startswith("ebm: ")]


def test_a_recording_beside_the_ranker_is_judged_by_the_value_for_the_ranker() -> None:
    assert Opened("demonstrated", {"demonstrated": {"generator": "metamath-ranker"}}).chosen == RANKER


@pytest.mark.parametrize(
    ("generator", "options"),
    [
        ("knn", {}),
        ("mixture", {"mixture": {"of": ["metamath-ranker:0.7", "knn:0.3"]}}),
        ("metamath-ranker", {"metamath-ranker": {"temperature": 1.5}}),
        ("demonstrated", {"demonstrated": {"generator": "knn"}}),
    ],
)
def test_any_other_policy_has_the_general_one(generator: str, options: dict[str, Any]) -> None:
    opened = Opened(generator, options)
    assert opened.chosen == GENERAL
    with opened.components:
        opened.components.scorer()
    assert not [message for message in opened.said if message.startswith("ebm: ")]


def test_other_weights_of_the_ranker_have_the_general_one(tmp_path: Path) -> None:
    import proofsearch_metamath

    weights = Path(proofsearch_metamath.__file__).parent / "data" / "ranker"
    copy = Path(shutil.copytree(weights, tmp_path / "same"))
    assert Opened(options={"metamath-ranker": {"path": str(copy)}}).chosen == RANKER
    labels, manifest = copy / "labels.json", copy / "manifest.json"
    before = hashlib.sha256(labels.read_bytes()).hexdigest()
    labels.write_text(labels.read_text() + "\n")
    manifest.write_text(manifest.read_text().replace(before, hashlib.sha256(labels.read_bytes()).hexdigest()))
    assert Opened(options={"metamath-ranker": {"path": str(copy)}}).chosen == GENERAL


def test_other_bounds_of_the_same_database_change_nothing() -> None:
    assert Opened(options={"metamath": {"max_goals": 32}}).chosen == RANKER


def test_another_database_and_another_prover_are_refused(tmp_path: Path) -> None:
    database = tmp_path / "other.mm"
    database.write_text("$c |- wff p $.\nwp $a wff p $.\nax $a |- p $.\nth $p |- p $= ax $.\n")
    other = Opened("knn", {"metamath": {"database": str(database)}})
    with pytest.raises(UsageError, match=r"--scorer ebm.*proofsearch train --plugin ebm.*--ebm-path"), other.components:
        other.components.scorer()
    with SampleBuilder() as builder, pytest.raises(UsageError, match="another prover"):
        open_scorer(EbmConfig(), builder)


def test_a_scorer_opens_no_weights_of_a_policy_and_asks_for_that_of_the_search_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def opened_weights(file: Path) -> Any:
        raise AssertionError(f"{file} was opened")

    monkeypatch.setattr("proofsearch_metamath.ranker.weights.read_tensors", opened_weights)
    opened = Opened()
    asked: list[str | None] = []
    with opened.components as components:
        components.scorer()

        def generator(name: str | None = None) -> TacticGenerator:
            asked.append(name)
            return components.generator(name)

        builder = SimpleNamespace(environment=components.environment, generator=generator)
        assert shipped_checkpoint(builder).name == RANKER
    assert asked == [None]


def test_a_policy_that_cannot_say_which_it_is_has_the_general_one() -> None:
    def unknown(name: str | None = None) -> Any:
        raise InputError("no memory")

    opened = Opened()
    with opened.components as components:
        for generator in (unknown, lambda name=None: ListedTactics()):
            builder = SimpleNamespace(environment=components.environment, generator=generator)
            assert shipped_checkpoint(builder).name == GENERAL


def test_a_damaged_checkpoint_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (general,) = [folder for folder in shipped_checkpoints() if folder.name == GENERAL]
    shutil.copytree(general, tmp_path / "checkpoints" / GENERAL)
    (tmp_path / "checkpoints" / RANKER).mkdir()
    (tmp_path / "checkpoints" / RANKER / "manifest.json").write_text("{")
    monkeypatch.setattr("proofsearch_ebm.scoring.shipped.resources.files", lambda package: tmp_path)
    with pytest.raises(InputError, match=RANKER):
        shipped_checkpoints()
