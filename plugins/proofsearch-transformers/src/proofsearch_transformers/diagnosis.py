"""What ``proofsearch doctor`` finds out about language models: the libraries, the devices, the models at hand."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from proofsearch import Finding
from proofsearch.diagnosis import ask_python

_LIBRARIES = """
import torch, transformers
devices = []
for kind in ("cuda", "xpu"):
    module = getattr(torch, kind, None)
    if module is not None and module.is_available():
        for number in range(module.device_count()):
            memory = module.get_device_properties(number).total_memory / 1e9
            devices.append(f"{kind}:{number} {module.get_device_name(number)}, {memory:.0f} GB")
if torch.backends.mps.is_available():
    devices.append("mps")
found = {"torch": torch.__version__, "transformers": transformers.__version__, "devices": devices}
"""

_MODELS = """
from huggingface_hub import scan_cache_dir
from huggingface_hub.constants import HF_HUB_CACHE
from huggingface_hub.errors import CacheNotFound
try:
    repos = [repo for repo in scan_cache_dir().repos if repo.repo_type == "model"]
except CacheNotFound:
    repos = []
models = [f"{repo.repo_id} ({repo.size_on_disk / 1e9:.1f} GB)" for repo in sorted(repos, key=lambda repo: repo.repo_id)]
found = {"folder": str(HF_HUB_CACHE), "models": models}
"""

_SHOWN = 12
"""Models that are named at most."""


def examine() -> Iterator[Finding]:
    """Torch and transformers with the devices that they can use, what squeezes weights, and the models of the hub."""
    libraries = ask_python(_LIBRARIES)
    if isinstance(libraries, str):
        remedy = "install torch as https://pytorch.org/get-started says, and: pip install 'transformers>=5'"
        yield Finding("libraries", "problem", libraries, remedy)
    else:
        yield Finding("libraries", "found", f"torch {libraries['torch']}, transformers {libraries['transformers']}")
        if libraries["devices"]:
            yield Finding("devices", "found", "; ".join(libraries["devices"]))
        else:
            remedy = "a torch built for the accelerator, where there is one; small models run without"
            yield Finding("devices", "absent", "torch finds no accelerator", remedy)
    if importlib.util.find_spec("bitsandbytes") is None:
        remedy = "for --transformers-quantisation: pip install bitsandbytes"
        yield Finding("bitsandbytes", "absent", "is not installed", remedy)
    else:
        yield Finding("bitsandbytes", "found")
    yield _models()


def _models() -> Finding:
    found = ask_python(_MODELS)
    if isinstance(found, str):
        return Finding("models", "problem", f"the hub's cache can't be read: {found}")
    models: list[str] = found["models"]
    if not models:
        remedy = "name a folder with --transformers-model, download one (hf download MODEL), or train one (--plugin lm)"
        return Finding("models", "absent", f"none of the hub in {found['folder']}", remedy)
    more = f" and {len(models) - _SHOWN} more" if len(models) > _SHOWN else ""
    return Finding("models", "found", f"{', '.join(models[:_SHOWN])}{more} in {found['folder']}")
