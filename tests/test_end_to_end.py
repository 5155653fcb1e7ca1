"""The whole way through the command line: record, train a value, search with it, evaluate, on the shipped library.

Would catch what no part's own test can: a sign that turns between training and search, an encoder that is shown other
texts offline than in a search, options that get lost between commands, figures that do not fit the runs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_in
from proofsearch_ebm.data.parts import PartEncoder
from proofsearch_ebm.model.checkpoint import load_checkpoint
from scipy.stats import binomtest

from proofsearch.builtins.encoders.context import ContextConfig, ContextEncoder
from proofsearch.evaluation.rescoring import Rescorer
from proofsearch.plugins.discovery import Plugins
from proofsearch.runs import RunFolder
from proofsearch.trajectory.reader import read_searches

HASHED = 64
STEPS = 200

ENCODER = ("--ebm-encoder", "context", "--context-hashed", str(HASHED))
VALIDATION = ("--split", "validation", "--limit", "12", "--max-expansions", "24")


@dataclass
class Story:
    """What the commands left behind and said."""

    folder: Path
    train: dict[str, Any]
    evaluation: dict[str, Any]

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def command(self, *arguments: str, code: int = 0) -> str:
        """Runs a command; what it wrote to standard output, or to standard error where it fails."""
        done = run_in(self.folder, *arguments, PROOFSEARCH_CACHE_DIR=str(self.folder / "cache"))
        assert done.code == code, f"{arguments}: {done.out}{done.err}"
        return done.err if code else done.out


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    it = Story(tmp_path_factory.mktemp("story"), {}, {})
    guided = ("--generator", "demonstrated", "--scorer", "demonstration", "--priority", "split")
    it.command("search", "--split", "train", "--limit", "60", *guided, "--max-expansions", "32", "--out", "train", "-q")
    training = (
        *("--ebm-groups", "siblings", "--ebm-loss", "listwise:1", "--ebm-parts", "goals", "--ebm-policy-weight", "0"),
        *("--ebm-steps", str(STEPS), "--ebm-batch", "16", "--ebm-patience", "0", "--ebm-validate-every", "100"),
    )
    train = ("train", "--plugin", "ebm", "--trajectories", "train", "--out", "ckpt", *ENCODER, *training)
    it.train = json.loads(it.command(*train, "-q", "--json"))
    it.command("search", *VALIDATION, "--out", "base", "-q")
    value = ("--scorer", "ebm", "--ebm-path", "ckpt", "--ebm-force")
    it.command("search", *VALIDATION, *value, "--out", "ebm", "-q")
    it.evaluation = json.loads(it.command("evaluate", "base", "ebm", "--json", "-q"))
    return it


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_the_checkpoint_is_what_the_training_said(story: Story) -> None:
    checkpoint = load_checkpoint(story / "ckpt")
    assert list(checkpoint.encoders) == ["context"]
    assert checkpoint.head.width == ContextEncoder(ContextConfig(hashed=HASHED)).width
    assert checkpoint.metrics["steps"] == STEPS
    assert checkpoint.metrics["validation"]["rank_accuracy"] == pytest.approx(story.train["metrics"]["rank energy"])
    data = checkpoint.metrics["data"]
    assert (data["searches"], data["test_searches"]) == (60, 0)
    assert data["proved"] == sum(result["status"] == "proved" for result in results(story / "train")) >= 50


def test_recorded_values_are_those_of_the_checkpoint_computed_offline(story: Story) -> None:
    # From the recorded texts alone, by the path that training reads them: sign, scale, template and theorem.
    checkpoint = load_checkpoint(story / "ckpt")
    encoder = PartEncoder(
        ContextEncoder(ContextConfig(hashed=HASHED)), checkpoint.parts, with_theorem=checkpoint.with_theorem
    )
    everything: list[float] = []
    for search in read_searches([story / "ebm"]):
        parts = encoder.encode(search.states(), search.theorem.statement)
        energy = checkpoint.head.states(*parts).energy
        scored = np.isfinite(search.value)
        # The root competes with nothing, and a search that is over scores no more children.
        assert scored[1:].all() or search.proved
        assert search.value[scored] == pytest.approx(-energy[scored], rel=1e-4, abs=1e-4)
        everything += search.value[scored].tolist()
    assert len(everything) > 1000
    assert np.std(everything) > 0.1


def test_every_proof_is_accepted_and_verified_again(story: Story) -> None:
    for run in ("train", "base", "ebm"):
        found = results(story / run)
        proved = [result for result in found if result["status"] == "proved"]
        assert len(proved) > len(found) / 3
        assert all(result["verdict"]["proved"] for result in proved)
        assert all((story / run / result["proof_file"]).is_file() for result in proved)
    assert f"{len(proved)} of {len(proved)} proofs accepted" in story.command("verify", "ebm")


def test_the_value_takes_part_in_the_order(story: Story) -> None:
    config = RunFolder.open(story / "ebm").config
    assert config.options["ebm"]["force"] is True
    orders = [[result["expansions"] for result in results(story / run)] for run in ("base", "ebm")]
    assert orders[0] != orders[1]
    assert story.evaluation["runs"][1]["rates"]["unscored"] == 0


def test_figures_fit_the_runs_and_each_other(story: Story) -> None:
    for run, entry in zip(("base", "ebm"), story.evaluation["runs"], strict=True):
        found = results(story / run)
        proved = sum(result["status"] == "proved" for result in found)
        assert (entry["theorems"], entry["proved"], entry["failed"]) == (12, proved, 0)
        last = entry["solved_expansions"][-1]
        assert (last["budget"], last["solved"], last["theorems"]) == (24, proved, 12)
        solved = [budget["solved"] for budget in entry["solved_expansions"]]
        assert solved == sorted(solved)
    (comparison,) = story.evaluation["comparisons"]
    assert comparison["theorems"] == 12
    names = [
        {result["theorem"] for result in results(story / run) if result["status"] == "proved"}
        for run in ("base", "ebm")
    ]
    last = comparison["expansions"][-1]
    assert (last["only_first"], last["only_second"]) == (len(names[0] - names[1]), len(names[1] - names[0]))
    assert (last["first"], last["second"]) == (len(names[0]), len(names[1]))
    assert last["difference"]["value"] == pytest.approx((len(names[1]) - len(names[0])) / 12)
    discordant = last["only_first"] + last["only_second"]
    expected = binomtest(last["only_first"], discordant).pvalue if discordant else 1.0
    assert last["p_value"] == pytest.approx(expected)
    assert comparison["costs"]["expansions"]["theorems"] == len(names[0] & names[1])


def test_scoring_recorded_states_anew_gives_the_recorded_values(story: Story) -> None:
    folder = RunFolder.open(story / "ebm")
    theorems = {theorem.name: theorem for theorem in folder.theorems}
    options = {"ebm": {"path": str(story / "ckpt")}}
    compared = 0
    with Rescorer(Plugins.discover(), folder.config, "ebm", options) as rescorer:
        for search in read_searches([story / "ebm"]):
            nodes = np.flatnonzero(~np.isnan(search.value)).tolist()
            anew = rescorer.score(theorems[search.theorem.name], search, nodes)
            assert anew == pytest.approx(search.value[nodes].tolist(), rel=1e-4, abs=1e-5)
            compared += len(nodes)
    assert compared > 100


def test_nothing_is_said_of_the_value_at_the_decisions_of_its_own_searches(story: Story) -> None:
    value = ("--scorer", "ebm", "--ebm-path", "ckpt")
    for run in ("ebm", "base"):
        (entry,) = json.loads(story.command("evaluate", run, *value, "--json", "-q"))["runs"]
        assert (entry["neutral"], entry["sign"]["verdict"]) == (False, "unknown")
        assert entry["sign"]["words"].endswith("--scorer ebm --ebm-path ckpt")
        assert entry["ranking"]["all"]["decisions"] == 0


def test_what_was_learnt_has_the_right_sign(story: Story) -> None:
    # On the theorems that it learnt from, where nothing but a wrong sign could keep it from ranking above chance.
    value = ("--scorer", "ebm", "--ebm-path", "ckpt")
    (entry,) = json.loads(story.command("evaluate", "train", *value, "--limit", "20", "--json", "-q"))["runs"]
    assert entry["sign"]["verdict"] == "above chance"
    over_random = entry["ranking"]["all"]["differences"]["value_over_random"]["rank1"]
    assert over_random["low"] > 0.1
    assert entry["ranking"]["all"]["decisions"] > 20


def test_another_encoder_than_that_of_the_training_is_refused(story: Story) -> None:
    # The encoder by its name, with its own defaults instead of the options that the checkpoint keeps.
    other = ("--scorer", "ebm", "--ebm-path", "ckpt", "--ebm-encoder", "context")
    said = story.command("search", "syl", *other, "--out", "no", code=3)
    assert "fingerprint" in said
    assert "Traceback" not in said


def test_the_shipped_checkpoint_guides_at_once(story: Story) -> None:
    """Catches a package without its checkpoint, and an encoder that has changed since it was trained."""
    story.command("search", *VALIDATION, "--scorer", "ebm", "--out", "shipped", "-q")
    searches = list(read_searches([story.folder / "shipped"]))
    values = [value for search in searches for value in search.value.tolist() if value == value]
    assert len(set(values)) > 10
    proved = sum(result["status"] == "proved" for result in results(story.folder / "shipped"))
    assert proved >= len(results(story.folder / "shipped")) // 2


def test_how_many_workers_recorded_changes_nothing_of_what_is_learnt_or_measured(story: Story) -> None:
    """Who finishes first is chance; with several workers no two runs file their searches alike."""
    guided = ("--generator", "demonstrated", "--scorer", "demonstration", "--priority", "split")
    heads, figures = [], []
    for workers in ("1", "3"):
        run, out = f"by {workers}", f"ckpt by {workers}"
        few = ("--split", "train", "--limit", "16", "--max-expansions", "8", "--workers", workers)
        story.command("search", *few, *guided, "--out", run, "-q")
        short = ("--ebm-steps", "20", "--ebm-batch", "8", "--ebm-validate-every", "10", "--ebm-groups", "frontier")
        story.command("train", "--plugin", "ebm", "--trajectories", run, "--out", out, *short, "-q")
        (head,) = (story / out).glob("head-*.safetensors")
        heads.append((head.name, head.read_bytes(), load_checkpoint(story / out).metrics))
        (measured,) = json.loads(story.command("evaluate", run, "--json", "-q"))["runs"]
        figures.append({key: measured[key] for key in ("ranking", "separation", "calibration", "solved_expansions")})
    assert heads[0] == heads[1]
    assert figures[0] == figures[1]
