"""``proofsearch iterate``: its options, its table, and how it is stopped and gone on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Cli
from installing import Site

from proofsearch.runs import RunFolder

SHORT = (
    *("--plugin", "tally", "--env", "shown", "--generator", "fake", "--local-mode", "threads", "--workers", "2"),
    *("--theorems", "3", "--validation", "3", "--rounds", "1", "--max-expansions", "60"),
)


@pytest.fixture(autouse=True)
def trainer(fake_prover: Site) -> None:
    """The test trainer, installed beside the test prover."""
    fake_prover.install("fake-trainer", {"faketrainer": "faketrainer"})


def test_an_iteration_from_the_command_line_with_its_table(cli: Cli) -> None:
    done = cli("iterate", *SHORT, "--rounds", "2", "--priority", "value", "--out", "it")
    assert done.code == 0
    heading, first, second, *_ = done.out.splitlines()
    assert heading.split()[:3] == ["round", "train", "proved"]
    assert (first.split()[0], second.split()[0]) == ("0", "1")
    assert "2 rounds in" in done.out
    assert "round 0: searching training theorems with log-probability alone" in done.err
    assert "round 1: searching training theorems with the value of round 0" in done.err
    assert "step 4/4" in done.err
    assert RunFolder.open(Path("it/round-1/search")).config.search.priority.kind == "value"


def test_json_goes_to_standard_output_and_quiet_leaves_only_warnings(cli: Cli) -> None:
    done = cli("iterate", *SHORT, "--out", "it", "--json", "--quiet")
    found = json.loads(done.out)
    assert found["iteration"] == "it"
    assert found["rounds"] == json.loads(Path("it/iterate.json").read_text())["rounds"]
    assert done.err == "the energies collapse\n"


def test_the_default_folder_says_when_and_with_what(cli: Cli) -> None:
    assert cli("iterate", *SHORT, "-q").code == 0
    (folder,) = Path("iterations").iterdir()
    assert folder.name.endswith("-tally")


def test_ctrl_c_says_how_to_go_on_and_that_works(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import faketrainer

    original = faketrainer.TallyTrainer.train

    def interrupted(self: object, request: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(faketrainer.TallyTrainer, "train", interrupted)
    done = cli("iterate", *SHORT, "--out", "it")
    assert done.code == 130
    assert "Resume with: proofsearch iterate --resume it" in done.err
    assert "Traceback" not in done.err
    monkeypatch.setattr(faketrainer.TallyTrainer, "train", original)
    done = cli("iterate", "--resume", "it", "--rounds", "2", "--workers", "1", "--json")
    assert done.code == 0
    assert [row["round"] for row in json.loads(done.out)["rounds"]] == [0, 1]


def test_a_file_says_the_same_and_the_command_line_wins(cli: Cli) -> None:
    assert cli("iterate", *SHORT, "--tally-steps", "2", "--out", "a", "-q").code == 0
    assert cli("iterate", "--config", "a/iterate.toml", "--theorems", "2", "--out", "b", "-q").code == 0
    assert len(RunFolder.open(Path("b/round-0/search")).theorems) == 2
    assert json.loads(Path("b/round-0/checkpoint/tally.json").read_text())["step"] == 2


@pytest.mark.parametrize(
    "arguments", [("--theorems", "2"), ("--config", "x.toml"), ("--out", "other"), ("--tally-steps", "3"), ("--fresh",)]
)
def test_going_on_takes_no_option_that_changes_what_was_done(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli("iterate", "--resume", "it", *arguments)
    assert done.code == 2
    assert (
        f"--resume continues an iteration with its own settings and can't be combined with {arguments[0]}" in done.err
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--plugin", "idle"), 4, "no scorer is named 'idle'"),
        (("--plugin", "small"), 2, "--plugin: the scorer 'small' reads no checkpoint"),
        (("--tally-path", "x"), 2, "--tally-path: every round has the checkpoint of the one before"),
        (("--train-policy",), 2, "--train-policy: the generator 'fake' can't learn from recorded searches"),
        (("--rounds", "0"), 2, "--rounds: input should be greater than or equal to 1, found 0"),
        (("--random-seed", "1"), 2, "--random-seed: the scorer 'random' is not chosen, 'tally' is; choose it with"),
        (("--resume", "nowhere"), 2, "can't be combined with"),
        (("--shown-size", "1"), 2, "no theorem is in the split 'validation'"),
        (("--config", "none.toml"), 3, "none.toml: can't be read"),
    ],
)
def test_what_can_not_be_done_is_one_message_and_a_code(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = cli("iterate", *SHORT, *arguments)
    assert done.code == code
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_folder_that_is_none_of_an_iteration_is_refused(cli: Cli) -> None:
    done = cli("iterate", "--resume", "nowhere")
    assert done.code == 3
    assert "nowhere: no expert iteration (it has no iterate.toml)" in done.err
    assert not Path("nowhere").exists()


def test_options_of_every_component_are_in_the_help(cli: Cli) -> None:
    text = cli("iterate", "--help").out
    for flag in ("--tally-steps", "--tally-turn", "--plain-margin", "--hashed-width", "--knn-power", "--train-policy"):
        assert flag in text
