"""The plugin: what this package registers. Nothing heavy is imported before a factory is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proofsearch.plugins.hookspecs import Register, RegisterDiagnosis
    from proofsearch.protocols import Builder, Encoder, TacticGenerator, Trainer
    from proofsearch_transformers.finetuning.config import LmTrainerConfig
    from proofsearch_transformers.inference.config import EncoderConfig, GeneratorConfig


@hookimpl
def register_generators(register: Register) -> None:
    """Registers ``transformers``."""
    from proofsearch_transformers.inference.config import GeneratorConfig

    register(
        "transformers",
        make_generator,
        config=GeneratorConfig,
        help="Tactics that a language model writes.",
        shared=True,
    )


@hookimpl
def register_encoders(register: Register) -> None:
    """Registers ``transformers``, and the same as ``pooled`` for searches whose generator has another model."""
    from proofsearch_transformers.inference.config import EncoderConfig, PooledConfig

    register(
        "transformers",
        make_encoder,
        config=EncoderConfig,
        help="Hidden states of a model, pooled over a state.",
        shared=True,
    )
    register(
        "pooled",
        make_encoder,
        config=PooledConfig,
        help="A second name of transformers, for use beside the generator.",
        shared=True,
    )


@hookimpl
def register_trainers(register: Register) -> None:
    """Registers ``lm``."""
    from proofsearch_transformers.finetuning.config import LmTrainerConfig

    register("lm", make_lm_trainer, config=LmTrainerConfig, help="A language model, from proofs' states and tactics.")


@hookimpl
def register_diagnoses(register: RegisterDiagnosis) -> None:
    """Registers what is asked about libraries, devices and models."""
    from proofsearch_transformers.diagnosis import examine

    register("models", examine)


def make_generator(config: GeneratorConfig, builder: Builder) -> TacticGenerator:
    """Builds the generator ``transformers``; its model is loaded when it is first asked."""
    from proofsearch.models.scripts import splitter
    from proofsearch_transformers.inference.files import find_files
    from proofsearch_transformers.inference.generator import TransformersGenerator

    def split(script: str) -> Sequence[str]:
        return splitter(builder.environment())(script)

    return TransformersGenerator(config, find_files(config), builder.cache, split)


def make_encoder(config: EncoderConfig, builder: Builder) -> Encoder:
    """Builds the encoder ``transformers``; its model is loaded when it is asked for what is not kept on disk."""
    from proofsearch.models.embedding_cache import FOLDER, CachedEncoder
    from proofsearch_transformers.inference.encoder import TransformersEncoder
    from proofsearch_transformers.inference.files import find_files

    encoder = TransformersEncoder(config, find_files(config), builder.cache)
    if not config.cache_megabytes:
        return encoder
    return CachedEncoder(encoder, builder.cache / FOLDER, config.cache_megabytes)


def make_lm_trainer(config: LmTrainerConfig, builder: Builder) -> Trainer:
    """Builds the trainer ``lm``."""
    from proofsearch_transformers.finetuning.trainer import LmTrainer

    return LmTrainer(config, builder)
