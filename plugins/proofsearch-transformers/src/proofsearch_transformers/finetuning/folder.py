"""The folder of a trained model: what a training goes on from, and the model as transformers reads it anywhere.

``training`` in it holds what only the training needs: Hugging Face checkpoints, the tokenizer, and ``begun.json``,
which says what the training was begun with. It may be deleted once nobody wants to resume.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import tomli_w

from proofsearch import storage
from proofsearch.checkpoint import MANIFEST, Manifest, write_manifest
from proofsearch.errors import InputError, StorageError
from proofsearch.models.prompts import PromptTemplate
from proofsearch.trainers.settings import Settings
from proofsearch_transformers.inference.files import SCRIPT_TEMPLATE, TEMPLATE

TRAINING = "training"
"""The folder of what only the training needs."""
BEGUN = "begun.json"
"""What the training was begun with, in that folder."""
HISTORY = "training.json"
"""What was measured, step by step."""
_PICKLED = "training_args.bin"
"""What transformers leaves behind beside a model and nothing here reads; it could run code."""
_NEEDED = ("trainer_state.json", "scheduler.pt")
"""What every checkpoint that can be resumed from has; the first is written last."""


def begin(out: Path, origin: Mapping[str, Any]) -> None:
    """Notes what a training is begun with."""
    (out / TRAINING).mkdir(parents=True, exist_ok=True)
    storage.write_whole(out / TRAINING / BEGUN, json.dumps(origin, indent=2).encode() + b"\n")


def begun(out: Path) -> Mapping[str, Any] | None:
    """What a training was begun with; ``None`` where none was.

    Raises:
        InputError: damaged.
    """
    file = out / TRAINING / BEGUN
    try:
        values = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: can't be read: {error}; train again into another folder") from None
    if not isinstance(values, dict) or not isinstance(values.get("config"), dict):
        raise InputError(f"{file}: damaged: it doesn't hold a training's options; train again into another folder")
    return values


def check_same(out: Path, settings: Settings, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuses to go on with other options or data than a training was begun with.

    Raises:
        UsageError: another option or seed, or a longer training without ``warm_restart``.
        InputError: other pairs, or a template of the same name that says something else.
    """
    settings.check(out, before)
    settings.check_data(out, {"data": before.get("pairs")}, now["pairs"])
    if before.get("template") != now["template"]:
        raise InputError(
            f"{out}: the template {now['config']['template']!r} has changed since the training was begun; restore it, "
            f"or train into another folder"
        )


def last_checkpoint(out: Path) -> Path | None:
    """The newest whole checkpoint of the training; ``None`` where there is none."""
    found = []
    for folder in (out / TRAINING).glob("checkpoint-*"):
        number = folder.name.partition("-")[2]
        if number.isdecimal() and all((folder / name).is_file() for name in _NEEDED) and _is_json(folder / _NEEDED[0]):
            found.append((int(number), folder))
    return max(found)[1] if found else None


def relocate(checkpoint: Path) -> None:
    """Has a checkpoint name the best one where it is now: transformers notes the whole path, and folders are moved."""
    file = checkpoint / _NEEDED[0]
    state = json.loads(file.read_bytes())
    best = checkpoint.with_name(f"checkpoint-{state.get('best_global_step')}")
    if state.get("best_model_checkpoint") not in (None, str(best)):
        state["best_model_checkpoint"] = str(best)
        storage.write_whole(file, json.dumps(state, indent=2).encode() + b"\n")


def publish(
    out: Path,
    saved: Path,
    templates: Mapping[str, PromptTemplate],
    history: object,
    *,
    config: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    metrics: Mapping[str, Any],
) -> Manifest:
    """Puts a saved model in its place and completes the checkpoint; the manifest comes last.

    Args:
        out: the checkpoint folder.
        saved: a folder in it that holds the model and its tokenizer, and nothing else; it is emptied.
        templates: that it was trained with, by the name of the file that each stands in.
        history: JSON; what was measured.
        config: of the manifest.
        fingerprints: of the manifest.
        metrics: of the manifest.
    """
    (saved / _PICKLED).unlink(missing_ok=True)
    storage.remove(out / MANIFEST)  # of the model before: from here on there are files of both
    names = sorted(path.name for path in saved.iterdir())
    for name in names:
        (saved / name).replace(out / name)
    shutil.rmtree(saved)
    for name in (TEMPLATE, SCRIPT_TEMPLATE):
        if name in templates:
            content = tomli_w.dumps({"text": templates[name].text, "stop": list(templates[name].stop)})
            storage.write_whole(out / name, content.encode())
        else:
            storage.remove(out / name)
    storage.write_whole(out / HISTORY, json.dumps(history, indent=1).encode() + b"\n")
    packages = ("proofsearch", "proofsearch-transformers", "tokenizers", "torch", "transformers")
    manifest = Manifest(
        "generator",
        "transformers",
        config=config,
        versions={package: metadata.version(package) for package in packages},
        fingerprints=fingerprints,
        metrics=metrics,
    )
    return write_manifest(out, manifest, [*names, *templates])


@contextmanager
def storing(out: Path) -> Iterator[None]:
    """Turns the errors of a file system into those of this project.

    Raises:
        StorageError: something can't be written.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or out
        raise StorageError(
            f"{where}: {error.strerror or error}; what was saved before in {out / TRAINING} is whole: make room, then "
            f"train again with --resume"
        ) from error


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return True
