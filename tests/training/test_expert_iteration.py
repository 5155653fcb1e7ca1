"""Expert iteration without the command line: what each round learns from, what is measured, and how it goes on."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from installing import Site

from proofsearch.config import IterateConfig
from proofsearch.errors import InputError, PluginError, RunFolderError, UsageError
from proofsearch.plugins.discovery import Plugins
from proofsearch.protocols.events import Event, Noted, Progressed, Recorded
from proofsearch.runs import RunFolder
from proofsearch.storage.lock import FolderLock
from proofsearch.training.expert_iteration import IterationSummary, check, iterate, iteration_settings, resume_iteration

OUT = Path("out")


@pytest.fixture(autouse=True)
def here(fake_prover: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with the test prover and the test trainer installed."""
    fake_prover.install("fake-trainer", {"faketrainer": "faketrainer"})
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def config(**fields: Any) -> IterateConfig:
    fields["options"] = {"local": {"mode": "threads"}, **fields.get("options", {})}
    fields.setdefault("search", {"limit": {"expansions": 24}})
    return IterateConfig(
        **{
            "env": "shown",
            "generator": "fake",
            "plugin": "tally",
            "rounds": 2,
            "theorems": 4,
            "validation": 4,
            "execution": {"workers": 2},
            **fields,
        }
    )


def learnt(number: int) -> dict[str, Any]:
    values = json.loads((OUT / f"round-{number}/checkpoint/tally.json").read_text())
    assert isinstance(values, dict)
    return values


def run(place: str) -> RunFolder:
    return RunFolder.open(OUT / place)


def names(place: str) -> list[str]:
    return [theorem.name for theorem in run(place).theorems]


def settled(summary: IterationSummary) -> list[tuple[Any, ...]]:
    """The rows without their metrics' order."""
    return [
        (row.round, row.proved, row.found, row.base_proved, row.value_proved, row.only_base, row.only_value)
        for row in summary.rounds
    ]


def test_each_round_searches_learns_from_all_rounds_and_is_measured() -> None:
    summary = iterate(config(), OUT)
    first, second = run("round-0/search").config, run("round-1/search").config
    assert (first.scorer, second.scorer) == ("logprob", "tally")
    assert second.options["tally"]["path"] == str((OUT / "round-0/checkpoint").absolute())
    assert first.select == second.select
    assert {theorem.split for theorem in run("round-0/search").theorems} == {"train"}
    assert {theorem.split for theorem in run("round-0/validation-value").theorems} == {"validation"}
    assert learnt(0)["searches"] == sorted(names("round-0/search"))
    assert learnt(1)["searches"] == sorted([*names("round-0/search"), *names("round-1/search")])
    value = run("round-1/validation-value").config
    assert value.options["tally"]["path"] == str((OUT / "round-1/checkpoint").absolute())
    assert names("round-0/validation-base") == names("round-1/validation-value")
    assert not (OUT / "round-1/validation-base").exists(), "it would be that of the first round once more"
    table = json.loads((OUT / "iterate.json").read_text())
    assert [row["round"] for row in table["rounds"]] == [row.round for row in summary.rounds] == [0, 1]
    assert table["rounds"][1]["checkpoint"] == "round-1/checkpoint"
    assert table["rounds"][1]["metrics"]["steps"] == 4


def test_the_rows_are_counted_from_the_runs() -> None:
    row = iterate(config(rounds=1), OUT).rounds[0]
    base, value = run("round-0/validation-base").results(), run("round-0/validation-value").results()

    def proved(results: Mapping[str, Any]) -> set[str]:
        return {name for name, result in results.items() if result.proved}

    both = proved(base) & proved(value)
    assert both
    assert proved(value) - proved(base), "without this the test would show little"
    assert (row.base_proved, row.value_proved, row.validation) == (len(proved(base)), len(proved(value)), 4)
    assert (row.only_base, row.only_value) == (len(proved(base) - both), len(proved(value) - both))
    assert row.base_expansions == sum(result.expansions for result in base.values())
    assert row.both_value_expansions == sum(value[name].expansions for name in both)
    assert row.found == row.proved == len(proved(run("round-0/search").results()))
    assert 0 < row.p_value <= 1


