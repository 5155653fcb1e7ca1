"""What is pushed to the hub: files and a card, in one commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proofsearch.hub.address import Address
from proofsearch.hub.failures import explained

CARD = "README.md"
"""A repository's card, whose front matter the hub reads."""

BEGIN = "<!-- Written by proofsearch push, which replaces what stands up to the closing mark. -->"
"""Where the part of a card begins that a push writes; whatever stands around it is the user's."""

END = "<!-- End of what proofsearch push writes. -->"
"""Where that part ends."""


def upload(
    files: Mapping[str, Path],
    address: Address,
    card: str,
    metadata: Mapping[str, Any],
    *,
    private: bool = False,
    message: str = "",
    replaced: tuple[str, ...] = (),
) -> Address:
    """Pushes files, with a card, to a repository, which is made if it isn't there.

    A card that is there keeps what its user wrote: its front matter wins over ours, and of its text only the part
    between the marks of an earlier push is replaced.

    Args:
        files: by their names in the address's folder, with ``/``.
        address: where to; its revision is a branch, which is made if it isn't there.
        card: the text of the card.
        metadata: its front matter.
        private: whether a repository that is made is private.
        message: of the commit.
        replaced: folders, whose earlier files are removed where no new one has their name.

    Returns:
        The address at the commit.

    Raises:
        InputError: it can't be pushed; nothing was, but the repository may have been made.
        PluginError: ``huggingface_hub`` isn't installed.
    """
    with explained(address, "pushed to"):
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        api = HfApi(library_name="proofsearch")
        repository: dict[str, Any] = {"repo_id": address.repository, "repo_type": address.kind}
        api.create_repo(**repository, private=private or None, exist_ok=True)
        if address.revision is not None:
            api.create_branch(**repository, branch=address.revision, exist_ok=True)
        there = api.list_repo_files(**repository, revision=address.revision)
        prefix = f"{address.folder}/" if address.folder else ""
        earlier = None
        if prefix + CARD in there:
            place = api.hf_hub_download(**repository, filename=prefix + CARD, revision=address.revision)
            earlier = Path(place).read_text(encoding="utf-8")
        content = card_text(card, metadata, earlier).encode()
        added = {prefix + name: path for name, path in files.items()}
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(path)) for name, path in added.items()
        ]
        operations.append(CommitOperationAdd(path_in_repo=prefix + CARD, path_or_fileobj=content))
        operations += [
            CommitOperationDelete(path_in_repo=name)
            for name in there
            if name not in added and name.startswith(tuple(f"{prefix}{folder}/" for folder in replaced))
        ]
        done = api.create_commit(
            **repository, operations=operations, commit_message=message or "proofsearch push", revision=address.revision
        )
        return address.at(done.oid)


def card_text(card: str, metadata: Mapping[str, Any], earlier: str | None = None) -> str:
    """A card with its front matter, put into an earlier one if there is one.

    Args:
        card: the text.
        metadata: the front matter; entries of the earlier card win, but for the configurations of a data set.
        earlier: the card that is there.
    """
    ours = f"{BEGIN}\n\n{card.strip()}\n\n{END}\n"
    kept: dict[str, Any] = {}
    if earlier is not None:
        from huggingface_hub import RepoCard

        read: Any = RepoCard(earlier, ignore_metadata_errors=True)
        kept = {name: value for name, value in read.data.to_dict().items() if value is not None and name != "configs"}
        before, began, rest = read.text.partition(BEGIN)
        _, ended, after = rest.partition(END)
        if began and ended:
            ours = f"{before}{ours.rstrip()}{after}"
        elif read.text.strip():
            ours = f"{read.text.rstrip()}\n\n{ours}"
    # JSON is YAML.
    front = "\n".join(f"{name}: {json.dumps(value)}" for name, value in {**metadata, **kept}.items())
    return f"---\n{front}\n---\n\n{ours.lstrip()}"
