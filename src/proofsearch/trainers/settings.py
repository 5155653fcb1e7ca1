"""What a training is begun with, and whether it may be resumed with these settings or is done already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proofsearch.checkpoint import MANIFEST, Manifest, read_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch.trainers.state import LATEST, TrainingState, load_state
from proofsearch.trainers.stepping import PATIENCE, STEPS


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a training, its seed, and what of them may change when it is resumed.

    Attributes:
        trainer: its name, with which its options begin: ``"ebm"``.
        config: the options by name, as JSON values.
        seed: of the training.
        runtime_only: options that make a finished training no less finished.
        may_change: options that may differ when a training is resumed.
        lengths: those of them that say how long it is. The first that is set counts, and more of it needs the option
            ``warm_restart``: over its length the learning rate falls to 0, and it would rise again.
        components: the options, as JSON values, of other components that shape what is learnt, such as losses, by the
            name with which their options begin. None of these may change.
    """

    trainer: str
    config: Mapping[str, Any]
    seed: int
    runtime_only: frozenset[str]
    may_change: frozenset[str]
    lengths: tuple[str, ...] = ("steps",)
    components: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def origin(self, data: str, **others: Any) -> dict[str, Any]:
        """What the training was begun with, as JSON values to be saved with its state.

        Args:
            data: changes with whatever is learnt from.
            others: what else should be known of it.
        """
        noted = {"components": {name: dict(options) for name, options in self.components.items()}}
        return {"config": dict(self.config), "seed": self.seed, "data": data, **noted, **others}

    def finished(self, out: Path, *, kind: str, name: str) -> Manifest | None:
        """The manifest of a folder that holds what these settings would lead to; ``None`` where it doesn't.

        Args:
            out: the checkpoint folder.
            kind: of the component that the checkpoint is for.
            name: of that component.

        Raises:
            InputError: a checkpoint of something else, or damaged.
        """
        if not (out / MANIFEST).exists():
            return None
        manifest = read_manifest(out, kind=kind, name=name)
        before = manifest.config.get("training", {})
        as_asked = all(
            not _differs(before, option, value)
            for option, value in self.config.items()
            if option not in self.runtime_only
        )
        seed = before.get("seed", manifest.config.get("seed", self.seed))
        ended = manifest.metrics.get("stopped") in (STEPS, PATIENCE)
        return manifest if as_asked and ended and seed == self.seed else None

    def check(self, out: Path, before: Mapping[str, Any]) -> None:
        """Refuses to resume with other options than a training was begun with, or longer without being told so.

        Args:
            out: the checkpoint folder.
            before: what :meth:`origin` gave then; its ``data`` is not looked at. Options that an earlier version did
                not have may be missing; then they have to be off: ``None``, false or empty. Where it noted nothing of
                a component, that is not compared.

        Raises:
            UsageError: another option or seed, or a longer training without ``warm_restart``.
        """
        was, now = before["config"] | {"seed": before.get("seed")}, dict(self.config) | {"seed": self.seed}
        for name in now:
            if name not in self.may_change and _differs(was, name, now[name]):
                option = "--seed" if name == "seed" else self._option(name)
                raise trained_otherwise(option, out, was.get(name), now[name])
        for component, options in self.components.items():
            noted = before.get("components", {}).get(component, options)
            for name, value in options.items():
                if _differs(noted, name, value):
                    raise trained_otherwise(option_of(component, name), out, noted.get(name), value)
        length = None if now["warm_restart"] else self._longer(was, now)
        if length is not None:
            raise UsageError(
                f"{self._option(length)}: {out} was begun with {was[length]}, over which the learning rate falls to 0; "
                f"with {now[length]} it would rise again: say so with {self._option('warm_restart')}, or train into "
                f"another folder"
            )

    def check_data(self, out: Path, before: Mapping[str, Any], data: str) -> None:
        """Refuses to resume with other data than a training was begun with.

        Raises:
            InputError: they are others.
        """
        if before.get("data") != data:
            raise InputError(
                f"{out}: was trained on other data than {self.trainer} reads now; resume with the same trajectories, "
                f"library and encoder, and the version that it was begun with, or train into another folder"
            )

    def _longer(self, was: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
        """The option that makes a training longer, or may."""
        for name in self.lengths:
            before, after = was.get(name), now[name]
            if before is not None or after is not None:
                return name if before is None or after is None or after > before else None
        return None

    def _option(self, name: str) -> str:
        return option_of(self.trainer, name)


def option_of(component: str, name: str) -> str:
    """What the command line calls an option of a component."""
    return f"--{component}-{name.replace('_', '-')}"


def trained_otherwise(option: str, out: Path, before: object, now: object) -> UsageError:
    """The refusal to resume a training with another value of an option."""
    return UsageError(
        f"{option}: {out} was trained with {before!r}, found {now!r}; resume with what it was trained with, or train "
        f"into another folder"
    )


def _differs(before: Mapping[str, Any], option: str, value: Any) -> bool:
    """Whether an option was another one; where an earlier version had none, whether it is on."""
    return bool(before[option] != value if option in before else value)


def holds_training(out: Path, *, resume: bool, marker: str = LATEST) -> bool:
    """Whether a checkpoint folder holds a training, done or not.

    Args:
        out: the folder.
        resume: whether it was asked to be resumed.
        marker: what a training that is not done leaves there.

    Raises:
        UsageError: it holds one, and nobody asked to resume it.
    """
    taken = (out / MANIFEST).exists() or (out / marker).is_file()
    if taken and not resume:
        raise UsageError(f"--out {out}: holds a training already; resume it with --resume, or name another folder")
    return taken


def load_training(out: Path) -> TrainingState:
    """What a training is resumed from, in a folder that holds one.

    Raises:
        InputError: only a checkpoint is left of it, or it is damaged.
    """
    state = load_state(out)
    if state is None:
        raise InputError(
            f"{out}: a checkpoint without the state of its training ({LATEST}), so it can be searched with but not "
            f"resumed; train into another folder"
        )
    return state
