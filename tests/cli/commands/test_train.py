"""``proofsearch train``: its options, what it shows, and how it is stopped and gone on with."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import Cli
from installing import Site

from proofsearch.cli.output.training import TrainingDisplay, figures
from proofsearch.protocols import TrainingReport
from proofsearch.protocols.events import Noted, Progressed

SHOWN = ("--env", "shown", "--local-mode", "threads", "--workers", "2")
TALLY = ("--plugin", "tally", *SHOWN)
RECORDING = ("--demonstrated-generator", "fake", "--record-theorems", "2")


@pytest.fixture(autouse=True)
def trainer(fake_prover: Site) -> None:
    """The test trainer, installed beside the test prover."""
    fake_prover.install("fake-trainer", {"faketrainer": "faketrainer"})


@pytest.fixture
def recorded(cli: Cli) -> Path:
    """A run to learn from."""
    search = ("search", "reach-0", "reach-4", "--generator", "fake", "--scorer", "small", *SHOWN)
    assert cli(*search, "--out", "mine", "-q").code == 0
    return Path("mine")


def learnt(path: str) -> dict[str, Any]:
    values = json.loads((Path(path) / "tally.json").read_text())
    assert isinstance(values, dict)
    return values


def test_with_nothing_recorded_it_records_trains_and_can_be_searched_with(cli: Cli) -> None:
    done = cli("train", *TALLY, *RECORDING, "--out", "ckpt")
    assert done.code == 0
    assert "there is no recorded run under runs to learn from: recording one first in runs/train" in done.err
    assert "[2/2]" in done.err
    assert "step 4/4: loss 0.250  gap 0.500  rank not finite" in done.err
    assert "the energies collapse" in done.err
    assert "the checkpoint of the scorer 'tally' is in ckpt" in done.out
    assert "proofsearch search --scorer tally --tally-path ckpt" in done.out
    search = ("search", "reach-1", "--generator", "fake", "--scorer", "tally", "--tally-path", "ckpt", *SHOWN)
    assert "proved 1 of 1" in cli(*search).out


def test_options_of_trainer_encoder_and_losses_reach_them_and_one_can_be_repeated(cli: Cli, recorded: Path) -> None:
    options = ("--tally-loss", "plain:1", "--tally-loss", "other:0.3", "--tally-steps", "2", "--plain-margin", "7")
    done = cli(
        "train", *TALLY, *options, "--hashed-width", "64", "--seed", "9", "--trajectories", recorded, "--out", "c"
    )
    assert done.code == 0
    found = learnt("c")
    assert (found["step"], found["width"], found["seed"]) == (2, 64, 9)
    assert found["losses"] == {"plain": ["1", 7.0], "other": ["0.3", -1.0]}


def test_trajectories_can_be_named_more_than_once(cli: Cli, recorded: Path) -> None:
    more = ("search", "reach-8", "--generator", "fake", "--scorer", "small", *SHOWN, "--out", "more", "-q")
    assert cli(*more).code == 0
    assert cli("train", *TALLY, "--trajectories", "mine", "--trajectories", "more", "--out", "c").code == 0
    assert learnt("c")["searches"] == ["reach-0", "reach-4", "reach-8"]


def test_json_goes_to_standard_output_and_quiet_leaves_only_warnings(cli: Cli, recorded: Path) -> None:
    done = cli("train", *TALLY, "--trajectories", "mine", "--out", "c", "--json", "--quiet")
    found = json.loads(done.out)
    assert (found["checkpoint"], found["kind"], found["name"]) == ("c", "scorer", "tally")
    assert found["metrics"] == {"steps": 4, "proved": 2}
    assert found["trajectories"] == [str(Path("mine").absolute())]
    assert done.err == "the energies collapse\n"


def test_the_default_folder_says_when_and_with_what(cli: Cli, recorded: Path) -> None:
    cli("train", *TALLY, "--trajectories", "mine", "-q")
    (folder,) = Path("checkpoints").iterdir()
    assert folder.name.endswith("-tally")


def test_ctrl_c_says_how_to_go_on_and_that_works(cli: Cli, recorded: Path) -> None:
    done = cli("train", *TALLY, "--trajectories", "mine", "--tally-stop-at", "3", "--tally-small", "2", "--out", "c")
    assert done.code == 130
    kept = "stopped; what was saved of the training is kept. Resume with: proofsearch train --resume --out c"
    assert kept in done.err
    assert "Traceback" not in done.err
    done = cli("train", "--resume", "--out", "c", "--tally-stop-at", "none")
    assert done.code == 0
    assert learnt("c")["starts"] == [0, 3]
    assert learnt("c")["small"] == 2, "what it was begun with counts"


def test_ctrl_c_before_the_first_step_does_not_say_that_anything_was_learnt(cli: Cli, recorded: Path) -> None:
    arguments = (*TALLY, "--trajectories", "mine", "--out", "c")
    done = cli("train", *arguments, "--tally-stop-at", "0")
    assert done.code == 130
    assert "stopped; nothing is learnt yet. Resume with: proofsearch train --resume --out c" in done.err
    assert cli("train", *arguments, "--resume", "--tally-stop-at", "2").code == 130
    done = cli("train", *arguments, "--resume", "--tally-stop-at", "2")
    assert "stopped; nothing was learnt since, and the training is as it was. Resume with" in done.err


def test_ctrl_c_in_the_recording_says_that_the_command_goes_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofsearch.runs.run.Components.executor", lambda self: Interrupting())
    done = cli("train", *TALLY, *RECORDING, "--out", "c")
    assert done.code == 130
    assert "what was recorded is kept in runs/train. Resume with the same command" in done.err
    monkeypatch.undo()


def test_a_package_that_is_missing_is_said_before_anything_is_recorded(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("proofsearch_ebm")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    done = cli("train", "--plugin", "ebm", *SHOWN, *RECORDING, "--ebm-tensorboard", "--out", "c")
    assert done.code == 2
    assert "error: --ebm-tensorboard: needs the package tensorboard, which is not installed" in done.err
    assert not Path("runs").exists()
    assert not Path("c").exists()


class Interrupting:
    """An executor at which Ctrl-C is pressed."""

    def run(self, factory: object, jobs: object) -> Any:
        raise KeyboardInterrupt


def test_a_file_says_the_same_and_the_command_line_wins(cli: Cli, recorded: Path) -> None:
    Path("settings.toml").write_text(
        'plugin = "tally"\nenv = "shown"\nseed = 4\ntrajectories = ["mine"]\n'
        '[options.tally]\nsteps = 3\nloss = ["other:2"]\n'
    )
    assert cli("train", "--config", "settings.toml", "--seed", "6", "--out", "c").code == 0
    found = learnt("c")
    assert (found["step"], found["seed"], list(found["losses"])) == (3, 6, ["other"])
    # What the folder keeps is such a file too.
    assert cli("train", "--config", "c/train.toml", "--out", "d").code == 0
    assert learnt("d") == found


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--plugin", "taly"), 4, "no trainer is named 'taly'; known: "),
        (("--resume",), 2, "--resume continues the training in a folder; name it with --out"),
        (("--resume", "--out", "nowhere"), 3, "nowhere: no such folder; --resume continues a training"),
        (("--out", "mine"), 3, "mine: the folder is not empty and not a checkpoint"),
        (("--trajectories", "nothing"), 3, "nothing: no such file or folder"),
        (("--tally-steps", "-1"), 2, "--tally-steps: input should be greater than or equal to 0, found -1"),
        (("--hashed-width", "1"), 2, "--hashed-width: input should be greater than or equal to 16, found 1"),
        (
            ("--fake-size", "1"),
            2,
            "--fake-size: the environment 'fake' is not chosen, 'shown' is; choose it with --env",
        ),
        (("--tally-turn",), 2, "No such option"),
        (("--config", "none.toml"), 3, "none.toml: can't be read"),
    ],
)
def test_what_can_not_be_done_is_one_message_and_a_code(
    cli: Cli, recorded: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    given = () if "--trajectories" in arguments else ("--trajectories", "mine")
    done = cli("train", *TALLY, *given, *arguments)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_checkpoint_is_not_written_over(cli: Cli, recorded: Path) -> None:
    assert cli("train", *TALLY, "--trajectories", "mine", "--out", "c").code == 0
    done = cli("train", *TALLY, "--trajectories", "mine", "--out", "c")
    assert done.code == 3
    assert "c: already holds a checkpoint; resume it with --resume, or choose another folder with --out" in done.err


def test_another_trainer_does_not_go_on_with_a_training(cli: Cli, recorded: Path) -> None:
    cli("train", *TALLY, "--trajectories", "mine", "--out", "c", "-q")
    done = cli("train", "--resume", "--out", "c", "--plugin", "idle")
    assert done.code == 2
    assert "--plugin: the training in c is of the trainer 'tally'" in done.err


def test_options_of_every_component_are_in_the_help(cli: Cli) -> None:
    text = cli("train", "--help").out
    assert "Options of the trainer tally (--plugin tally)" in text
    assert "Options of the loss plain" in text
    for flag in ("--tally-loss", "--plain-margin", "--hashed-width", "--record-theorems", "--trajectories"):
        assert flag in text
    assert "A loss and its weight; repeatable. [default: (plain:1)]" in text
    assert "--generator knn" not in text, "a training has no such option"
    assert "--tally-turn" not in text, "that is the scorer's"


# ------------------------------------------------------------------------------------------------------------ display


def test_on_a_terminal_a_bar_shows_the_figures_and_messages_stay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with TrainingDisplay(quiet=False) as shown:
        shown.show(Noted("learning from runs/a"))
        shown.show(Progressed(TrainingReport(1, 3, {"loss": 0.5, "gap": 1.0, "rank": 0.455, "policy rank": 0.389})))
        shown.show(Progressed(TrainingReport(2, 3, messages=["the [gap] is negative"])))
    err = capsys.readouterr().err
    assert "learning from runs/a" in err
    assert "loss 0.500  gap 1.000  rank 0.455 (policy 0.389)" in err
    assert "the [gap] is negative" in err


def test_a_long_training_is_a_few_lines_in_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay(quiet=False) as shown:
        for step in range(1, 10_001):
            shown.show(Progressed(TrainingReport(step, 10_000, {"loss": 1.0})))
    lines = capsys.readouterr().err.splitlines()
    assert 20 <= len(lines) <= 22
    assert lines[-1] == "step 10000/10000: loss 1.000"


def test_where_the_usual_metrics_are_missing_the_first_are_shown() -> None:
    assert figures({"accuracy": 0.5, "error": 0.25, "depth": 3.0, "width": 4.0}) == (
        "accuracy 0.500  error 0.250  depth 3.000"
    )
    assert figures({}) == ""
