"""What an iteration's rounds are to do: the configurations of their searches and trainings, checked beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from proofsearch.config import IterateConfig, RunConfig, SelectionConfig, TrainConfig
from proofsearch.config.explain import Place, dotted
from proofsearch.config.toml import from_whole_toml
from proofsearch.errors import InputError, UsageError
from proofsearch.hub import lasting
from proofsearch.plugins.components import check_search
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import CHOOSERS, Chosen, ResolvedRun, refuse_unused, resolve, resolve_training
from proofsearch.storage.texts import read_text

SETTINGS = "iterate.toml"
"""The resolved configuration in the iteration's folder."""

_BASELINE = "logprob"
ITERATION_CHOOSERS = {**CHOOSERS, "scorer": CHOOSERS["trainer"]}
"""The kinds that an iteration chooses, and the option that does: the scorer is that of the trainer's checkpoints."""
Learns = Literal["scorer", "generator"]
"""What reads the trainer's checkpoints: a value, or the policy."""


def iteration_settings(path: Path) -> IterateConfig:
    """The configuration of an iteration that was begun.

    Raises:
        InputError: the folder is none of an iteration, or its ``iterate.toml`` is damaged.
    """
    file = path / SETTINGS
    if not file.exists():
        raise InputError(
            f"{path}: no expert iteration (it has no {SETTINGS}); expected what proofsearch iterate --out writes"
        )
    return from_whole_toml(read_text(file, "the TOML file of an iteration"), str(file), IterateConfig)


def check(plugins: Plugins, config: IterateConfig, name: Callable[[Place], str] = dotted) -> IterateConfig:
    """Looks up what an iteration needs, checks every option, and fills the defaults in.

    Args:
        plugins: where to look.
        config: the configuration.
        name: how to call a place of it in errors.

    Raises:
        PluginError: an unknown component.
        UsageError: a wrong option, or a component that can't take part: a scorer that reads no checkpoint, a policy
            that can't learn.
    """
    learns = what_learns(plugins, config.plugin, name)
    if learns == "generator" and config.train_policy:
        raise UsageError(
            f"{name(('train_policy',))}: what {config.plugin!r} trains is the policy; leave this option out"
        )
    if learns == "scorer" and "path" in config.options.get(config.plugin, {}):
        raise UsageError(
            f"{name(('options', config.plugin, 'path'))}: every round has the checkpoint of the one before; leave this "
            f"option out"
        )
    training = resolve_training(plugins, training_config(config, ()), name, shared=True)
    encoder = getattr(training.chosen["trainer", config.plugin].config, "encoder", None)
    reader = plugins.registry(learns)[config.plugin].config
    if encoder is not None and reader is not None and "encoder" in reader.model_fields:
        # Said outright, so that the encoder's options count in searches too, whatever the scorer's own default is.
        given = config.options | {config.plugin: config.options.get(config.plugin, {}) | {"encoder": encoder}}
        config = config.model_copy(update={"options": given})
    value = resolve(plugins, search_config(config, learns, "train", Path("checkpoint")), name, shared=True)
    base = resolve(plugins, search_config(config, learns, "train", None), name, shared=True)
    check_search(plugins, base, name)
    chosen = {**value.chosen, **training.chosen, **base.chosen}
    refuse_unused(plugins, config.options, chosen, name, ITERATION_CHOOSERS)
    if config.train_policy:
        _check_policy(config, value, name)
    options = _filled_in(chosen)
    if (learns, config.plugin) not in base.chosen:
        if config.options.get(config.plugin, {}).get("path") is not None:
            raise UsageError(
                f"{name(('options', config.plugin, 'path'))}: the first round searches with the generator "
                f"{config.generator!r}; choose {ITERATION_CHOOSERS['generator']} {config.plugin} to begin with this "
                f"policy, or leave this option out"
            )
        del options[config.plugin]["path"]  # each round's own
    trajectories = tuple(map(lasting, config.trajectories))
    return config.model_copy(update={"options": options, "trajectories": trajectories})


