"""What ``proofsearch doctor`` finds out about the energy-based model."""

from __future__ import annotations

from collections.abc import Iterator

from proofsearch import Finding
from proofsearch.diagnosis import ask_python

_TORCH = """
import torch
found = {"version": torch.__version__, "threads": torch.get_num_threads(), "sum": float(torch.ones(3).sum())}
"""


def examine() -> Iterator[Finding]:
    """Whether torch computes, and whether the checkpoint that comes along is whole."""
    torch = ask_python(_TORCH)
    if isinstance(torch, str):
        remedy = "install torch as https://pytorch.org/get-started says; searching with a checkpoint works without"
        yield Finding("torch", "problem", torch, remedy)
    else:
        yield Finding("torch", "found", f"{torch['version']}, {torch['threads']} threads; trains on processors")
    from proofsearch.checkpoint import read_manifest
    from proofsearch.errors import InputError
    from proofsearch_ebm.scoring.scorer import shipped_checkpoint

    try:
        folder = shipped_checkpoint()
        manifest = read_manifest(folder, kind="scorer", name="ebm")
    except InputError as error:
        yield Finding("checkpoint", "problem", str(error), "install proofsearch-ebm again")
    else:
        encoder = manifest.config.get("encoder", "")
        yield Finding("checkpoint", "found", f"{folder}, for the encoder {encoder}" if encoder else str(folder))
