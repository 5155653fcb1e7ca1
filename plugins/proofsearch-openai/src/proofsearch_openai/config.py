"""The options of the generator and of the encoder, and what both say about their server. Nothing heavy here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from proofsearch.config import ComponentConfig
from proofsearch.config.bounds import MOST_WORKERS

_OWN = {"model", "prompt", "messages", "n", "temperature", "top_p", "max_tokens", "stop", "logprobs", "stream"}
"""Fields of a request that have an option, or that what is read of the answer rests on."""


class ServerConfig(ComponentConfig):
    """Which server and model, and how they are asked."""

    component: ClassVar[str] = "openai"
    """What the options begin with."""

    base_url: str = Field(
        default="http://localhost:8000/v1", description="The server's address, up to and including /v1."
    )
    model: str | None = Field(default=None, description="The model, as the server calls it; default: its only one.")
    api_key_variable: str = Field(
        default="OPENAI_API_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the key; if it is not set, no key is sent.",
    )
    concurrency: int = Field(default=16, ge=1, le=MOST_WORKERS, description="Concurrent requests, at most.")
    timeout: float = Field(default=120.0, gt=0, description="Seconds to wait for an answer.")
    retries: int = Field(
        default=3, ge=0, description="How often a request is repeated when the server is busy, fails or doesn't answer."
    )
    proxy: Literal["auto", "environment", "none"] = Field(
        default="auto",
        description="Use the proxies of HTTP_PROXY and similar variables; auto: for all addresses but this machine's "
        "own.",
    )

    @model_validator(mode="after")
    def _plain_address(self) -> Self:
        # Of the model and not of the field: an error of a field shows its value, which may hold a secret here.
        try:
            parts = urlsplit(self.base_url)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fits = False
        if not fits:
            raise ValueError(f"{self.option('base_url')}: expected http://HOST:PORT/v1 or https://HOST/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(
                f"{self.option('base_url')}: holds more than an address, and runs record it; put the key into the "
                f"environment variable {self.api_key_variable}"
            )
        return self

    def option(self, field: str) -> str:
        """The command line's option for a field."""
        return f"--{self.component}-{field.replace('_', '-')}"


class GeneratorConfig(ServerConfig):
    """Options of the generator ``openai``."""

    endpoint: Literal["completions", "chat"] = Field(
        default="completions",
        description="completions: the model continues the prompt; chat: the prompt is a message to it.",
    )
    template: str = Field(default="plain", description="Prompt template: its name, or a .toml file.")
    samples: int | None = Field(
        default=None, ge=1, description="Samples for each state; default: as many as --candidates."
    )
    temperature: float = Field(
        default=1.0, ge=0, description="Sampling temperature; 0: a single answer, the likeliest."
    )
    top_p: float = Field(
        default=1.0, gt=0, le=1, description="Sample from the likeliest tokens that together have this probability."
    )
    max_tokens: int = Field(default=128, ge=1, description="Tokens of an answer, at most; a longer answer is dropped.")
    script_template: str = Field(
        default="whole-proof", description="Prompt template of whole proofs: its name, or a .toml file."
    )
    script_tokens: int = Field(
        default=1024, ge=1, description="Tokens of a whole proof, at most; a longer one is dropped."
    )
    missing_logprobs: Literal["error", "frequency"] = Field(
        default="error",
        description="What to do if the server gives no log-probabilities; frequency: don't ask for them, and take a "
        "tactic's share of the samples instead.",
    )
    statistics: Literal["auto", "prompt", "samples"] = Field(
        default="auto",
        description="What says how sure the model is at a state: prompt, the next token's log-probabilities; samples, "
        "the tactics that an expansion would try; auto: prompt, if log-probabilities are asked for.",
    )
    extra: str = Field(
        default="{}",
        description="Further fields of each request, as a JSON object; null leaves out a field that is sent by "
        "default.",
    )

    @field_validator("template", "script_template")
    @classmethod
    def _absolute_template(cls, template: str) -> str:
        return absolute_template(template)

    @field_validator("extra")
    @classmethod
    def _fields(cls, extra: str) -> str:
        try:
            fields = json.loads(extra)
        except ValueError as error:
            raise ValueError(f'expected a JSON object such as {{"top_k": 50}}: {error}') from None
        if not isinstance(fields, dict):
            raise ValueError('expected a JSON object such as {"top_k": 50}')
        for name, value in fields.items():
            if name in _OWN or (name == "seed" and value is not None):
                raise ValueError(f"{name} is sent by itself, from the options and the run; leave it out here")
        return extra

    @model_validator(mode="after")
    def _statistics_that_are_asked_for(self) -> Self:
        if self.statistics == "prompt" and self.missing_logprobs == "frequency":
            raise ValueError(
                "statistics: prompt needs log-probabilities, which missing_logprobs frequency doesn't ask for; choose "
                "samples"
            )
        return self

    @property
    def asks_for_prompts(self) -> bool:
        """Whether the next token's log-probabilities say how sure the model is; else its samples do."""
        return self.statistics == "prompt" or (self.statistics == "auto" and self.missing_logprobs == "error")

    @property
    def extra_fields(self) -> Mapping[str, Any]:
        """What ``extra`` says."""
        fields: dict[str, Any] = json.loads(self.extra)
        return fields


class EncoderConfig(ServerConfig):
    """Options of the encoder ``openai``."""

    template: str = Field(
        default="bare", description="Prompt template: its name, or a .toml file; the server embeds all of its text."
    )
    batch: int = Field(default=32, ge=1, description="States a request, at most.")
    dimensions: int | None = Field(
        default=None, ge=1, description="Columns to ask for, if the model can shorten its rows; default: all."
    )
    use_activation: Literal["no", "yes", "unsent"] = Field(
        default="no",
        description="vLLM: whether to apply the model's last activation, which scales rows to length 1; unsent: for "
        "servers that refuse unknown fields.",
    )
    tolerance: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="How far a text's row in a batch may be from its row alone, relative to its length.",
    )
    revision: str | None = Field(
        default=None, description="A name for the served weights; default: derived from their rows for some texts."
    )
    cache_megabytes: float = Field(
        default=4096,
        ge=0,
        description="Megabytes of encoded states kept on disk; the least recently used go first; 0: none.",
    )

    @field_validator("template")
    @classmethod
    def _absolute_template(cls, template: str) -> str:
        return absolute_template(template)


class EmbeddingsConfig(EncoderConfig):
    """Options of the encoder ``embeddings``: the same under another name."""

    component: ClassVar[str] = "embeddings"


def absolute_template(template: str) -> str:
    """A template's file by its whole path, so that it is the same from every folder; a name as it is."""
    return str(Path(template).expanduser().absolute()) if template.endswith(".toml") else template
