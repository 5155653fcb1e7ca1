"""A training without the command line: what is learnt from, what reaches the trainer, and how it is gone on with."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from installing import Site

from proofsearch.config import RunConfig, TrainConfig
from proofsearch.errors import InputError, PluginError, RunFolderError, UsageError
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import resolve_training
from proofsearch.protocols import TrainingReport, TrainingRequest
from proofsearch.protocols.events import Event, Noted, Progressed, Recorded, Warned
from proofsearch.runs import RunFolder
from proofsearch.runs.run import run_search
from proofsearch.training import recorded_runs, train, training_settings


@pytest.fixture(autouse=True)
def here(fake_prover: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the test prover and the test trainer installed."""
    fake_prover.install("fake-trainer", {"faketrainer": "faketrainer"})
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def config(**fields: Any) -> TrainConfig:
    fields["options"] = {
        "local": {"mode": "threads"},
        "demonstrated": {"generator": "fake"},
        "hashed": {"width": 16},
        **fields.get("options", {}),
    }
    fields.setdefault("execution", {"workers": 2})
    return TrainConfig(**{"env": "shown", "plugin": "tally", **fields})


def search(out: str, split: str = "train", env: str = "shown", **fields: Any) -> Path:
    run = RunConfig(
        **{
            "env": env,
            "generator": "fake",
            "scorer": "small",
            "select": {"split": split},
            "execution": {"workers": 2},
            "options": {"local": {"mode": "threads"}},
            **fields,
        }
    )
    return run_search(run, Path(out)).path


def learnt(checkpoint: Path) -> dict[str, Any]:
    values = json.loads((checkpoint / "tally.json").read_text())
    assert isinstance(values, dict)
    return values


def notes(events: list[Event]) -> str:
    return "\n".join(event.message for event in events if isinstance(event, Noted))


# ------------------------------------------------------------------------------------------------- what is learnt from


def test_it_learns_from_what_is_named(here: Path) -> None:
    search("runs/a", select={"theorems": ("reach-0", "reach-4")})
    search("runs/b", select={"theorems": ("reach-8",)})
    events: list[Event] = []
    summary = train(config(trajectories=("runs/a",)), Path("out"), on_event=events.append)
    assert learnt(Path("out"))["searches"] == ["reach-0", "reach-4"]
    assert (summary.checkpoint, summary.kind, summary.name) == (Path("out"), "scorer", "tally")
    assert summary.metrics == {"steps": 4, "proved": 2}
    assert summary.trajectories == (str(here / "runs/a"),)
    reports = [event.report for event in events if isinstance(event, Progressed)]
    assert [(report.step, report.steps) for report in reports] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [report.messages for report in reports if report.messages] == [["the energies collapse"]]


def test_without_names_it_takes_every_run_but_those_of_test_theorems_and_of_other_environments() -> None:
    search("runs/a", select={"theorems": ("reach-0",)})
    search("runs/deeper/b", select={"theorems": ("reach-4",)})
    search("runs/c", select={"theorems": ("reach-8",)}, trajectories=False)
    search("runs/held-out", split="test")
    search("runs/foreign", env="fake")
    events: list[Event] = []
    train(config(), Path("out"), on_event=events.append)
    assert learnt(Path("out"))["searches"] == ["reach-0", "reach-4"]
    assert "runs/held-out is a search of test theorems: not learnt from" in notes(events)
    assert "runs/foreign is of the environment 'fake', not of 'shown': not learnt from" in notes(events)


def test_without_any_run_it_records_one_along_the_librarys_proofs() -> None:
    events: list[Event] = []
    train(config(seed=3, record={"theorems": 4}), Path("out"), on_event=events.append)
    assert "there is no recorded run under runs to learn from: recording one first in runs/train" in notes(events)
    assert "of up to 4 theorems (split train), up to 64 expansions each" in notes(events)
    run = RunFolder.open(Path("runs/train"))
    assert {theorem.split for theorem in run.theorems} == {"train"}
    assert len(run.theorems) == 4
    recorded = run.config
    assert (recorded.generator, recorded.scorer, recorded.search.priority.kind) == (
        "demonstrated",
        "demonstration",
        "split",
    )
    assert recorded.options["demonstrated"]["generator"] == "fake"
    assert all(result.proved for result in run.results().values())
    assert learnt(Path("out"))["searches"] == sorted(theorem.name for theorem in run.theorems)
    # The second time the recording is there.
    events.clear()
    train(config(), Path("again"), on_event=events.append)
    assert notes(events) == "learning from runs/train"


