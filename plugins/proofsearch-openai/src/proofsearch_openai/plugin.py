"""The plugin: what this package registers. Nothing heavy is imported before a factory is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.hookspecs import Register
    from proofsearch.protocols import TacticGenerator
    from proofsearch.registry import Builder
    from proofsearch_openai.config import GeneratorConfig


@hookimpl
def register_generators(register: Register) -> None:
    """Registers ``openai``."""
    from proofsearch_openai.config import GeneratorConfig

    register("openai", make_generator, config=GeneratorConfig, help="Tactics that a served model writes.", shared=True)


def make_generator(config: GeneratorConfig, builder: Builder) -> TacticGenerator:
    """Builds the generator ``openai``; the server is asked when tactics are wanted."""
    from proofsearch_openai.generator import OpenAIGenerator

    return OpenAIGenerator(config)
