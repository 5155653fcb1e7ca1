"""Each tracker's real library, written to by a real search and a real training, and read back.

Would catch: figures at a wrong step or under another name, several runs in the tracker for the workers of one, a run
that is begun anew when it is resumed, and whatever a library's new version does otherwise.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proofsearch.runs import RunFolder

TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio", "opentelemetry")
ABSENT = (
    "a tracker's library is not installed: pip install 'proofsearch-trackers[tensorboard,wandb,mlflow,trackio,"
    "opentelemetry]'"
)


def run(folder: Path, *arguments: str) -> None:
    variables = {"WANDB_MODE": "offline", "TRACKIO_DIR": str(folder / "trackio"), "WANDB_CACHE_DIR": str(folder)}
    observed = [word for name in TRACKERS for word in ("--observe", name)]
    options = ["--opentelemetry-path", "spans.jsonl", "--opentelemetry-shortest", "0"]
    options += [word for name in TRACKERS[:-1] for word in (f"--{name}-interval", "0")]
    done = subprocess.run(
        [sys.executable, "-m", "proofsearch", *arguments, *observed, *options, "-q"],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run by two worker processes, half of which was done in a second session, and a training."""
    for module in ("tensorboard", "wandb", "mlflow", "trackio", "opentelemetry.sdk"):
        pytest.importorskip(module, reason=ABSENT)
    folder = tmp_path_factory.mktemp("tracked")
    run(
        folder,
        "search",
        "--split",
        "train",
        "--limit",
        "6",
        "--max-expansions",
        "8",
        "--workers",
        "2",
        "--out",
        "first",
    )
    results = folder / "first" / "results.jsonl"
    results.write_text("".join(results.read_text().splitlines(keepends=True)[:3]))
    done = subprocess.run(
        [sys.executable, "-m", "proofsearch", "search", "--resume", "first", "-q"],
        cwd=folder,
        env=os.environ | {"WANDB_MODE": "offline", "TRACKIO_DIR": str(folder / "trackio")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    small = ["--confidence-folds", "2", "--confidence-resamples", "10"]
    run(folder, "train", "--plugin", "confidence", "--trajectories", "first", "--out", "ckpt", *small)
    return folder


@pytest.fixture(scope="module")
def proved(folder: Path) -> int:
    """How many theorems the run proved."""
    return sum(result.proved for result in RunFolder.open(folder / "first").results().values())


STEPS = [1, 2, 3, 4, 5, 6, 6, 4, 5, 6, 6]
"""The steps of the figures of a run: six theorems and the end, then three of them once more and the end."""


def test_tensorboard(folder: Path, proved: int) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder / "first" / "tensorboard"))
    read.Reload()
    last = read.Scalars("run/proved")[-1]
    assert (last.step, last.value) == (6, proved)
    assert {event.step for event in read.Scalars("search/proved")} == set(STEPS)
    assert b"| env | metamath |" in read.Tensors("settings")[0].tensor_proto.string_val[0]
    trained = EventAccumulator(str(folder / "ckpt" / "tensorboard"))
    trained.Reload()
    assert {"train/rank", "checkpoint/theorems"} <= set(trained.Tags()["scalars"])


def _wandb_records(file: Path) -> Iterator[Any]:
    """The records of a run that was written offline: a log as LevelDB has it, of 32 KiB blocks."""
    from wandb.proto import wandb_internal_pb2

    data, place, whole = file.read_bytes(), 7, b""
    assert data.startswith(b":W&B")
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or its last piece
            record = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            whole = b""
            yield record


def test_wandb(folder: Path, proved: int) -> None:
    history: list[dict[str, Any]] = []
    runs: list[tuple[str, str]] = []
    for file in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for record in _wandb_records(file):
            if record.WhichOneof("record_type") == "run":
                runs.append((record.run.display_name, record.run.run_id))
                config = {update.key: json.loads(update.value_json) for update in record.run.config.update}
                assert config["env"] == "metamath"
            elif record.WhichOneof("record_type") == "history":
                items = {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
                }
                history.append(items | {"step": record.history.step.num})
    names = [name for name, _ in runs]
    assert sorted(names) == ["ckpt", "first", "first"]
    # The resumed run is the same to Weights & Biases, and no worker made one of its own.
    assert len({identity for name, identity in runs if name == "first"}) == 1
    ended = [row for row in history if "run/proved" in row]
    assert [(row["step"], row["run/proved"]) for row in ended] == [(6, proved), (6, proved)]
    assert any("train/rank" in row for row in history)


