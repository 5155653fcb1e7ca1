"""Where a model's files are, which of them hold its weights, and what they contain; refused before anything is loaded.

A folder is read where it is. A model of the hub is fetched into the hub's own cache, and from there on it is a folder
as well.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proofsearch import storage
from proofsearch.errors import InputError, UsageError
from proofsearch_transformers.inference.config import ModelConfig

CONFIG = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
SAFETENSORS = "model.safetensors"
PICKLE = "pytorch_model.bin"
_INDEX = ".index.json"
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
    "*.tiktoken",
)
"""Every file that may decide how a text is cut into tokens."""
TEMPLATE = "template.toml"
"""The prompt template that a model was trained with, where it says so beside itself."""
SCRIPT_TEMPLATE = "script.toml"
"""The prompt template that it was trained with to write whole proofs."""
_SMALL = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja", TEMPLATE, SCRIPT_TEMPLATE)
"""What is fetched from the hub besides weights."""
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_CHUNK = 1 << 24
_NETWORK = (
    *(name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())),
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model's files, found and checked.

    Attributes:
        folder: where they are.
        config: what ``config.json`` says.
        weights: the names of the files with its weights, sorted.
        adapter: the folder of its adapter; ``None`` where it has none.
    """

    folder: Path
    config: Mapping[str, Any]
    weights: tuple[str, ...]
    adapter: Path | None

    @property
    def pickled(self) -> bool:
        """Whether its weights are pickles, which was allowed."""
        return not self.weights[0].endswith(".safetensors")

    def dtype(self, config: ModelConfig) -> str:
        """The number type by name that the model is loaded in; ``auto`` where neither option nor files say it."""
        if config.dtype != "auto":
            return config.dtype
        return str(self.config.get("dtype") or self.config.get("torch_dtype") or "auto")

    def fingerprint(self, cache: Path, *, code: bool = False) -> str:
        """SHA-256 of names and contents of configuration, tokenizer, weights and adapter: the same on every machine.

        Args:
            cache: a folder; contents that were hashed once are known by path, size and time of change.
            code: whether the model's own Python files count, as where they are run.
        """
        patterns = (CONFIG, *_TOKENIZER, *self.weights, *(("*.py",) if code else ()))
        files = [("", path) for path in _matching(self.folder, patterns)]
        if self.adapter is not None:
            files += [("adapter/", path) for path in _matching(self.adapter, (ADAPTER_CONFIG, ADAPTER_WEIGHTS))]
        whole = hashlib.sha256()
        for kind, path in files:
            whole.update(f"{kind}{path.name} {content_hash(path, cache)}\n".encode())
        return whole.hexdigest()


def find_files(config: ModelConfig) -> ModelFiles:
    """Finds a model, from the hub where it is no folder, and checks that loading it is safe and can work.

    Raises:
        UsageError: the model needs a permission that was not given, or it is an adapter.
        InputError: no such model, no hub, or a file that is missing or damaged.
    """
    folder = _folder(config)
    if (folder / ADAPTER_CONFIG).exists():
        raise UsageError(
            f"{config.option('model')} {config.model}: holds {ADAPTER_CONFIG}, so it is an adapter; name the model "
            f"that it was trained on, and this folder with {config.option('adapter')}"
        )
    values = _read_json(folder / CONFIG, f"{config.option('model')} {config.model}: no model of transformers")
    _refuse_code(config, folder, values)
    return ModelFiles(folder, values, _weights(config, folder, values), _adapter(config))


def content_hash(file: Path, cache: Path) -> str:
    """SHA-256 of a file's content; computed once for each path, size and time of change, and kept under ``cache``."""
    real = file.resolve()
    status = real.stat()
    key = hashlib.blake2b(f"{real} {status.st_size} {status.st_mtime_ns}".encode(), digest_size=16).hexdigest()
    kept = cache / "file-hashes" / key
    try:
        known = kept.read_text(encoding="ascii")
        if re.fullmatch("[0-9a-f]{64}", known):
            return known
    except (OSError, UnicodeDecodeError):
        pass
    content = hashlib.sha256()
    with real.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            content.update(chunk)
    if status.st_size >= _CHUNK:  # what is small is read again as fast
        kept.parent.mkdir(parents=True, exist_ok=True)
        storage.write_whole(kept, content.hexdigest().encode())
    return content.hexdigest()


def _folder(config: ModelConfig) -> Path:
    folder = Path(config.model).expanduser()
    if folder.is_dir():
        if config.revision is not None:
            raise UsageError(
                f"{config.option('revision')}: {folder} is a folder, which has no revisions; leave the option out"
            )
        return folder.absolute()
    if not _HUB_NAME.fullmatch(config.model):
        raise InputError(
            f"{config.option('model')} {config.model}: no such folder; expected a folder with {CONFIG}, or a name of "
            f"the hub such as OWNER/NAME"
        )
    return _from_hub(config)