def reading(**fields: Any) -> TrainConfig:
    return TrainConfig(**{"env": "shown", "plugin": "reader", "execution": {"workers": 2}, **fields})


def test_a_trainer_that_learns_from_the_library_has_nothing_recorded_and_no_run_looked_for() -> None:
    search("runs/a", select={"theorems": ("reach-0",)})
    events: list[Event] = []
    summary = train(reading(), Path("out"), on_event=events.append)
    assert json.loads(Path("out/reader.json").read_text()) == []
    assert (summary.trajectories, notes(events)) == ((), "")
    assert not Path("runs/train").exists()
    # What is named reaches it, and its options decide.
    train(reading(trajectories=("runs/a",)), Path("named"))
    assert json.loads(Path("named/reader.json").read_text()) == [str(Path("runs/a").absolute())]
    train(reading(options={"reader": {"searches": True}}), Path("found"))
    assert json.loads(Path("found/reader.json").read_text()) == [str(Path("runs/a").absolute())]


def test_of_several_processes_of_one_training_the_first_alone_looks_after_the_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = Path("out")
    out.mkdir()
    (out / "reader.json").write_text("[]")  # the first process is at it already
    monkeypatch.setenv("RANK", "1")
    train(reading(), out)
    assert not (out / "train.toml").exists()
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(InputError, match="already holds a checkpoint"):
        train(reading(), out)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"record": {"theorems": 2}}, lambda run: len(run.theorems) == 2),
        ({"record": {"split": "all"}}, lambda run: len(run.theorems) == 20),
        ({"record": {"expansions": 99}}, lambda run: run.config.search.limit.expansions == 99),
        ({"seed": 5}, lambda run: run.config.seed == 5),
        ({"options": {"shown": {"offset": 9}}}, lambda run: run.config.options["shown"]["offset"] == 9),
    ],
)
def test_a_setting_reaches_the_recording(fields: dict[str, Any], expected: Any) -> None:
    train(config(**fields), Path("out"))
    assert expected(RunFolder.open(Path("runs/train")))


def test_a_recording_that_was_stopped_is_gone_on_with_first() -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Recorded):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(), Path("out"), on_event=stop)
    assert not Path("out").exists()
    assert len(RunFolder.open(Path("runs/train")).results()) == 1
    events: list[Event] = []
    train(config(), Path("out"), on_event=events.append)
    assert "runs/train was recorded for this and is not finished" in notes(events)
    assert learnt(Path("out"))["searches"] == ["reach-0", "reach-12", "reach-16", "reach-4", "reach-8"]


def wrong(place: str = "nowhere") -> TrainConfig:
    return config(options={"tally": {"needs": place}})


def test_options_that_the_trainer_refuses_are_refused_before_anything_is_recorded(here: Path) -> None:
    """Catches an error after minutes of recording that was there to be seen at once."""
    with pytest.raises(InputError, match=f"--tally-needs {here}/nowhere: no such file"):
        train(wrong(), Path("out"))
    assert not Path("runs").exists()
    assert not Path("out").exists()
    Path("there").touch()
    train(wrong("there"), Path("out"))
    assert Path("runs/train").is_dir()


def test_options_that_the_trainer_refuses_are_refused_before_a_recording_is_gone_on_with() -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Recorded):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(), Path("out"), on_event=stop)
    with pytest.raises(InputError, match="--tally-needs"):
        train(wrong(), Path("out"))
    assert len(RunFolder.open(Path("runs/train")).results()) == 1


def test_components_that_can_not_be_built_are_refused_before_anything_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(self: Components) -> None:
        raise InputError("the model is not there")

    monkeypatch.setattr(Components, "trainer", missing)
    with pytest.raises(InputError, match="the model is not there"):
        train(config(), Path("out"))
    assert not Path("runs").exists()


def test_an_environment_without_proofs_says_that_none_can_be_recorded() -> None:
    with pytest.raises(UsageError, match=r"no recorded run under runs .* none can be recorded: .*--trajectories"):
        train(config(env="fake"), Path("out"))
    assert not Path("out").exists()


def test_places_without_trajectories_are_refused_before_the_trainer_begins() -> None:
    search("runs/a", select={"theorems": ("reach-0",)}, trajectories=False)
    with pytest.raises(InputError, match="the run has no trajectories; was it made with --no-trajectories"):
        train(config(trajectories=("runs/a",)), Path("out"))
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        train(config(trajectories=("nowhere",)), Path("out"))
    assert not Path("out").exists()


