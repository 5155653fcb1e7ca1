"""Checking an installed component against its contract: which one, with what options, and what it is tried on.

The checks themselves are those of :mod:`proofsearch.testing`, which a plugin's author makes too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from proofsearch.checkpoint import Manifest
from proofsearch.config import ExecutionConfig, RunConfig
from proofsearch.config.explain import Place, dotted
from proofsearch.errors import PluginError, ProofsearchError, UsageError, near
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.packages import absent
from proofsearch.plugins.registry import Registration
from proofsearch.plugins.resolution import Chosen, ChosenComponent, resolve_some
from proofsearch.protocols import Builder, Environment, TacticGenerator, TriesLosses, ValueScorer
from proofsearch.protocols.events import OnEvent, ignore_event
from proofsearch.testing import (
    CountdownConfig,
    CountdownEnvironment,
    ListedTactics,
    Report,
    Sample,
    Samples,
    check_encoder,
    check_environment,
    check_executor,
    check_generator,
    check_loss,
    check_observer,
    check_priority,
    check_scorer,
    check_strategy,
    check_trainer,
)
from proofsearch.testing.checks import NotApplicable, OnResult, ignore_result

CHECK_CHOOSERS = {"environment": "--env", "generator": "--generator", "trainer": "--trainer"}
"""The kinds that can be chosen beside the component that is checked, and the option that does."""

_PAIRED = 160
"""States among which pairs of a better and a worse one are looked for."""

_ASKED = 4
"""States that a generator of a new checkpoint is asked about: a language model takes its time."""

_MIN_PAIRS = 10
"""Pairs of a better and a worse state below which a scorer's polarity can't be judged."""

_LEAST_SHARE = 1 / 3
"""The share of such pairs that even a poor scorer has right, but not one that says lower for better."""


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What is asked for beside the component.

    Attributes:
        options: of components, by name.
        env: the environment whose states it is tried on; ``None``: a small one that comes along, for a trainer that of
            its own plugin where that brings one.
        generator: of an environment: the policy to find proofs with, where it demonstrates none.
        trainer: of a loss: the trainer that it is for; ``None``: the first that says what losses are tried on.
        trajectories: of a trainer: what to learn from; empty: searches that are recorded now.
        only: names of the checks to make; empty for all.
        skip: names of checks to leave out.
    """

    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    env: str | None = None
    generator: str | None = None
    trainer: str | None = None
    trajectories: tuple[Path, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


def find(plugins: Plugins, name: str, kind: str | None = None) -> Registration:
    """A component by name.

    Args:
        plugins: where to look.
        name: of the component.
        kind: of which kind; ``None`` where the name says it.

    Raises:
        PluginError: there is none.
        UsageError: components of several kinds have the name.
    """
    if kind is not None:
        return plugins.registry(kind)[name]
    found = [entry for entry in plugins.components() if entry.name == name]
    if not found:
        known = sorted({entry.name for entry in plugins.components()})
        hint = absent(name) or near(name, known)
        raise PluginError(f"no component is named {name!r}; known: {', '.join(known)}{hint}")
    if len(found) > 1:
        kinds = [entry.kind for entry in found]
        raise UsageError(
            f"components of several kinds are named {name!r}: {', '.join(kinds)}; say which with --kind {kinds[0]}"
        )
    return found[0]


def check_component(
    plugins: Plugins,
    entry: Registration,
    settings: CheckSettings,
    *,
    name: Callable[[Place], str] = dotted,
    on_event: OnEvent = ignore_event,
    on_result: OnResult = ignore_result,
) -> Report:
    """Checks a component against its contract.

    Args:
        plugins: where components come from.
        entry: which one.
        settings: what it is tried on.
        name: how to call a place of the configuration in errors.
        on_event: told what takes long.
        on_result: told of each result as it comes.

    Returns:
        The report, of a component that conforms.

    Raises:
        ConformanceError: it breaks its contract; the error has the report.
        ProofsearchError: it can't be checked: options that don't fit, a model that isn't there.
    """
    env = entry.name if entry.kind == "environment" else settings.env or _own_environment(plugins, entry)
    others = [("environment", env), ("generator", settings.generator), ("trainer", settings.trainer)]
    own = (entry.kind, entry.name)
    wanted = [entry, *(plugins.registry(kind)[other] for kind, other in others if other and (kind, other) != own)]
    if entry.kind == "trainer" or settings.trainer is not None:
        wanted += plugins.registry("loss")
    config = RunConfig(
        env=env or "countdown",
        options={component: dict(given) for component, given in settings.options.items()},
        execution=ExecutionConfig(workers=2),
    )
    parts = resolve_some(plugins, wanted, config, name, CHECK_CHOOSERS)
    with ExitStack() as opened:
        components = opened.enter_context(Components(plugins, parts, on_event))
        builder = cast(Builder, components) if env is not None else cast(Builder, _Unproved(components))
        checker = _Checker(plugins, entry, parts.chosen, builder, settings, opened)
        return checker.check(on_result)


def _own_environment(plugins: Plugins, entry: Registration) -> str | None:
    """The environment that a trainer's own plugin brings, whose library it may learn from alone."""
    own = [environment.name for environment in plugins.registry("environment") if environment.plugin == entry.plugin]
    return own[0] if len(own) == 1 and entry.kind == "trainer" else None


class _Unproved:
    """The components of a run that has no environment: its place is taken by a small one."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._environment = CountdownEnvironment(CountdownConfig())

    def environment(self) -> Environment:
        return self._environment

    def generator(self, name: str | None = None) -> TacticGenerator:
        return ListedTactics() if name is None else self._components.generator(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._components, name)


class _Checker:
    """Calls the check of the component's kind with what it needs."""

    def __init__(
        self,
        plugins: Plugins,
        entry: Registration,
        chosen: Chosen,
        builder: Builder,
        settings: CheckSettings,
        opened: ExitStack,
    ) -> None:
        self._plugins = plugins
        self._entry = entry
        self._chosen = chosen
        self._builder = builder
        self._settings = settings
        self._opened = opened

    def check(self, on_result: OnResult) -> Report:
        settings = self._settings
        own: Mapping[str, Any] = getattr(self, f"_of_{self._entry.kind}", dict)()
        check = {
            "environment": check_environment,
            "generator": check_generator,
            "scorer": check_scorer,
            "encoder": check_encoder,
            "strategy": check_strategy,
            "priority": check_priority,
            "observer": check_observer,
            "loss": check_loss,
            "trainer": check_trainer,
            "executor": check_executor,
        }[self._entry.kind]
        return cast(Callable[..., Report], check)(
            self._entry.factory,
            self._chosen[self._entry.kind, self._entry.name].config,
            builder=self._builder,
            name=self._entry.name,
            only=settings.only,
            skip=settings.skip,
            on_result=on_result,
            **own,
        )

    # What the checks of a kind need beside.

    def _of_environment(self) -> Mapping[str, Any]:
        chosen = self._settings.generator
        return {"generator": None if chosen is None else self._builder.generator(chosen)}

    def _of_generator(self) -> Mapping[str, Any]:
        return {"samples": self._samples(), "shared": self._entry.shared}

    def _of_encoder(self) -> Mapping[str, Any]:
        return {"samples": self._samples(), "shared": self._entry.shared}

    def _of_scorer(self) -> Mapping[str, Any]:
        samples = self._samples()
        # Of an environment that nobody named a scorer may know nothing: it may have been trained on another.
        pairs = _better(self._samples(_PAIRED)) if self._settings.env is not None else []
        better = pairs if len(pairs) >= _MIN_PAIRS else []
        return {"samples": samples, "shared": self._entry.shared, "better": better, "least_share": _LEAST_SHARE}

    def _of_strategy(self) -> Mapping[str, Any]:
        # Of an environment that somebody names nothing is known of how soon its theorems are proved.
        return {"provable": self._settings.env is None}

    def _of_loss(self) -> Mapping[str, Any]:
        chosen = self._settings.trainer
        trainers = self._trainers() if chosen is None else [self._trainer(self._chosen["trainer", chosen])]
        for trainer in trainers:
            if isinstance(trainer, TriesLosses):
                return {"cases": trainer.loss_cases()}
        what = f"the trainer {chosen!r} does not say" if chosen is not None else "no installed trainer says"
        raise UsageError(f"{what} what losses are tried on (loss_cases); a loss is checked with the trainer it is for")

    def _trainer(self, part: ChosenComponent) -> object:
        made: object = part.registration.factory(part.config, self._builder)
        return made

    def _trainers(self) -> Iterator[object]:
        """Every trainer that can be made with its default options."""
        for entry in self._plugins.registry("trainer"):
            # It may need options, or a package that isn't there: another is asked then.
            with suppress(ValidationError, ProofsearchError, ImportError):
                yield self._trainer(ChosenComponent(entry, entry.config() if entry.config is not None else None))

    def _of_trainer(self) -> Mapping[str, Any]:
        return {"trajectories": self._settings.trajectories or None, "use": self._use}

    def _samples(self, count: int = 40) -> Sequence[Sample]:
        return self._opened.enter_context(closing(Samples(self._builder.environment(), count))).states

    def _use(self, folder: Path, manifest: Manifest) -> str:
        """Builds what reads a checkpoint, and asks it about some states."""
        entry = self._plugins.registry(manifest.kind)[manifest.name]
        fields = entry.config.model_fields if entry.config is not None else {}
        place = next((name for name in ("path", "model") if name in fields), None)
        if manifest.kind not in ("scorer", "generator") or entry.config is None or place is None:
            raise NotApplicable(f"the {manifest.kind} {manifest.name!r} has no option path or model")
        config = entry.config.model_validate({place: str(folder)})
        samples = self._samples()
        if manifest.kind == "scorer":
            with closing(cast(ValueScorer, entry.factory(config, self._builder))) as scorer:
                values = scorer.score([sample.score_request for sample in samples])
            return f"{sum(value is not None for value in values)} of {len(values)} states have a value"
        asked = [sample.generation_request(seed) for seed, sample in enumerate(samples[:_ASKED])]
        with closing(cast(TacticGenerator, entry.factory(config, self._builder))) as generator:
            found = generator.generate(asked, 4)
        return f"{sum(map(bool, found))} of {len(found)} states have candidates"


def _better(samples: Sequence[Sample]) -> list[tuple[Sample, Sample]]:
    """Pairs the children of a state that are on a known proof with one beside each."""
    good = {sample.parent: sample for sample in samples if sample.on_proof and sample.parent >= 0}
    return [(good[sample.parent], sample) for sample in samples if not sample.on_proof and sample.parent in good]