def test_found_counts_what_no_round_before_proved() -> None:
    rows = iterate(config(), OUT).rounds
    before, after = (
        {name for name, result in run(f"round-{number}/search").results().items() if result.proved} for number in (0, 1)
    )
    assert after - before, "the value proves more of the same theorems here"
    assert (rows[0].found, rows[1].found) == (len(before), len(after - before))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"theorems": 2, "search": {"limit": {"expansions": 200}}}, lambda: len(names("round-0/search")) == 2),
        ({"validation": 3}, lambda: len(names("round-0/validation-base")) == 3),
        ({"rounds": 2}, lambda: (OUT / "round-1/validation-value").is_dir()),
        ({"seed": 5}, lambda: run("round-0/search").config.seed == learnt(0)["seed"] == 5),
        (
            {"fresh": True, "theorems": 2, "rounds": 2, "search": {"limit": {"expansions": 200}}},
            lambda: names("round-0/search") != names("round-1/search"),
        ),
        ({"search": {"candidates": 2}}, lambda: run("round-0/validation-value").config.search.candidates == 2),
        ({"options": {"tally": {"steps": 2}}}, lambda: learnt(0)["step"] == 2),
        (
            {"options": {"tally": {"turn": True}}},
            lambda: run("round-0/validation-value").config.options["tally"]["turn"],
        ),
        ({"options": {"plain": {"margin": 4.0}}}, lambda: learnt(0)["losses"]["plain"] == ["1", 4.0]),
        ({"options": {"shown": {"offset": 2}}}, lambda: run("round-0/search").config.options["shown"]["offset"] == 2),
    ],
)
def test_a_setting_reaches_the_rounds(fields: dict[str, Any], expected: Any) -> None:
    iterate(config(**{"rounds": 1, **fields}), OUT)
    assert expected()


def test_the_scorer_gets_the_trainers_encoder_with_its_options() -> None:
    iterate(config(rounds=1, options={"hashed": {"width": 32}}), OUT)
    searched = run("round-0/validation-value").config.options
    assert learnt(0)["width"] == searched["hashed"]["width"] == 32
    assert searched["tally"]["encoder"] == "hashed"


def test_options_of_one_name_keep_each_their_own_default() -> None:
    iterate(config(rounds=1), OUT)
    assert run("round-0/validation-value").config.options["tally"]["delay"] == 3
    kept = tomllib.loads((OUT / "round-0/checkpoint/train.toml").read_text())
    assert kept["options"]["tally"]["delay"] == 0.5


def test_recorded_searches_can_be_learnt_from_as_well() -> None:
    iterate(config(rounds=1, seed=1), Path("earlier"))
    given = Path("earlier/round-0/search")
    iterate(config(rounds=1, trajectories=(str(given),)), OUT)
    recorded = [theorem.name for theorem in RunFolder.open(given).theorems]
    assert learnt(0)["searches"] == sorted([*names("round-0/search"), *recorded])


# ----------------------------------------------------------------------------------------------------------- the policy


def test_the_policy_learns_from_the_proofs_of_the_rounds_before() -> None:
    options = {"knn": {"smoothing": 0.2}}
    iterate(config(generator="knn", train_policy=True, options=options), OUT)
    policy = str((OUT / "round-0/policy.parquet").absolute())
    assert run("round-0/search").config.options["knn"]["trajectories"] is None
    for place in ("round-1/search", "round-0/validation-base", "round-0/validation-value"):
        assert run(place).config.options["knn"]["trajectories"] == policy
    last = run("round-1/validation-base").config.options["knn"]
    assert last["trajectories"] == str((OUT / "round-1/policy.parquet").absolute())
    assert last["smoothing"] == 0.2