@pytest.mark.parametrize("place", ["runs/foreign", "runs/foreign/trajectories", "file"])
def test_trajectories_of_another_environment_are_refused_where_they_are_named(place: str) -> None:
    """Catches a value for one prover that was learnt from another's states."""
    own, foreign = search("runs/own"), search("runs/foreign", env="fake")
    if place == "file":
        (path,) = (foreign / "trajectories").glob("*.parquet")
        place = str(path)
    with pytest.raises(InputError, match=r"in the environment 'fake', expected those of 'shown'.*--env fake") as caught:
        train(config(trajectories=(str(own), place)), Path("out"))
    assert str(caught.value).startswith(str(Path(place).absolute()))
    assert not Path("out").exists()


def test_run_folders_are_found_without_looking_into_them(here: Path) -> None:
    search("runs/a", select={"theorems": ("reach-0",)})
    (here / "runs/a/trajectories/inner").mkdir()
    (here / "runs/notes").mkdir()
    assert list(recorded_runs(Path("runs"))) == [Path("runs/a")]
    assert list(recorded_runs(Path("nowhere"))) == []


# ------------------------------------------------------------------------------------------------------------- options


def test_every_option_reaches_trainer_encoder_and_losses() -> None:
    path = search("runs/a", select={"theorems": ("reach-0",)})
    options = {
        "tally": {"steps": 2, "loss": ["plain:1", "other:0.5"]},
        "hashed": {"width": 32},
        "plain": {"margin": 3.0},
    }
    train(config(trajectories=(str(path),), options=options, seed=7), Path("out"))
    found = learnt(Path("out"))
    assert (found["step"], found["width"], found["seed"]) == (2, 32, 7)
    assert found["losses"] == {"plain": ["1", 3.0], "other": ["0.5", -1.0]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tally": {"turn": True}}, r"options.tally.turn: 'tally' has no option 'turn'; it has: steps"),
        ({"random": {"seed": 1}}, r"options.random.seed: no scorer takes part here; leave this option out"),
        ({"plain": {"margn": 1}}, r"did you mean 'margin'"),
        ({"tally": {"steps": -1}}, r"options.tally.steps: input should be greater than or equal to 0"),
        ({"fake": {"size": 3}}, r"the environment 'fake' is not chosen, 'shown' is; choose it with --env fake"),
    ],
)
def test_options_that_would_do_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        train(config(options={"demonstrated": {"generator": "knn"}, **options}), Path("out"))
    assert not Path("out").exists()
    assert not Path("runs").exists()


def test_an_unknown_trainer_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(PluginError, match=r"no trainer is named 'taly'; known: .*did you mean 'tally'"):
        train(config(plugin="taly"), Path("out"))


def test_a_trainer_asks_for_generators_by_name_or_has_the_environments() -> None:
    plugins = Plugins.discover()
    parts = resolve_training(plugins, TrainConfig(env="shown", plugin="tally"))
    with Components(plugins, parts) as components:
        assert components.loss("other")(0, 0) == -1.0
        assert components.generator("fake") is components.generator("fake")
        assert components.generator() is components.generator("knn")


# ------------------------------------------------------------------------------------------------ the checkpoint folder


def test_a_training_that_was_stopped_goes_on_where_it_was() -> None:
    path = search("runs/a", select={"theorems": ("reach-0",)})
    with pytest.raises(KeyboardInterrupt):
        train(config(trajectories=(str(path),), options={"tally": {"stop_at": 2}}), Path("out"))
    begun = training_settings(Path("out"))
    assert begun is not None
    assert begun.options["tally"]["stop_at"] == 2
    begun.options["tally"]["stop_at"] = None
    train(begun, Path("out"), resume=True)
    assert learnt(Path("out"))["starts"] == [0, 2]
    assert learnt(Path("out"))["step"] == 4


