"""Whether a training may be resumed. Would catch: another training that is taken for the one that was begun."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proofsearch.checkpoint import Manifest, write_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch.trainers.settings import Settings, holds_training, load_training
from proofsearch.trainers.state import TrainingState, save_state

OPTIONS = {"width": 8, "epochs": 4.0, "steps": None, "patience": 3, "threads": 1, "warm_restart": False}


def settings(seed: int = 0, **changes: Any) -> Settings:
    runtime = frozenset({"threads", "warm_restart"})
    return Settings(
        "mine", OPTIONS | changes, seed, runtime, runtime | {"epochs", "steps", "patience"}, ("steps", "epochs")
    )


def finish(out: Path, stopped: str = "steps", **config: Any) -> None:
    write_manifest(out, Manifest("scorer", "mine", config=config, metrics={"stopped": stopped}), [])


@pytest.mark.parametrize(
    ("seed", "changes"), [(0, {}), (0, {"threads": 2}), (0, {"epochs": 2.0}), (0, {"patience": 9})]
)
def test_what_does_not_change_what_is_learnt_may_change(tmp_path: Path, seed: int, changes: dict[str, Any]) -> None:
    settings(seed, **changes).check(tmp_path, settings().origin("data"))


@pytest.mark.parametrize(
    ("seed", "changes", "message"),
    [
        (0, {"width": 9}, r"--mine-width: .*was trained with 8, found 9"),
        (1, {}, r"--seed: .*was trained with 0, found 1"),
        (0, {"epochs": 5.0}, r"--mine-epochs: .*begun with 4\.0, .* with 5\.0 it would rise .* --mine-warm-restart"),
        (0, {"steps": 9}, r"--mine-steps: .*begun with None, .* with 9 it would rise"),
    ],
)
def test_another_or_a_longer_training_is_refused(
    tmp_path: Path, seed: int, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        settings(seed, **changes).check(tmp_path, settings().origin("data"))


def test_an_option_that_an_earlier_version_did_not_have_has_to_be_off(tmp_path: Path) -> None:
    before = settings().origin("data")
    settings(append=[], extra=None).check(tmp_path, before)
    with pytest.raises(UsageError, match=r"--mine-append: .*was trained with None, found \['policy'\]"):
        settings(append=["policy"]).check(tmp_path, before)


def test_an_option_of_a_component_may_not_change_where_it_was_noted(tmp_path: Path) -> None:
    def losses(**options: Any) -> Settings:
        return replace(settings(), components={"focal_loss": {"gamma": 2.0} | options})

    before = losses().origin("data")
    losses().check(tmp_path, before)
    losses(smooth=False).check(tmp_path, before)  # an earlier version had no such option
    with pytest.raises(UsageError, match=r"--focal_loss-gamma: .*was trained with 2\.0, found 3\.0"):
        losses(gamma=3.0).check(tmp_path, before)
    del before["components"]
    losses(gamma=3.0).check(tmp_path, before)


def test_the_first_length_that_is_set_counts_and_a_longer_one_can_be_asked_for(tmp_path: Path) -> None:
    before = settings(steps=9).origin("data")
    settings(steps=9, epochs=99.0).check(tmp_path, before)
    with pytest.raises(UsageError, match="--mine-steps"):
        settings(steps=10).check(tmp_path, before)
    settings(steps=10, warm_restart=True).check(tmp_path, before)


def test_other_data_are_refused(tmp_path: Path) -> None:
    settings().check_data(tmp_path, settings().origin("data"), "data")
    with pytest.raises(InputError, match="other data than mine reads now"):
        settings().check_data(tmp_path, settings().origin("data"), "others")


def test_a_training_is_done_where_the_checkpoint_is_what_would_come_out(tmp_path: Path) -> None:
    def finished(seed: int = 0, **changes: Any) -> bool:
        return settings(seed, **changes).finished(tmp_path, kind="scorer", name="mine") is not None

    assert not finished()
    finish(tmp_path, training=OPTIONS)
    assert finished() and finished(threads=7)
    assert not finished(patience=7) and not finished(width=9)
    finish(tmp_path, "time", training=OPTIONS)
    assert not finished()


@pytest.mark.parametrize("config", [{"training": OPTIONS | {"seed": 3}}, {"training": OPTIONS, "seed": 3}])
def test_a_checkpoint_of_another_seed_is_not_what_would_come_out(tmp_path: Path, config: dict[str, Any]) -> None:
    finish(tmp_path, **config)
    assert settings(3).finished(tmp_path, kind="scorer", name="mine") is not None
    assert settings(0).finished(tmp_path, kind="scorer", name="mine") is None


@pytest.mark.parametrize("left", ["checkpoint", "generation", "marker"])
def test_a_folder_that_holds_a_training_is_taken_only_to_resume_it(tmp_path: Path, left: str) -> None:
    marker = {"marker": "begun.json"} if left == "marker" else {}
    assert not holds_training(tmp_path, resume=False, **marker)
    if left == "checkpoint":
        finish(tmp_path)
    elif left == "generation":
        save_state(tmp_path, TrainingState(1, {}, {}))
    else:
        (tmp_path / "begun.json").write_text("{}")
    assert holds_training(tmp_path, resume=True, **marker)
    with pytest.raises(UsageError, match=r"holds a training already; .*--resume"):
        holds_training(tmp_path, resume=False, **marker)


def test_a_checkpoint_alone_can_not_be_resumed(tmp_path: Path) -> None:
    finish(tmp_path)
    with pytest.raises(InputError, match=r"without the state of its training \(latest\.json\)"):
        load_training(tmp_path)
    save_state(tmp_path, TrainingState(1, {}, {"a": 1}))
    assert load_training(tmp_path).values == {"a": 1}
