"""The search algorithms of the core that have options of their own."""

from __future__ import annotations

from pydantic import Field

from proofsearch.config import ComponentConfig
from proofsearch.engine.puct import Puct
from proofsearch.protocols import Builder


class PuctConfig(ComponentConfig):
    """Configuration of the strategy ``puct``."""

    exploration: float = Field(default=4.0, ge=0, description="Weight of the policy and of few visits against values.")
    temperature: float = Field(
        default=1.0, gt=0, description="Temperature of the policy's probabilities; above 1 they are more even."
    )
    discount: float = Field(default=0.99, gt=0, le=1, description="Factor on the worth of what follows, for each step.")
    widening: float = Field(
        default=0.25,
        ge=0,
        description="A node is expanded widening · visits ^ widening-exponent times, at least once.",
    )
    widening_exponent: float = Field(default=0.5, ge=0, le=1, description="Exponent of the visits, see widening.")


def make_puct(config: PuctConfig, builder: Builder) -> Puct:
    """Builds the strategy ``puct``."""
    return Puct(**config.model_dump())
