"""How a running prover is talked to: coqidetop's XML protocol, or petanque."""

from __future__ import annotations

from proofsearch_rocq.config import RocqConfig
from proofsearch_rocq.installation import Installation
from proofsearch_rocq.lemmas import SourceFile
from proofsearch_rocq.transport.coqidetop import Coqidetop
from proofsearch_rocq.transport.interface import Transport


def make_transport(config: RocqConfig, installation: Installation, file: SourceFile) -> Transport:
    """A prover for a file, as the options say; nothing is started before it is first asked."""
    memory = int(config.max_memory * (1 << 30))
    return Coqidetop(installation.server, file, config.timeout, config.grace, config.start_timeout, memory)
