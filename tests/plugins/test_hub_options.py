"""Would catch: an option of some component, a third party's too, that takes no address, or means another one later."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from fakehub import FakeHub
from installing import Site, proofsearch

from proofsearch.checkpoint import Manifest, write_manifest
from proofsearch.config import RunConfig
from proofsearch.errors import InputError
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve
from proofsearch.runs import RunFolder
from proofsearch.runs.run import resume_search, run_search
from proofsearch.runs.verification import verify_run

STRANGER = '''
"""A third party's scorer that reads a checkpoint; it knows nothing of any hub."""
import json
from pathlib import Path

from proofsearch import hookimpl
from proofsearch.checkpoint import read_manifest
from proofsearch.config import ComponentConfig


class Config(ComponentConfig):
    path: Path
    also: str = ""
    more: tuple[str, ...] = ()


class Scorer:
    def __init__(self, config, builder):
        read_manifest(config.path, kind="scorer", name="stranger")
        self.factor = json.loads((config.path / "model.json").read_text())

    def score(self, requests):
        return [-self.factor * float(request.state.text.split()[0]) for request in requests]

    def close(self):
        pass


@hookimpl
def register_scorers(register):
    register("stranger", Scorer, config=Config, help="Reads a checkpoint.")
'''


@pytest.fixture
def stranger(fake_prover: Site) -> Site:
    fake_prover.install("stranger", {"stranger": "strangers_scorer"}, {"strangers_scorer": STRANGER})
    return fake_prover


def checkpoint(folder: Path, factor: int) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(str(factor))
    write_manifest(folder, Manifest("scorer", "stranger"), ["model.json"])
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def config(**options: object) -> RunConfig:
    return RunConfig.model_validate(
        {
            "env": "fake",
            "generator": "fake",
            "scorer": "stranger",
            "select": {"split": "all"},
            "execution": {"workers": 1},
            "options": {"stranger": options, "local": {"mode": "processes"}},
        }
    )


@pytest.mark.usefixtures("stranger")
def test_every_option_takes_addresses_and_writes_down_their_commits(hub: FakeHub, tmp_path: Path) -> None:
    commit = hub.add("me/value", checkpoint(tmp_path / "made", 1))
    data = hub.add("me/data", {"a.parquet": b""}, "datasets")
    given = {
        "path": Path("hf://me/value"),
        "also": "hf://me/value@main/model.json",
        "more": ("x", "hf://datasets/me/data"),
    }
    resolved = resolve(Plugins.discover(), config(**given))
    part = resolved.chosen["scorer", "stranger"]
    path, also = part.ability("path", None), part.ability("also", "")
    assert (path / "model.json").read_text() == Path(also).read_text() == "1"
    assert part.ability("more", ())[0] == "x" and (Path(part.ability("more", ())[1]) / "a.parquet").exists()
    assert resolved.config.options["stranger"] == {
        "path": f"hf://me/value@{commit}",
        "also": f"hf://me/value@{commit}/model.json",
        "more": ["x", f"hf://datasets/me/data@{data}"],
    }
    assert resolve(Plugins.discover(), resolved.config).config == resolved.config


@pytest.mark.usefixtures("stranger")
def test_an_option_whose_address_cannot_be_had_is_named(hub: FakeHub) -> None:
    with pytest.raises(InputError, match=r"options.stranger.path: hf://me/none: can't be fetched: there is no such"):
        resolve(Plugins.discover(), config(path="hf://me/none"))
    with pytest.raises(InputError, match=r"options.stranger.path: hf://me: no address on the hub; expected hf://USER"):
        resolve(Plugins.discover(), config(path="hf://me"))


@pytest.mark.usefixtures("stranger")
def test_a_run_goes_on_and_is_verified_with_the_commit_that_it_began_with(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub.add("me/value", checkpoint(tmp_path / "made", 1))
    run = tmp_path / "run"
    run_search(config(path="hf://me/value"), run)
    assert f'path = "hf://me/value@{commit}"' in (run / "config.toml").read_text()
    # Somebody pushes what this scorer can't read; then half of the run is to be done again.
    hub.add("me/value", {"model.json": b"nothing"})
    lines = (run / "results.jsonl").read_text().splitlines(keepends=True)
    (run / "results.jsonl").write_text("".join(lines[:10]))
    hub.requests.clear()
    summary = resume_search(run)
    assert summary.proved == 20 and not summary.failures
    assert hub.requests == []
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    verified = verify_run(run)
    assert len(verified.verdicts) == 20 and not verified.refused
    assert RunFolder.open(run).config.options["stranger"]["path"] == f"hf://me/value@{commit}"


@pytest.mark.usefixtures("stranger")
def test_the_command_takes_it_and_says_what_to_do_without_a_network(hub: FakeHub, tmp_path: Path) -> None:
    commit = hub.add("me/value", checkpoint(tmp_path / "made", 2))
    select = ["search", "reach-1", "--env", "fake", "--generator", "fake", "--scorer", "stranger", "-q"]
    done = proofsearch(*select, "--stranger-path", "hf://me/value", "--out", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"hf://me/value@{commit}" in (tmp_path / "run" / "config.toml").read_text()
    # On a machine that has neither a network nor anything in its cache, the pinned run says how to get it there.
    shutil.rmtree(tmp_path / "hub-cache")
    with pytest.MonkeyPatch.context() as offline:
        offline.setenv("HF_HUB_OFFLINE", "1")
        (tmp_path / "run" / "results.jsonl").write_text("")
        done = proofsearch("search", "--resume", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 3
    assert f"hf download me/value --revision {commit}" in done.stderr