def test_without_a_proof_the_policy_stays_as_it_is() -> None:
    events: list[Event] = []
    chosen = config(generator="knn", train_policy=True, search={"limit": {"expansions": 0}})
    with pytest.raises(InputError, match="no search found a proof"):
        iterate(chosen, OUT, on_event=events.append)
    assert Noted("round 0: no proof was found, so the policy has nothing new to learn from") in events


# ------------------------------------------------------------------------- a trainer whose checkpoints are a policy's


@pytest.fixture
def guess(fake_prover: Site) -> None:
    """A policy that can be trained, and its trainer."""
    fake_prover.install("fake-policy", {"fakepolicy": "fakepolicy"})


def guessed(number: int) -> dict[str, Any]:
    values = json.loads((OUT / f"round-{number}/checkpoint/guess.json").read_text())
    assert isinstance(values, dict)
    return values


@pytest.mark.usefixtures("guess")
def test_a_policy_is_searched_with_measured_and_trained_on_from_round_to_round() -> None:
    events: list[Event] = []
    chosen = config(plugin="guess", generator="guess", search={"limit": {"expansions": 40}})
    rows = iterate(chosen, OUT, on_event=events.append).rounds
    first, second = run("round-0/search").config, run("round-1/search").config
    learnt_first = str((OUT / "round-0/checkpoint").absolute())
    assert (first.generator, first.scorer, first.options["guess"]["path"]) == ("guess", "logprob", None)
    assert (second.generator, second.scorer, second.options["guess"]["path"]) == ("guess", "logprob", learnt_first)
    base, value = run("round-0/validation-base").config, run("round-1/validation-value").config
    assert (base.generator, base.options["guess"]["path"]) == ("guess", None)
    assert value.options["guess"]["path"] == str((OUT / "round-1/checkpoint").absolute())
    assert not (OUT / "round-1/validation-base").exists()
    assert rows[0].value_proved > rows[0].base_proved, "trained it halves"
    assert rows[1].found > 0
    assert (guessed(0)["start"], guessed(0)["begun"]) == (None, 1)
    assert (guessed(1)["start"], guessed(1)["begun"]) == (learnt_first, 2), "each training goes on with the last one"
    assert guessed(1)["proved"] == rows[0].proved + rows[1].proved
    assert Noted("round 1: searching training theorems with the policy of round 0") in events


@pytest.mark.usefixtures("guess")
def test_a_policy_can_begin_with_another_and_with_a_checkpoint() -> None:
    options = {"guess": {"bold": True}}
    iterate(config(plugin="guess", generator="fake", rounds=2, options=options), OUT)
    assert run("round-0/search").config.generator == run("round-0/validation-base").config.generator == "fake"
    assert run("round-1/search").config.generator == run("round-0/validation-value").config.generator == "guess"
    assert run("round-1/search").config.options["guess"]["bold"]
    earlier = str((OUT / "round-1/checkpoint").absolute())
    Path("out").rename("earlier")
    earlier = earlier.replace("/out/", "/earlier/")
    iterate(
        config(plugin="guess", generator="guess", rounds=2, options={"guess": {"path": earlier, "start": earlier}}), OUT
    )
    assert run("round-0/search").config.options["guess"]["path"] == earlier
    assert (guessed(0)["begun"], guessed(1)["begun"]) == (3, 4)


@pytest.mark.usefixtures("guess")
def test_an_iteration_of_a_policy_goes_on_where_it_was_stopped() -> None:
    chosen = config(plugin="guess", generator="guess")
    expected = settled(iterate(chosen, Path("whole")))
    for count in (6, 10, 14):
        shutil.rmtree(OUT, ignore_errors=True)
        with pytest.raises(KeyboardInterrupt):
            iterate(chosen, OUT, on_event=stop_at(count, Recorded))
        assert settled(resume_iteration(OUT)) == expected


