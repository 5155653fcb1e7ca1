"""The checkpoints that come with the package, and which of them a search takes. No torch, and no policy is loaded here.

All are of the database that comes with ``proofsearch-metamath``. One reads states alone, so it works beside any policy.
Every other one also reads what a policy says of a state: it is for the policy that its manifest names.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch.models.confidence import fingerprint_of

if TYPE_CHECKING:
    from proofsearch.protocols import Builder, Environment

_DATABASE = "4c44492291b915f34455ab8b60f2418c274d3ea35c107f8513cdcdc6d429609c"
"""The SHA-256 of the database, as its environment's fingerprint has it."""
_GENERAL = "prefix"
"""The folder of the checkpoint that reads states alone."""


def shipped_checkpoint(builder: Builder) -> Path:
    """The folder of the checkpoint for a search that names none: that of its policy, or else the one for any policy.

    Raises:
        UsageError: the search is of something else than the checkpoints are of.
        InputError: this installation has none, or they are damaged.
    """
    shipped = shipped_checkpoints()
    _refuse_other(builder.environment())
    policy = _policy(builder)
    for folder, manifest in shipped.items():
        if policy in manifest.policies:
            return folder
    return _root() / _GENERAL


def shipped_checkpoints() -> dict[Path, Manifest]:
    """All that come with the package: their folders, and what each says of itself.

    Raises:
        InputError: this installation has none, or one is damaged.
    """
    root = _root()
    if not (root / _GENERAL / MANIFEST).is_file():
        raise InputError(
            f"{root / _GENERAL}: this installation of proofsearch-ebm comes without a checkpoint; name one with "
            f"--ebm-path, or train one: proofsearch train --plugin ebm --out ckpt"
        )
    folders = sorted(file.parent for file in root.glob(f"*/{MANIFEST}"))
    return {folder: read_manifest(folder, kind="scorer", name="ebm") for folder in folders}


def _root() -> Path:
    return Path(str(resources.files("proofsearch_ebm"))) / "checkpoints"


def _refuse_other(environment: Environment) -> None:
    if environment.fingerprint().get("sha256") != _DATABASE:
        raise UsageError(
            f"--scorer ebm: checkpoints come along for the shipped database of Metamath only, and this is another "
            f"database or another prover; train one (proofsearch train --plugin ebm --out ckpt, with the same "
            f"environment) and name it with --ebm-path; to try that of the shipped database all the same: "
            f"--ebm-path {_root() / _GENERAL}"
        )


def _policy(builder: Builder) -> str | None:
    """The fingerprint of the search's own policy; ``None`` where it can't say which it is."""
    try:
        return fingerprint_of(builder.generator())
    except (InputError, UsageError):
        return None  # whoever asks it for tactics is told why
