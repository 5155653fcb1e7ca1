"""The Hugging Face hub, by ``huggingface_hub``: the only package of the core that knows that library.

An address ``hf://USER/NAME[@REVISION][/FOLDER]`` can stand wherever an option of a component holds a path
(:mod:`proofsearch.plugins.resolution`): :func:`local` says where it is on this machine, :func:`lasting` what to write
down so that it means the same later. The library is imported when an address is met.
"""

from __future__ import annotations

from proofsearch.hub.address import Address, is_address
from proofsearch.hub.snapshots import fetch, lasting, local

__all__ = ["Address", "fetch", "is_address", "lasting", "local"]