@pytest.mark.usefixtures("guess")
def test_a_training_that_was_begun_without_the_checkpoint_before_goes_on_without_it() -> None:
    """Trainers get the option in later versions; the iteration of an earlier one could not be resumed otherwise."""
    iterate(config(plugin="guess", generator="guess"), OUT)
    settings = OUT / "round-1/checkpoint/train.toml"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("start = ")]
    assert len(lines) == len(settings.read_text().splitlines()) - 1
    settings.write_text("\n".join(lines) + "\n")
    for left in ("round-1/checkpoint/manifest.json", "round-1/checkpoint/guess.json"):
        (OUT / left).unlink()
    shutil.rmtree(OUT / "round-1/validation-value")
    resume_iteration(OUT)
    assert (guessed(1)["start"], guessed(1)["begun"]) == (None, 1)


@pytest.mark.usefixtures("guess")
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"train_policy": True}, "train_policy: what 'guess' trains is the policy"),
        (
            {"generator": "fake", "options": {"guess": {"path": "x"}}},
            r"options.guess.path: the first round searches with the generator 'fake'; choose --generator guess",
        ),
        ({"options": {"guess": {"pat": "x"}}}, "'guess' has no option 'pat'"),
    ],
)
def test_what_makes_no_sense_of_a_policy_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        iterate(config(**{"plugin": "guess", "generator": "guess", **fields}), OUT)
    assert not OUT.exists()


@pytest.mark.usefixtures("guess")
@pytest.mark.parametrize("generator", ["guess", "fake"])
def test_the_checked_configuration_of_a_policy_is_accepted_again(generator: str) -> None:
    plugins = Plugins.discover()
    once = check(plugins, config(plugin="guess", generator=generator))
    assert check(plugins, once) == once


# --------------------------------------------------------------------------------------------------------- going on


def stop_at(count: int, kind: type[Recorded] | type[Progressed]) -> Any:
    """A listener that presses Ctrl-C at the n-th event of a kind."""
    seen = 0

    def listen(event: Event) -> None:
        nonlocal seen
        seen += isinstance(event, kind)
        if seen == count:
            seen += 1
            raise KeyboardInterrupt

    return listen


@pytest.fixture(scope="module")
def undisturbed() -> list[tuple[Any, ...]]:
    """The rows of an iteration that nothing stopped, once there is one."""
    return []


@pytest.mark.parametrize(
    ("count", "kind"),
    [(1, Recorded), (3, Progressed), (6, Recorded), (13, Recorded), (5, Progressed)],
)
def test_it_goes_on_wherever_it_was_stopped(count: int, kind: Any, undisturbed: list[tuple[Any, ...]]) -> None:
    if not undisturbed:
        undisturbed.extend(settled(iterate(config(), Path("whole"))))
    with pytest.raises(KeyboardInterrupt):
        iterate(config(), OUT, on_event=stop_at(count, kind))
    events: list[Event] = []
    assert settled(resume_iteration(OUT, on_event=events.append)) == undisturbed
    assert learnt(1)["step"] == 4
    done_twice = sum(isinstance(event, Recorded) for event in events) + count
    if kind is Recorded:
        assert done_twice == 20, "2 searches of 4, one baseline of 4, and 2 with the value: no theorem twice"


def test_a_finished_iteration_does_nothing_again_and_can_have_more_rounds() -> None:
    summary = iterate(config(rounds=1), OUT)
    events: list[Event] = []
    assert settled(resume_iteration(OUT, on_event=events.append)) == settled(summary)
    assert events == []
    again = resume_iteration(OUT, rounds=2)
    assert settled(again)[:1] == settled(summary)
    assert len(again.rounds) == 2
    assert iteration_settings(OUT).rounds == 2


def test_a_training_that_had_not_saved_is_begun_again() -> None:
    with pytest.raises(KeyboardInterrupt):
        iterate(config(rounds=1), OUT, on_event=stop_at(2, Progressed))
    shutil.rmtree(OUT / "round-0/checkpoint")
    assert len(resume_iteration(OUT).rounds) == 1


