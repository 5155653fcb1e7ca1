"""The protocols that a running prover speaks: coqidetop's XML, or petanque's JSON-RPC."""

from __future__ import annotations

from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation
from proofsearch_rocq.lemmas import SourceFile
from proofsearch_rocq.transport.base import Transport
from proofsearch_rocq.transport.coqidetop import Coqidetop
from proofsearch_rocq.transport.petanque import Petanque


def make_transport(config: RocqConfig, installation: Installation, file: SourceFile) -> Transport:
    """A prover for a file, as the options say; nothing is started before it is first asked."""
    memory = int(config.max_memory * (1 << 30))
    kind = Petanque if config.transport == "petanque" else Coqidetop
    return kind(installation.server, file, config.timeout, config.grace, config.start_timeout, memory)