def what_learns(plugins: Plugins, trainer: str, name: Callable[[Place], str] = dotted) -> Learns:
    """What reads a trainer's checkpoints: the scorer of its name, or where there is none the generator.

    Raises:
        PluginError: there is neither.
        UsageError: it has no option for a checkpoint.
    """
    scorers, generators = plugins.registry("scorer"), plugins.registry("generator")
    known = {entry.name for entry in scorers}
    policies = {entry.name for entry in generators if entry.config is not None and "path" in entry.config.model_fields}
    if trainer not in known and trainer in policies:
        return "generator"
    scorer = scorers[trainer]
    if scorer.config is None or "path" not in scorer.config.model_fields:
        raise UsageError(
            f"{name(('plugin',))}: the scorer {trainer!r} reads no checkpoint (it has no option 'path'), so what "
            f"is learnt can't be searched with; choose another"
        )
    return "scorer"


def _filled_in(chosen: Chosen) -> dict[str, dict[str, Any]]:
    """The options of all components, except where two of one name have different defaults for a field of one name."""
    options: dict[str, dict[str, Any]] = {}
    disputed: set[tuple[str, str]] = set()
    for (_, component), part in chosen.items():
        for field, value in part.options().items():
            if options.setdefault(component, {}).setdefault(field, value) != value:
                disputed.add((component, field))
    for component, field in disputed:
        del options[component][field]
    return options


def _check_policy(config: IterateConfig, parts: ResolvedRun, name: Callable[[Place], str]) -> None:
    policy = parts.chosen["generator", config.generator].registration
    if policy.config is None or "trajectories" not in policy.config.model_fields:
        raise UsageError(
            f"{name(('train_policy',))}: the generator {config.generator!r} can't learn from recorded searches (it has "
            f"no option 'trajectories'); leave this out or choose another --generator"
        )
    if config.options.get(config.generator, {}).get("trajectories") is not None:
        raise UsageError(
            f"{name(('options', config.generator, 'trajectories'))}: with --train-policy every round sets this; give "
            f"what the policy shall also know with --trajectories"
        )


def search_config(
    config: IterateConfig,
    learns: Learns,
    split: Literal["train", "validation"],
    checkpoint: Path | None,
    policy: Path | None = None,
    *,
    seed: int | None = None,
) -> RunConfig:
    """A round's run, with the options of the whole iteration.

    Args:
        config: of the iteration.
        learns: what reads the checkpoint.
        split: training or validation theorems.
        checkpoint: what was learnt; ``None`` for a search without it.
        policy: what the policy learnt from, if the file is there and the policy learns at all.
        seed: instead of the iteration's.
    """
    options = {name: dict(given) for name, given in config.options.items()}
    if checkpoint is not None:
        options.setdefault(config.plugin, {})["path"] = str(checkpoint)
    if config.train_policy and policy is not None and policy.exists():
        options.setdefault(config.generator, {})["trajectories"] = str(policy)
    return RunConfig(
        env=config.env,
        generator=config.plugin if learns == "generator" and checkpoint is not None else config.generator,
        scorer=config.plugin if learns == "scorer" and checkpoint is not None else _BASELINE,
        seed=config.seed if seed is None else seed,
        select=SelectionConfig(split=split, limit=config.theorems if split == "train" else config.validation),
        search=config.search,
        execution=config.execution,
        options=options,
    )


def training_config(
    config: IterateConfig, trajectories: Sequence[str], start: Path | None = None, *, starts: bool = False
) -> TrainConfig:
    """A round's training on some trajectories, with those of the iteration's options that it takes.

    Args:
        config: of the iteration.
        trajectories: what is learnt from.
        start: the checkpoint of the round before.
        starts: whether the trainer can begin with one, by its option ``start``.
    """
    options = config.options
    if starts and start is not None:
        options = options | {config.plugin: options.get(config.plugin, {}) | {"start": str(start)}}
    return TrainConfig(
        plugin=config.plugin,
        env=config.env,
        seed=config.seed,
        trajectories=tuple(trajectories),
        execution=config.execution,
        options=options,
    )
