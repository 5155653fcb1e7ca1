"""The plugin: what this package registers. Nothing heavy is imported before a factory is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofsearch.plugins.hookspecs import Register, RegisterDiagnosis
    from proofsearch.protocols import Builder, Encoder, TacticGenerator
    from proofsearch_openai.config import EncoderConfig, GeneratorConfig


@hookimpl
def register_generators(register: Register) -> None:
    """Registers ``openai``."""
    from proofsearch_openai.config import GeneratorConfig

    register("openai", make_generator, config=GeneratorConfig, help="Tactics that a served model writes.", shared=True)


@hookimpl
def register_encoders(register: Register) -> None:
    """Registers ``openai``, and the same as ``embeddings`` for searches whose generator has another model."""
    from proofsearch_openai.config import EmbeddingsConfig, EncoderConfig

    register("openai", make_encoder, config=EncoderConfig, help="Embeddings of a served model.", shared=True)
    register(
        "embeddings",
        make_encoder,
        config=EmbeddingsConfig,
        help="A second name of openai, for use beside the generator openai.",
        shared=True,
    )


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about the key and the server."""
    from proofsearch_openai.diagnosis import examine

    register("server", examine)


def make_generator(config: GeneratorConfig, builder: Builder) -> TacticGenerator:
    """Builds the generator ``openai``; the server is asked when tactics are wanted."""
    from proofsearch.models.scripts import splitter
    from proofsearch_openai.generator import OpenAIGenerator

    def split(script: str) -> Sequence[str]:
        return splitter(builder.environment())(script)

    return OpenAIGenerator(config, split=split)


def make_encoder(config: EncoderConfig, builder: Builder) -> Encoder:
    """Builds the encoder ``openai``; the server is asked when its fingerprint or rows are wanted."""
    from proofsearch.models.embedding_cache import FOLDER, CachedEncoder
    from proofsearch_openai.encoder import OpenAIEncoder

    encoder = OpenAIEncoder(config)
    if config.cache_megabytes == 0:
        return encoder
    return CachedEncoder(encoder, builder.cache / FOLDER, config.cache_megabytes)
