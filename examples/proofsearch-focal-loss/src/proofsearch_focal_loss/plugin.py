"""What this package registers with proofsearch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proofsearch import hookimpl

if TYPE_CHECKING:
    from proofsearch.plugins.hookspecs import Register


@hookimpl
def register_losses(register: Register) -> None:
    """Registers ``focal``."""
    from proofsearch_focal_loss.loss import FocalConfig, make_focal

    register("focal", make_focal, config=FocalConfig, help="A listwise softmax that counts hard decisions more.")