def test_what_was_asked_is_kept_with_every_default(here: Path) -> None:
    iterate(config(rounds=1), OUT)
    kept = tomllib.loads((OUT / "iterate.toml").read_text())
    assert kept["options"]["plain"] == {"margin": 1.0}
    assert kept["options"]["tally"]["turn"] is False
    assert "path" not in kept["options"]["tally"], "that is each round's own"


def test_two_at_once_are_refused() -> None:
    iterate(config(rounds=1), OUT)
    lock = FolderLock(OUT / "iterate.lock")
    lock.acquire()
    try:
        with pytest.raises(RunFolderError, match="another process"):
            resume_iteration(OUT)
    finally:
        lock.release()


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"plugin": "idle"}, PluginError, "no scorer is named 'idle'"),
        (
            {"plugin": "small"},
            UsageError,
            r"plugin: the scorer 'small' reads no checkpoint \(it has no option 'path'\)",
        ),
        ({"options": {"tally": {"path": "x"}}}, UsageError, "options.tally.path: every round has the checkpoint of"),
        ({"options": {"tally": {"pat": "x"}}}, UsageError, "'tally' has no option 'pat'"),
        ({"options": {"random": {"seed": 1}}}, UsageError, "the scorer 'random' is not chosen, 'tally' is; .*--plugin"),
        ({"train_policy": True}, UsageError, "train_policy: the generator 'fake' can't learn from recorded searches"),
        (
            {"train_policy": True, "generator": "knn", "options": {"knn": {"trajectories": "x"}}},
            UsageError,
            "options.knn.trajectories: with --train-policy every round sets this",
        ),
        ({"options": {"shown": {"size": 1}}}, UsageError, "no theorem is in the split 'validation'"),
        ({"options": {"shown": {"splits": False}}}, UsageError, "this environment doesn't split its theorems"),
    ],
)
def test_what_can_not_be_done_is_refused_before_anything_is(
    fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        iterate(config(**fields), OUT)
    assert not OUT.exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"options": {"tally": {"needs": "nowhere"}}}, "--tally-needs .*nowhere: no such file"),
        ({"trajectories": ("nowhere",)}, "nowhere: no such file or folder"),
    ],
)
def test_what_the_first_training_would_refuse_is_refused_before_the_first_round(
    fields: dict[str, Any], message: str
) -> None:
    """Catches hours of searches that nothing is learnt from in the end."""
    with pytest.raises(InputError, match=message):
        iterate(config(**fields), OUT)
    assert not OUT.exists()


def test_what_the_next_training_would_refuse_is_refused_before_its_searches() -> None:
    Path("file").touch()
    iterate(config(rounds=1, options={"tally": {"needs": "file"}}), OUT)
    Path("file").unlink()
    with pytest.raises(InputError, match="--tally-needs"):
        resume_iteration(OUT, rounds=2)
    assert not (OUT / "round-1").exists()
    # Nothing is left to train.
    assert len(resume_iteration(OUT).rounds) == 1


def test_a_folder_that_is_taken_and_one_that_is_none_are_refused() -> None:
    iterate(config(rounds=1), OUT)
    with pytest.raises(InputError, match="out: already holds an expert iteration; resume it with --resume out"):
        iterate(config(), OUT)
    with pytest.raises(InputError, match=r"the folder is not empty \(it holds 'checkpoint'\)"):
        iterate(config(), OUT / "round-0")
    with pytest.raises(InputError, match=r"out/round-0: no expert iteration \(it has no iterate.toml\)"):
        resume_iteration(OUT / "round-0")
    with pytest.raises(InputError, match="a file is in the way"):
        iterate(config(), OUT / "iterate.toml")


def test_the_checked_configuration_is_accepted_again() -> None:
    plugins = Plugins.discover()
    once = check(plugins, config(trajectories=("x",)))
    assert check(plugins, once) == once
