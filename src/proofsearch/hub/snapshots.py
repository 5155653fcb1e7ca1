"""What is on the hub, brought into its cache on this machine.

What is there was written by strangers. Files that hold pickles are not fetched, none may be a link that leads out of
the repository's folder in the cache, and what reads a checkpoint checks its hashes and takes data only
(:mod:`proofsearch.checkpoint`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

from proofsearch.errors import InputError
from proofsearch.hub.address import Address, is_address
from proofsearch.hub.failures import explained

PICKLED = ("*.pkl", "*.pickle", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.joblib", "*.py")
"""Files that are never fetched: reading them can run code, or they are code."""


def fetch(address: Address) -> tuple[Address, Path]:
    """Brings a repository, or a folder or file of it, into the cache, unless it is there.

    An address with a commit asks the hub for nothing that the cache has. Any other asks it which commit is meant; where
    it can't be reached, or ``HF_HUB_OFFLINE`` is set, that is the one that the cache knows.

    Returns:
        The same address at the commit that it means now, and where that is on this machine.

    Raises:
        InputError: it isn't there, or can't be had.
        PluginError: ``huggingface_hub`` isn't installed.
    """
    with explained(address, "fetched"):
        import huggingface_hub

        snapshot = Path(
            huggingface_hub.snapshot_download(
                address.repository,
                repo_type=address.kind,
                revision=address.revision,
                allow_patterns=[address.folder, f"{address.folder}/*"] if address.folder else None,
                ignore_patterns=list(PICKLED),
                library_name="proofsearch",
            )
        )
    pinned = replace(address, revision=snapshot.name)
    place = snapshot / address.folder
    if not place.exists():
        what = f"{address.folder!r}" if address.folder else "nothing that is fetched"
        raise InputError(f"{pinned}: the {address.kind} {address.repository} holds no {what}; look at its page")
    _refuse_links_out(snapshot, place)
    return pinned, place


def local(path: str | PurePath) -> Path:
    """Where a path is on this machine: an address is fetched, everything else made absolute.

    Raises:
        InputError, PluginError: as :func:`fetch`.
    """
    return fetch(Address.parse(path))[1] if is_address(path) else Path(path).expanduser().absolute()


def lasting(path: str | PurePath) -> str:
    """A path that means the same in every folder and at every time: absolute, or an address with its commit.

    Raises:
        InputError, PluginError: as :func:`fetch`.
    """
    return str(fetch(Address.parse(path))[0] if is_address(path) else Path(path).expanduser().absolute())


def _refuse_links_out(snapshot: Path, place: Path) -> None:
    """Refuses files that are not in the repository's folder of the cache, which holds snapshots and their contents."""
    repository = snapshot.parent.parent.resolve()
    for file in [place, *place.rglob("*")]:
        if not file.resolve().is_relative_to(repository):
            raise InputError(f"{file}: a link that leads out of the hub's cache; refused")