def _from_hub(config: ModelConfig) -> Path:
    patterns = [*_SMALL, *(["*.py"] if config.trust_remote_code else [])]
    folder = _fetch(config, patterns)
    for weights in (SAFETENSORS, PICKLE) if config.allow_pickle else (SAFETENSORS,):
        index = folder / f"{weights}{_INDEX}"
        names = _shards(index) if index.exists() else (weights,)
        _fetch(config, names)
        if all((folder / name).exists() for name in names):
            break
    return folder


def _fetch(config: ModelConfig, patterns: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(config.model, revision=config.revision, allow_patterns=list(patterns)))
    except (OSError, ValueError, ImportError) as error:  # the last of a proxy that needs a package more
        revision = f" at revision {config.revision}" if config.revision else ""
        raise InputError(
            f"{config.option('model')} {config.model}: no such folder, and the hub doesn't give a model of that "
            f"name{revision}: {first_line(error)}; check the name and the network{network_settings()}, or download it "
            f"and name its folder"
        ) from None


def _refuse_code(config: ModelConfig, folder: Path, values: Mapping[str, Any]) -> None:
    if config.trust_remote_code:
        return
    settings = folder / "tokenizer_config.json"
    tokenizer = _read_json(settings, f"{settings}: can't be read") if settings.exists() else {}
    # Where transformers knows the kind of model itself, it never looks at the repository's code.
    from transformers import CONFIG_MAPPING

    unknown = values.get("model_type") not in CONFIG_MAPPING
    if unknown and ("auto_map" in values or "auto_map" in tokenizer):
        raise UsageError(
            f"{config.option('model')} {config.model}: comes with Python code of its own, which loading it would run; "
            f"read that code, then allow it with {config.option('trust_remote_code')}, or choose another model"
        )


def _weights(config: ModelConfig, folder: Path, values: Mapping[str, Any]) -> tuple[str, ...]:
    if "transformers_weights" in values:  # it would choose the file behind this function's back, pickles included
        raise InputError(
            f"{folder / CONFIG}: transformers_weights is {values['transformers_weights']!r}; only weights of the usual "
            f"names ({SAFETENSORS}) are loaded: rename them and take the entry out"
        )
    names = _named(folder, SAFETENSORS)
    if names is None and (pickles := _named(folder, PICKLE)) is not None:
        if not config.allow_pickle:
            raise UsageError(
                f"{config.option('model')} {config.model}: has pickled weights alone ({pickles[0]}), and reading a "
                f"pickle can run code; convert them to safetensors, or allow it with {config.option('allow_pickle')}"
            )
        names = pickles
    if names is None:
        raise InputError(
            f"{config.option('model')} {config.model}: no {SAFETENSORS} in {folder}; a model that has pickled weights "
            f"alone needs {config.option('allow_pickle')}"
        )
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(f"{folder / missing[0]}: missing, one of {len(names)} files of weights; fetch the model again")
    return tuple(sorted(names))


def _named(folder: Path, name: str) -> tuple[str, ...] | None:
    if (folder / name).is_file():
        return (name,)
    index = folder / f"{name}{_INDEX}"
    return _shards(index) if index.is_file() else None


def _shards(index: Path) -> tuple[str, ...]:
    shards = _read_json(index, f"{index}: can't be read").get("weight_map")
    suffix = Path(index.name.removesuffix(_INDEX)).suffix
    names = sorted(set(shards.values())) if isinstance(shards, dict) and shards else []
    if not names or not all(isinstance(name, str) and name == Path(name).name for name in names):
        raise InputError(f"{index}: weight_map is no table from tensors to files beside it; fetch the model again")
    strange = [name for name in names if not name.endswith(suffix)]
    if strange:
        raise InputError(f"{index}: names {strange[0]!r}, expected files that end with {suffix}; fetch the model again")
    return tuple(names)


def _adapter(config: ModelConfig) -> Path | None:
    folder = config.adapter
    if folder is None:
        return None
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(
                f"{config.option('adapter')} {folder}: no {name} in it; expected the folder that peft saves an adapter "
                f"to, with safetensors"
            )
    return folder


def _matching(folder: Path, patterns: Sequence[str]) -> Iterator[Path]:
    """Files in a folder, each once, by name."""
    yield from sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def _read_json(file: Path, otherwise: str) -> Mapping[str, Any]:
    try:
        values = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(f"{otherwise}: {file.name}: {error.strerror or error}") from None
    except ValueError as error:
        raise InputError(f"{file}: not JSON: {error}") from None
    if not isinstance(values, dict):
        raise InputError(f"{file}: holds a {type(values).__name__}, expected an object")
    return values


def network_settings() -> str:
    """The environment variables that are set and can keep the hub away, for a message; ``""`` if there are none."""
    found = [name for name in _NETWORK if os.environ.get(name)]
    return f" (in the environment {', '.join(found)} {'are' if len(found) > 1 else 'is'} set)" if found else ""


def first_line(error: Warning | BaseException | str) -> str:
    """What an error says, without the explanations below it."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
