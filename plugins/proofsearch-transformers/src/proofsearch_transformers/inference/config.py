"""The options of the encoder and of the generator, and what both say about their model. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from proofsearch.config import ComponentConfig
from proofsearch.config.explain import require
from proofsearch.models.devices import DEVICE
from proofsearch.models.prompts import TEMPLATE_SUFFIX


class ModelConfig(ComponentConfig):
    """Which model, how it is loaded, and what is put to it.

    Encoder and generator of one name are given the same options, so an option that both have must have one default:
    a run's folder keeps it once.
    """

    component: ClassVar[str] = "transformers"
    """What the options begin with."""

    model: str = Field(default="", description="The model: a folder, or a name on the hub. Required.")
    revision: str | None = Field(default=None, description="Branch, tag or commit of a model on the hub.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Number type of the weights and the arithmetic; auto: that of the checkpoint."
    )
    device: str = Field(
        default="auto",
        pattern=rf"^(spread|{DEVICE})$",
        description="auto: an accelerator if there is one; spread: over all of them; or cpu, cuda, cuda:1, mps, xpu.",
    )
    quantisation: Literal["none", "8bit", "4bit"] = Field(
        default="none", description="Quantise the weights while loading; needs bitsandbytes."
    )
    adapter: Path | None = Field(default=None, description="Folder of a LoRA adapter of the model; needs peft.")
    trust_remote_code: bool = Field(default=False, description="Run Python code that comes with the model.")
    allow_pickle: bool = Field(default=False, description="Load pickled weights where there are no safetensors.")
    template: str | None = Field(
        default=None,
        description="Prompt template: its name, or a .toml file; default: bare for an encoder, for a generator "
        "template.toml beside the model, else plain.",
    )
    layer: int | None = Field(
        default=None,
        description="Layer of the hidden states, 0 for the input of the first; default: the model's output.",
    )
    batch: int = Field(default=64, ge=1, description="States encoded, or answers written, at a time at most.")

    @field_validator("adapter")
    @classmethod
    def _can_adapt(cls, value: Path | None) -> Path | None:
        if value is not None:
            require("peft", "proofsearch-transformers[lora]")
        return value

    @field_validator("model")
    @classmethod
    def _absolute(cls, model: str) -> str:
        # A run must mean the same folder when it is resumed from elsewhere, and so must a checkpoint's encoder.
        folder = Path(model).expanduser()
        return str(folder.absolute()) if model and folder.is_dir() else model

    @field_validator("template", "script_template", check_fields=False)
    @classmethod
    def _absolute_template(cls, template: str | None) -> str | None:
        if template is None or not template.endswith(TEMPLATE_SUFFIX):
            return template
        return str(Path(template).expanduser().absolute())

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.model:
            raise ValueError(f"no model: name a folder or a model of the hub with {self.option('model')}")
        return self

    def option(self, field: str) -> str:
        """The command line's option for a field."""
        return f"--{self.component}-{field.replace('_', '-')}"


class EncoderConfig(ModelConfig):
    """Options of the encoder ``transformers``."""

    pooling: Literal["mean", "last"] = Field(
        default="mean", description="What a row is: the mean over the state's tokens, or the last token's."
    )
    max_length: int = Field(
        default=512, ge=8, description="Tokens of a prompt, at most; the end of a longer state is cut off."
    )
    cache_megabytes: float = Field(
        default=1024, ge=0, description="Megabytes of encoded states kept on disk, of all encoders together; 0: none."
    )


class PooledConfig(EncoderConfig):
    """Options of the encoder ``pooled``: the same under another name."""

    component: ClassVar[str] = "pooled"


class GeneratorConfig(ModelConfig):
    """Options of the generator ``transformers``."""

    samples: int | None = Field(
        default=None, ge=1, description="Samples for each state; default: as many as --candidates."
    )
    temperature: float = Field(default=1.0, gt=0, description="Sampling temperature; below 1 prefers likelier tokens.")
    top_p: float = Field(
        default=1.0, gt=0, le=1, description="Sample from the likeliest tokens that together have this probability."
    )
    beams: int | None = Field(default=None, ge=1, description="Beam search of this width instead of sampling.")
    max_new_tokens: int = Field(
        default=128, ge=1, description="Tokens of an answer, at most; a longer answer is dropped."
    )
    script_template: str | None = Field(
        default=None,
        description="Prompt template of whole proofs: its name, or a .toml file; default: script.toml beside the "
        "model, else whole-proof.",
    )
    script_tokens: int = Field(
        default=512, ge=1, description="Tokens of a whole proof, at most; a longer one is dropped."
    )
    max_prompt: int = Field(
        default=1024, ge=8, description="Tokens of a prompt, at most; the end of a longer state is cut off."
    )
    statistics: Literal["prompt", "samples"] = Field(
        default="prompt",
        description="What says how sure the model is at a state: prompt, the next token's distribution, one forward "
        "pass; samples, the tactics that an expansion would try.",
    )
    kept_megabytes: float = Field(
        default=1024,
        ge=0,
        description="Megabytes of prompts that were read, kept for their expansion on the model's device; 0: none.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        drawing = {"samples", "temperature", "top_p"} & {
            name for name in self.model_fields_set if getattr(self, name) != type(self).model_fields[name].default
        }
        if self.beams is not None and drawing:
            raise ValueError(f"{min(drawing)}: beam search draws nothing; leave it out, or leave beams out")
        if self.beams is not None and self.beams > self.batch:
            raise ValueError(f"beams: {self.beams} of a state are written together, more than batch {self.batch}")
        return self
