"""Tokenizers and models as transformers loads them, with every way that it can fail as one error for people."""

from __future__ import annotations

import importlib
import importlib.util
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    MODEL_MAPPING,
)
from transformers.utils import logging

from proofsearch.errors import InputError, UsageError
from proofsearch.models import devices
from proofsearch_transformers.inference.config import ModelConfig
from proofsearch_transformers.inference.files import ADAPTER_CONFIG, ModelFiles, first_line

_UNASKED = ("pooler.", "lm_head.")
"""Weights whose lack doesn't matter to hidden states: heads that are built and never asked."""


def choose_device(name: str) -> torch.device:
    """The device of a model by its option; of ``spread`` the one that its input goes to.

    Raises:
        UsageError: there is no such device.
    """
    return torch.device(devices.choose_device("auto" if name == "spread" else name, torch))


def load_config(config: ModelConfig, files: ModelFiles) -> PreTrainedConfig:
    """What a model looks like, without its weights.

    Raises:
        InputError: transformers doesn't know such a model.
    """
    with _explaining(config, "a model"):
        loaded: PreTrainedConfig = AutoConfig.from_pretrained(
            files.folder, trust_remote_code=config.trust_remote_code, local_files_only=True
        )
    return loaded


def hidden_width(config: ModelConfig, files: ModelFiles) -> int:
    """The size of a model's hidden states.

    Raises:
        InputError: the model doesn't say it.
    """
    shape = load_config(config, files)
    width = getattr(shape.get_text_config(), "hidden_size", None)
    if isinstance(width, int):
        return width
    raise InputError(
        f"{config.option('model')} {config.model}: a {shape.model_type} doesn't say how wide its hidden states are; "
        f"choose another model"
    )


def check_layer(config: ModelConfig, files: ModelFiles) -> None:
    """Refuses a layer that the model doesn't have.

    Raises:
        UsageError: it has fewer.
    """
    layers = getattr(load_config(config, files).get_text_config(), "num_hidden_layers", None)
    if config.layer is not None and layers is not None and not -layers - 1 <= config.layer <= layers:
        raise UsageError(
            f"{config.option('layer')} {config.layer}: {config.model} has {layers} layers, so there are hidden "
            f"states 0 to {layers}, or -1 to {-layers - 1} counted from the last"
        )


def load_tokenizer(config: ModelConfig, files: ModelFiles) -> PreTrainedTokenizerBase:
    """The model's tokenizer, with something to pad with: what it is doesn't matter, pads are masked.

    Raises:
        InputError: there is none.
    """
    with _explaining(config, "a tokenizer"):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            files.folder, trust_remote_code=config.trust_remote_code, local_files_only=True
        )
    if not len(tokenizer):
        raise InputError(f"{config.option('model')} {config.model}: no tokenizer in {files.folder}")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token or tokenizer.convert_ids_to_tokens(0)
    return tokenizer


def load_backbone(config: ModelConfig, files: ModelFiles) -> PreTrainedModel:
    """A model that gives hidden states, in evaluation mode; of an encoder-decoder its encoder.

    Raises:
        InputError: it can't be loaded, or the checkpoint lacks some of its weights.
        UsageError: a package or a device that is asked for isn't there.
    """
    kind: Any = AutoModel
    if files.adapter is not None:
        task = json.loads((files.adapter / ADAPTER_CONFIG).read_bytes()).get("task_type")
        # An adapter's weights are named after the model that it was trained on, head included.
        kind = {"CAUSAL_LM": AutoModelForCausalLM, "SEQ_2_SEQ_LM": AutoModelForSeq2SeqLM}.get(task, AutoModel)
    # What was saved as an encoder alone has no decoder, and none is needed.
    unasked = (*_UNASKED, "decoder.") if load_config(config, files).is_encoder_decoder else _UNASKED
    model: Any = _load(kind, config, files, "a model", unasked)
    backbone: PreTrainedModel = model.get_encoder() if model.config.is_encoder_decoder else model.base_model
    return backbone


def backbone_of(model: Any) -> Any:
    """The part of a language model that :func:`load_backbone` would load; ``None`` where that is another model."""
    if model.config.is_encoder_decoder:
        return model.get_encoder()
    alone: Any = MODEL_MAPPING.get(type(model.config), object)
    return model.base_model if isinstance(model.base_model, alone) else None