def test_mlflow(folder: Path, proved: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    code = (
        "import json, sys\n"
        "from mlflow.tracking import MlflowClient\n"
        "client = MlflowClient(tracking_uri=sys.argv[1])\n"
        "number = client.get_experiment_by_name('proofsearch').experiment_id\n"
        "found = []\n"
        "for run in client.search_runs([number]):\n"
        "    names = ('run/proved', 'search/proved', 'train/rank')\n"
        "    history = {name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]\n"
        "               for name in names if name in run.data.metrics}\n"
        "    found.append([run.info.run_name, run.info.status, run.data.params.get('env'), history])\n"
        "print(json.dumps(found))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, (folder / "mlruns").as_uri()], capture_output=True, text=True, check=True
    )
    found = {name: (status, env, history) for name, status, env, history in json.loads(done.stdout)}
    assert found.keys() == {"first", "ckpt"}
    status, env, history = found["first"]
    assert (status, env) == ("FINISHED", "metamath")
    assert history["run/proved"] == [[6, proved], [6, proved]]
    assert sorted(step for step, _ in history["search/proved"]) == sorted(STEPS)
    assert "train/rank" in found["ckpt"][2]


def test_trackio(folder: Path, proved: int) -> None:
    code = (
        "import json\n"
        "from trackio.sqlite_storage import SQLiteStorage as Storage\n"
        "print(json.dumps({name: Storage.get_logs('proofsearch', name) for name in Storage.get_runs('proofsearch')}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TRACKIO_DIR": str(folder / "trackio")},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.keys() == {"first", "ckpt"}
    assert [row["step"] for row in found["first"]] == STEPS
    assert [row["run/proved"] for row in found["first"] if "run/proved" in row] == [proved, proved]
    assert any("train/rank" in row for row in found["ckpt"])


def test_the_spans_of_all_processes_are_one_trace(folder: Path, proved: int) -> None:
    spans = [json.loads(line) for line in (folder / "spans.jsonl").read_text().splitlines()]
    trained = [span for span in spans if span["name"] == "train"]
    assert [span["attributes"]["proofsearch.checkpoint"] for span in trained] == ["ckpt"]
    assert all("proofsearch.metric.theorems" in span["attributes"] for span in trained)
    rest = [span for span in spans if span not in trained]
    assert len({span["context"]["trace_id"] for span in rest}) == 1
    first, again = [span for span in rest if span["name"] == "run"]
    root = first["context"]["span_id"]
    assert first["parent_id"] is None and again["parent_id"] == root
    assert first["attributes"]["proofsearch.proved"] == again["attributes"]["proofsearch.proved"] == proved
    searches = {span["context"]["span_id"]: span for span in rest if span["name"] == "search"}
    assert len(searches) == 9 and {span["parent_id"] for span in searches.values()} == {root}
    assert len({span["resource"]["attributes"]["service.instance.id"] for span in searches.values()}) >= 2
    parts = [span for span in rest if span["name"] not in ("run", "search")]
    assert {span["name"] for span in parts} == {"generate", "step", "score", "verify"}
    assert {span["parent_id"] for span in parts} <= searches.keys()
    for identity, search in searches.items():
        own = [span for span in parts if span["parent_id"] == identity]
        about = search["attributes"]
        for part in ("generate", "step", "score", "verify"):
            told = sum(span["attributes"]["proofsearch.count"] for span in own if span["name"] == part)
            # The first state is scored before an observer is told that the search began.
            assert about[f"proofsearch.{part}.count"] - told == (part == "score")
        assert all(search["start_time"] <= span["start_time"] <= span["end_time"] for span in own)
