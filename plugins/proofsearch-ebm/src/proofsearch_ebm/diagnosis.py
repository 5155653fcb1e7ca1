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
    """Whether torch computes, and whether the checkpoints that come along are whole."""
    torch = ask_python(_TORCH)
    if isinstance(torch, str):
        remedy = "install torch as https://pytorch.org/get-started says; searching with a checkpoint works without"
        yield Finding("torch", "problem", torch, remedy)
    else:
        yield Finding("torch", "found", f"{torch['version']}, {torch['threads']} threads; trains on processors")
    from proofsearch.errors import InputError
    from proofsearch_ebm.scoring.shipped import shipped_checkpoints

    try:
        shipped = shipped_checkpoints()
    except InputError as error:
        yield Finding("checkpoint", "problem", str(error), "install proofsearch-ebm again")
        return
    for folder, manifest in shipped.items():
        encoders = [str(manifest.config.get("encoder", "")), *manifest.config.get("appended", {})]
        yield Finding("checkpoint", "found", f"{folder}, for the encoder {' and '.join(encoders)}")