@pytest.mark.parametrize("refusal", [UsageError, InputError, KeyboardInterrupt])
def test_options_that_the_trainer_refuses_to_resume_with_are_not_kept(
    refusal: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Catches a refused resume that leaves the folder saying what it was never trained with."""
    path = search("runs/a", select={"theorems": ("reach-0",)})
    with pytest.raises(KeyboardInterrupt):
        train(config(trajectories=(str(path),), options={"tally": {"stop_at": 2}}), Path("out"))
    kept = Path("out/train.toml").read_text()

    class Refusing:
        def train(self, request: TrainingRequest) -> Path:
            request.report(TrainingReport(0, 4, messages=["reading"]))
            raise refusal("--tally-small: resume with what it was trained with")

    monkeypatch.setattr(Components, "trainer", lambda self: Refusing())
    with pytest.raises(refusal, match="--tally-small"):
        train(config(trajectories=(str(path),), options={"tally": {"small": 2.0}}), Path("out"), resume=True)
    assert Path("out/train.toml").read_text() == kept


def test_after_trajectories_that_were_refused_a_plain_resume_goes_on() -> None:
    """Catches trajectories that the trainer can't use and the folder names from then on."""
    path, unproved = search("runs/a"), search("runs/b", search={"limit": {"expansions": 0}})
    with pytest.raises(KeyboardInterrupt):
        train(config(trajectories=(str(path),), options={"tally": {"stop_at": 2}}), Path("out"))
    with pytest.raises(InputError, match="no search found a proof"):
        train(config(trajectories=(str(unproved),)), Path("out"), resume=True)
    begun = training_settings(Path("out"))
    assert begun is not None
    assert begun.trajectories == (str(path.absolute()),)
    begun.options["tally"]["stop_at"] = None
    train(begun, Path("out"), resume=True)
    assert learnt(Path("out"))["step"] == 4


def test_a_training_with_nothing_left_to_do_does_not_name_trajectories_that_it_never_learnt_from() -> None:
    path, other = search("runs/a", select={"theorems": ("reach-0",)}), search("runs/b")
    train(config(trajectories=(str(path),)), Path("out"))
    kept = Path("out/train.toml").read_text()
    summary = train(config(trajectories=(str(other),)), Path("out"), resume=True)
    assert Path("out/train.toml").read_text() == kept
    assert summary.trajectories == (str(path.absolute()),)
    # More steps are made, so what they are made with is kept.
    train(config(trajectories=(str(path),), options={"tally": {"steps": 5}}), Path("out"), resume=True)
    begun = training_settings(Path("out"))
    assert begun is not None
    assert begun.options["tally"]["steps"] == 5


def test_options_that_a_training_went_on_with_are_kept_when_it_is_stopped() -> None:
    path = str(search("runs/a", select={"theorems": ("reach-0",)}))
    for number, stop in enumerate((1, 3)):
        with pytest.raises(KeyboardInterrupt):
            train(config(trajectories=(path,), options={"tally": {"stop_at": stop}}), Path("out"), resume=number > 0)
    begun = training_settings(Path("out"))
    assert begun is not None
    assert begun.options["tally"]["stop_at"] == 3


def test_what_was_asked_is_kept_with_every_default(here: Path) -> None:
    search("runs/a", select={"theorems": ("reach-0",)})
    train(config(trajectories=("runs/a",)), Path("out"))
    kept = tomllib.loads(Path("out/train.toml").read_text())
    assert kept["trajectories"] == [str(here / "runs/a")]
    assert kept["options"]["plain"] == {"margin": 1.0}
    assert "demonstrated" not in kept["options"], "nothing was recorded with it"
    assert training_settings(Path("nowhere")) is None
    Path("out/train.toml").write_text("plug = 1")
    with pytest.raises(InputError, match=r"out/train.toml: plug: no such key.*did you mean 'plugin'"):
        training_settings(Path("out"))


def test_a_folder_that_is_taken_is_refused() -> None:
    path = search("runs/a", select={"theorems": ("reach-0",)})
    asked = config(trajectories=(str(path),))
    train(asked, Path("out"))
    before = learnt(Path("out"))
    with pytest.raises(InputError, match="out: already holds a checkpoint; resume it with --resume"):
        train(asked, Path("out"))
    assert learnt(Path("out")) == before
    with pytest.raises(InputError, match=r"the folder is not empty and not a checkpoint \(it holds 'config.toml'\)"):
        train(asked, path)
    with pytest.raises(InputError, match="a file is in the way"):
        train(asked, Path("out/tally.json"))
    with pytest.raises(InputError, match="nowhere: no such folder; --resume continues a training"):
        train(asked, Path("nowhere"), resume=True)
    kept = {str(one): one.read_bytes() for one in path.rglob("*") if one.is_file()}
    Path("empty").mkdir()
    for place in (Path("empty"), path):
        with pytest.raises(InputError, match=r"no training was begun here .* leave --resume out"):
            train(asked, place, resume=True)
    assert {str(one): one.read_bytes() for one in path.rglob("*") if one.is_file()} == kept


def test_a_training_that_was_refused_its_data_can_be_begun_again_in_the_same_folder() -> None:
    path = search("runs/a", select={"theorems": ("reach-0",)}, search={"limit": {"expansions": 0}})
    with pytest.raises(InputError, match="no search found a proof"):
        train(config(trajectories=(str(path),)), Path("out"))
    train(config(trajectories=(str(search("runs/b")),)), Path("out"))


def test_a_trainer_that_leaves_no_checkpoint_is_named() -> None:
    path = search("runs/a", select={"theorems": ("reach-0",)})
    with pytest.raises(PluginError, match="the trainer 'idle' ended and left no checkpoint at out"):
        train(TrainConfig(env="shown", plugin="idle", trajectories=(str(path),)), Path("out"))


def test_a_report_may_leave_everything_out_but_the_steps() -> None:
    report = TrainingReport(1, 2)
    assert (dict(report.metrics), tuple(report.messages)) == ({}, ())


# ------------------------------------------------------------------------------------------------ one at a time


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_in_which_another_process_trains_is_refused(here: Path, resume: bool) -> None:
    # Both trainings ended well once, and one had deleted the other's weights.
    path, out = search("mine"), Path("ckpt")
    arguments = config(trajectories=(str(path),))
    refused: list[str] = []

    def second(event: Event) -> None:
        if isinstance(event, Progressed) and event.report.step == 2:
            with pytest.raises(RunFolderError if resume else InputError) as error:
                train(arguments, out, resume=resume)
            refused.append(str(error.value))

    if resume:
        train(config(trajectories=(str(path),), options={"tally": {"steps": 1}}), out)
    first = train(arguments, out, resume=resume, on_event=second)
    assert first.metrics["steps"] == 4
    in_use = f"ckpt: another process (pid {os.getpid()}) is writing to this checkpoint; wait for it, stop it, or"
    assert len(refused) == 1
    assert refused[0].startswith(in_use if resume else "ckpt: already holds a checkpoint")
    assert train(arguments, out, resume=True).metrics["steps"] == 4, "the lock goes with who held it"


# ------------------------------------------------------------------------------------------------------ who watches


@pytest.fixture
def watched(fake_prover: Site) -> None:
    fake_prover.install("fake-watchers", {"notes": "fakewatchers"})


def observed(*names: str, **notes: str) -> TrainConfig:
    return config(trajectories=("runs/a",), observers=names, options={"notes": {"path": "notes.txt", **notes}})


@pytest.mark.usefixtures("watched")
def test_an_observer_is_told_of_a_training_from_its_beginning_to_its_end() -> None:
    search("runs/a", select={"theorems": ("reach-0",)})
    train(observed("notes"), Path("out"))
    told = Path("notes.txt").read_text().splitlines()
    reports = [f"reported {step}" for step in (1, 2, 3, 4)]
    assert told == ["training_started out False", *reports, "training_finished 4", "close"]
    Path("notes.txt").unlink()
    train(observed("notes"), Path("out"), resume=True)
    assert Path("notes.txt").read_text().splitlines()[0] == "training_started out True"


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("method", ["training_started", "reported", "training_finished", "close"])
def test_an_observer_that_raises_is_named_and_the_training_is_the_same(method: str) -> None:
    search("runs/a", select={"theorems": ("reach-0",)})
    events: list[Event] = []
    train(observed("notes", raises_in=method), Path("out"), on_event=events.append)
    (warned,) = [event for event in events if isinstance(event, Warned)]
    assert f"observer 'notes' of plugin 'notes': {method}() raised RuntimeError: out of ink" in warned.message
    assert learnt(Path("out"))["searches"] == ["reach-0"]
    told = Path("notes.txt").read_text().splitlines()
    assert told[-2:] == [told[-2], "close"] and told.count("close") == 1
    assert sum(line.startswith(method) for line in told) == 1


@pytest.mark.usefixtures("watched")
def test_an_observer_that_watches_no_trainings_is_refused() -> None:
    search("runs/a", select={"theorems": ("reach-0",)})
    with pytest.raises(UsageError, match=r"--observe: the observer 'runs-alone' .* doesn't watch trainings"):
        train(observed("notes", "runs-alone"), Path("out"))
    assert not (Path("out") / "manifest.json").exists()


@pytest.mark.usefixtures("watched")
def test_an_observer_that_watches_no_trainings_is_refused_before_anything_is_recorded() -> None:
    with pytest.raises(UsageError, match="--observe: the observer 'runs-alone'"):
        train(config(observers=("runs-alone",)), Path("out"))
    assert not Path("runs").exists()