def load_language_model(config: ModelConfig, files: ModelFiles) -> PreTrainedModel:
    """A causal language model, or an encoder-decoder, in evaluation mode.

    Raises:
        InputError: the model is neither, can't be loaded, or lacks some of its weights.
        UsageError: a package or a device that is asked for isn't there.
    """
    shape = load_config(config, files)
    kind: Any = AutoModelForCausalLM
    known = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    if shape.is_encoder_decoder:
        kind, known = AutoModelForSeq2SeqLM, MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
    # Transformers would give such a model a causal head, and it would still see what it has yet to write.
    masked = shape.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(shape, "is_decoder", False)
    custom = "auto_map" in files.config
    if not custom and (shape.model_type not in known or (masked and not shape.is_encoder_decoder)):
        raise InputError(
            f"{config.option('model')} {config.model}: a {shape.model_type} ({_architecture(files)}) is no causal "
            f"language model and can't write tactics; as an encoder it can be used"
        )
    return _load(kind, config, files, "a language model")


def _load(
    kind: Any, config: ModelConfig, files: ModelFiles, what: str, unasked: tuple[str, ...] = ()
) -> PreTrainedModel:
    device = choose_device(config.device)
    settings: dict[str, Any] = {}
    if config.quantisation != "none":
        settings["quantization_config"] = _quantisation(config)
        settings["device_map"] = {"": device}
    if config.device == "spread":
        settings["device_map"] = "auto"
    with _explaining(config, what):
        model, report = kind.from_pretrained(
            files.folder,
            dtype=config.dtype,
            use_safetensors=not files.pickled,
            trust_remote_code=config.trust_remote_code,
            local_files_only=True,
            output_loading_info=True,
            **settings,
        )
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(unasked))
    if missing:
        raise InputError(
            f"{config.option('model')} {config.model}: its checkpoint ({_architecture(files)}) lacks {len(missing)} of "
            f"the weights of a {type(model).__name__}, the first {missing[0]}; they would be random. Choose a model "
            f"that was trained as {what}"
        )
    if files.adapter is not None:
        model = _adapted(model, config, files)
    if "device_map" not in settings:
        model = model.to(device)
    loaded: PreTrainedModel = model.eval().requires_grad_(False)
    return loaded


def _quantisation(config: ModelConfig) -> BitsAndBytesConfig:
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UsageError(
            f"{config.option('quantisation')} {config.quantisation}: needs the package bitsandbytes, which is not "
            f"installed; install it with: pip install bitsandbytes, or leave the option out"
        )
    # 4-bit weights are unpacked into this; bitsandbytes would take float32, several times slower.
    compute = getattr(torch, "bfloat16" if config.dtype == "auto" else config.dtype)
    if config.quantisation == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[no-untyped-call]
    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute
    )


def _adapted(model: PreTrainedModel, config: ModelConfig, files: ModelFiles) -> Any:
    try:
        peft: Any = importlib.import_module("peft")  # by name: whoever has no use for it need not have it
    except ImportError:
        raise UsageError(
            f"{config.option('adapter')}: needs the package peft, which is not installed; install it with: "
            f"pip install 'proofsearch-transformers[lora]', or leave the option out"
        ) from None
    with warnings.catch_warnings(record=True) as said, _explaining(config, f"the base of {files.adapter}"):
        warnings.simplefilter("always")
        adapted = peft.PeftModel.from_pretrained(model, str(files.adapter), local_files_only=True)
    for warning in said:
        if "missing adapter keys" in str(warning.message):  # they would keep their random start
            raise InputError(
                f"{config.option('adapter')} {files.adapter}: doesn't fit {config.model}: "
                f"{first_line(warning.message)[:200]}"
            )
    # Quantised weights can't take the adapter up without loss, so there it stays beside them.
    return adapted.merge_and_unload() if config.quantisation == "none" else adapted.get_base_model()


def _architecture(files: ModelFiles) -> str:
    names = files.config.get("architectures")
    return ", ".join(map(str, names)) if isinstance(names, list) and names else "of unknown architecture"


@contextmanager
def _explaining(config: ModelConfig, what: str) -> Iterator[None]:
    """Has transformers load without progress bars and reports, and its errors name the model in one line."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    except (InputError, UsageError):
        raise
    except Exception as error:  # what a damaged or unknown model raises has no common class
        raise InputError(
            f"{config.option('model')} {config.model}: can't be loaded as {what}: {first_line(error)}"
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
