"""The cards of what is pushed: what it is, what it was made from, how it was measured. The user adds a licence.

Nothing here is made up: a checkpoint's card says what its manifest and the settings of its training say, a data set's
what the run folder says. Of paths only the last name is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from proofsearch.checkpoint import Manifest
from proofsearch.config import RunConfig, TrainConfig
from proofsearch.hub import Address, is_address
from proofsearch.publishing.dataset import CONFIGURATIONS, Written

_LICENCE = """## Licence

The publisher states it in the field `license` of this card. Where nothing is stated there, nothing is granted."""

_COLUMNS = {
    "steps": "One row a step that was tried: `state`, `tactic`, `next_state`, `outcome` (advanced, finished, rejected, "
    "timed_out, crashed, refused), `label` (positive: a proof was found behind it; negative: the prover rejected it, "
    "or its state was searched without finding one; unknown), `remaining` steps to the end of the shortest proof "
    "found, `logprob`, `message`.",
    "preferences": "One row a pair of tactics at a decision: `prompt` (the state), `chosen` (leads to the proof that "
    "was found), `rejected` (advanced as well, and no proof was found behind it), the states that they lead to, their "
    "log-probabilities, and `rejected_label` (negative: searched well enough to be called bad; unknown).",
    "theorems": "One row a theorem: `proved` (an independent check accepted a proof), `ending`, `tactics`, `proof`, "
    "`checker` and `tier` (how far the check went), `expansions`, `steps`, `seconds`.",
    "trajectories": "Everything: one row a node of a search with all its parents, edges, scores and labels, in "
    "proofsearch's own schema.",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A card.

    Attributes:
        text: its body, Markdown.
        metadata: its front matter, JSON values.
    """

    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def checkpoint_card(manifest: Manifest, settings: TrainConfig | None, address: Address, option: str | None) -> Card:
    """The card of a checkpoint.

    Args:
        manifest: of the checkpoint.
        settings: of its training; ``None`` where the checkpoint came without.
        address: where it is pushed to.
        option: the option that takes it, with its dashes; ``None`` where none is known.
    """
    kind, name = manifest.kind, manifest.name
    use = ""
    if option is not None:
        env = f" --env {settings.env}" if settings is not None else ""
        use = f"## Use\n\n```sh\nproofsearch search{env} --{kind} {name} {option} {address}\n```\n\n"
    text = (
        f"# {_title(address)}\n\nA checkpoint of the {kind} `{name}` for "
        f"proofsearch, which searches for proofs in Lean, Rocq, Metamath and other provers.\n"
        f"It holds data files and a manifest with their hashes; reading it runs no code of its own.\n\n{use}"
        f"## Trained on\n\n{_trained_on(manifest, settings)}\n\n"
        f"## Measured\n\n{_measured(manifest)}\n\n"
        f"## Settings\n\n{_as_json(_without_paths(manifest.config))}\n\n{_LICENCE}\n"
    )
    return Card(text, {"library_name": "proofsearch", "tags": ["proofsearch", "theorem-proving", kind, name]})


def run_card(config: RunConfig, counts: Mapping[str, int], written: Written, address: Address) -> Card:
    """The card of a run's searches.

    Args:
        config: of the run.
        counts: ``theorems`` of the run, of them with a result (``searched``), and ``proved``.
        written: what the data set holds.
        address: where it is pushed to.
    """
    limits = {name: value for name, value in config.search.limit.model_dump().items() if value is not None}
    facts: dict[str, Any] = {
        "environment": config.env,
        "policy": config.generator,
        "value": config.scorer,
        "strategy": config.search.strategy,
        "priority": config.search.priority.kind,
        "limits": ", ".join(f"{value} {name}" for name, value in limits.items()) or "none",
        "seed": config.seed,
        "selection": config.select.split or "theorems by name",
        "theorems": counts["theorems"],
        "searched": counts["searched"],
        "proved (accepted by an independent check)": counts["proved"],
    }
    names = [name for name in CONFIGURATIONS if name in written.rows]
    rows = "\n".join(
        f"- **`{name}`** ({', '.join(f'{split}: {count:,} rows' for split, count in written.rows[name].items())}). "
        f"{_COLUMNS[name]}"
        for name in names
    )
    place = f"{address.repository}"
    text = (
        f"# {_title(address)}\n\nRecorded proof searches of proofsearch: what was tried, what became of it, and what "
        f"was proved.\n\n```python\nfrom datasets import load_dataset\n\n"
        f'steps = load_dataset("{place}", "steps")\npairs = load_dataset("{place}", "preferences")\n```\n\n'
        f"{rows}\n\n"
        f"Whoever trains on this should leave out the split `test`.\n\n## The searches\n\n{_table(facts)}\n\n"
        f"## Settings\n\n{_as_json(_without_paths(config.options))}\n\n{_LICENCE}\n"
    )
    configurations = [
        {"config_name": name, "data_files": _files(name, written.rows[name])} | ({"default": True} if first else {})
        for name, first in zip(names, [True, *[False] * len(names)], strict=False)
    ]
    return Card(text, {"tags": ["proofsearch", "theorem-proving", config.env], "configs": configurations})


def _files(name: str, splits: Mapping[str, int]) -> list[dict[str, str]]:
    return [{"split": split, "path": f"{name}/{split}.parquet"} for split in splits]


def _title(address: Address) -> str:
    last = PurePath(address.folder).name if address.folder else ""
    return last or address.repository.partition("/")[2]


def _trained_on(manifest: Manifest, settings: TrainConfig | None) -> str:
    facts: dict[str, Any] = {}
    if settings is not None:
        named = [path if is_address(path) else PurePath(path).name for path in settings.trajectories]
        facts = {
            "environment": settings.env,
            "trainer": settings.plugin,
            "searches": ", ".join(named) or "those of the library's own proofs, or what the trainer takes itself",
            "seed": settings.seed,
        }
    facts |= {f"fingerprint of the {name}": value for name, value in manifest.fingerprints.items()}
    facts |= {f"made with {name}": version for name, version in manifest.versions.items()}
    return _table(facts)


def _measured(manifest: Manifest) -> str:
    plain = {name: value for name, value in manifest.metrics.items() if isinstance(value, int | float | str)}
    if not manifest.metrics:
        return "The manifest states no measurement."
    said = f"What the training measured on what it held out, as the manifest states it:\n\n{_table(plain)}"
    more = {name: value for name, value in manifest.metrics.items() if name not in plain}
    if more:
        said += f"\n\n<details><summary>More</summary>\n\n{_as_json(more)}\n\n</details>"
    return said


def _as_json(values: Any) -> str:
    return f"```json\n{json.dumps(values, indent=1, ensure_ascii=False)}\n```"


def _table(facts: Mapping[str, Any]) -> str:
    lines = [f"| {_cell(name)} | {_cell(_number(value))} |" for name, value in facts.items()]
    return "\n".join(["| | |", "|---|---|", *lines])


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _without_paths(values: Any) -> Any:
    """JSON in which only the last name is left of absolute paths and of addresses in a network."""
    if isinstance(values, Mapping):
        return {key: _without_paths(value) for key, value in values.items()}
    if isinstance(values, str):
        if is_address(values) or not (PurePath(values).is_absolute() or "://" in values):
            return values
        return f"…/{PurePath(values).name}"
    if isinstance(values, Sequence):
        return [_without_paths(value) for value in values]
    return values
