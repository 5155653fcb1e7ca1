"""Shared components that live in another process, on whatever machine: what workers get in their place, and who hosts.

The host builds a component as the threads of a process share it (:mod:`proofsearch.plugins.sharing`), so calls of all
workers that ask it are merged. What a worker gets has the component's abilities and sends states as plain texts and
goals: handles mean nothing outside the worker's own prover. Moves stay with the worker, which is asked about them.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from proofsearch.plugins.batching import Clients
from proofsearch.plugins.components import Components
from proofsearch.plugins.discovery import Plugins
from proofsearch.plugins.resolution import ResolvedRun
from proofsearch.plugins.sharing import SharedComponents
from proofsearch.protocols import (
    AdmitsMany,
    Calibrated,
    Calibration,
    Fingerprinted,
    GenerationRequest,
    ModelAddress,
    ModelName,
    Moves,
    PolicyStatistics,
    Prepares,
    ProposesScripts,
    ReportsStatistics,
    RepresentsStates,
    ScoreRequest,
    Script,
)
from proofsearch.types import Candidate, Goal, ProofState, State
from proofsearch.workers.calls import Caller, Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class HostedModel:
    """A shared component in a process of its own; a :class:`proofsearch.protocols.ServedModel`.

    Args:
        plugins: where it comes from.
        parts: what the run chose.
        model: which of it.

    Raises:
        ProofsearchError: it can't be built.
    """

    def __init__(self, plugins: Plugins, parts: ResolvedRun, model: ModelName) -> None:
        shared = SharedComponents()
        self._clients = shared.clients
        self._components = Components(plugins, parts, shared=shared)
        kind, name = model
        try:
            find: Mapping[str, Callable[[], Any]] = {
                "generator": lambda: self._components.generator(name),
                "encoder": lambda: self._components.encoder(name),
                "scorer": self._components.scorer,
            }
            self._component = find[kind]()
            if isinstance(self._component.original, Prepares):
                self._component.original.prepare()
        except BaseException:
            self._components.close()
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._component, name)

    def working(self) -> AbstractContextManager[None]:
        """A context for the thread of a worker that is at a job."""
        return self._clients.working()

    def abilities(self) -> list[str]:
        """The names of the optional contracts that it keeps."""
        return [name for name, (ability, _) in _ABILITIES.items() if isinstance(self._component, ability)]

    def adapt(self, arguments: tuple[Any, ...], ask: Callable[[Question], Any]) -> tuple[Any, ...]:
        """The arguments of a call, where requests ask about moves whoever sent them."""
        return tuple(_with_moves(argument, ask) if isinstance(argument, list) else argument for argument in arguments)

    def close(self) -> None:
        """Closes it. Idempotent."""
        self._components.close()


class RemoteComponents(SharedComponents):
    """The shared components of a worker that asks hosts for some of them; the others it builds itself.

    It pickles as one that has no connections yet.

    Args:
        addresses: of the hosts.
    """

    def __init__(self, addresses: Mapping[ModelName, ModelAddress]) -> None:
        super().__init__()
        self._addresses = dict(addresses)
        self._callers: list[Caller] = []
        self.clients = _RemoteClients(self._callers)

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteComponents, (self._addresses,)

    def take(self, key: ModelName, build: Callable[[], tuple[Any, Callable[[], None]]]) -> Any:
        """A component, for a holder that will release it."""
        address = self._addresses.get(key)
        return super().take(key, build if address is None else lambda: self._asked(key, address))

    def _asked(self, key: ModelName, address: ModelAddress) -> tuple[Any, Callable[[], None]]:
        kind, name = key
        caller = Caller(address, f"{kind} {name!r}")
        self._callers.append(caller)
        kept = set(caller.call("abilities"))
        bases = [
            base for ability, (_, base) in _ABILITIES.items() if ability in kept and issubclass(base, _KINDS[kind])
        ]
        made = type(_KINDS[kind].__name__, tuple(bases) or (_KINDS[kind],), {})(caller)

        def close() -> None:
            self._callers.remove(caller)
            caller.close()

        return made, close


class _RemoteClients(Clients):
    """Says to the hosts when this worker is at a job, so that they know for whom a call is worth a short wait."""

    def __init__(self, callers: list[Caller]) -> None:
        super().__init__()
        self._callers = callers

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """The worker is at a job."""
        with super().working():
            for caller in self._callers:
                caller.work(True)
            try:
                yield
            finally:
                for caller in self._callers:
                    caller.work(False)


class _Remote:
    """A component that lives elsewhere."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def close(self) -> None:
        """Does nothing: others ask it too."""

    def _ask(self, name: str, requests: Sequence[Any], *arguments: Any) -> Any:
        kept: list[Moves] = []
        plain = [_plain(request, kept) for request in requests]
        return self._caller.call(name, plain, *arguments, kept=tuple(kept))


class RemoteGenerator(_Remote):
    """A policy; a :class:`~proofsearch.protocols.TacticGenerator`."""

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """At most ``n`` candidates a request."""
        return cast("Sequence[Sequence[Candidate]]", self._ask("generate", requests, n))


class _RemoteStatistics(RemoteGenerator):
    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[PolicyStatistics | None]:
        return cast("Sequence[PolicyStatistics | None]", self._ask("statistics", requests, n))


class _RemoteScripts(RemoteGenerator):
    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        return cast("Sequence[Sequence[Script]]", self._ask("propose_scripts", requests, n))


class _RemoteVectors(RemoteGenerator):
    @cached_property
    def representation_width(self) -> int:
        return int(self._caller.call("representation_width"))

    def represent(self, requests: Sequence[GenerationRequest]) -> NDArray[np.float32]:
        return cast("NDArray[np.float32]", self._ask("represent", requests))


class _RemoteFingerprint(RemoteGenerator):
    def fingerprint(self) -> str:
        return str(self._caller.call("fingerprint"))


class RemoteScorer(_Remote):
    """A value; a :class:`~proofsearch.protocols.ValueScorer`."""

    @cached_property
    def follows_paths(self) -> bool:
        """Whether its values depend on paths."""
        return bool(self._caller.call("follows_paths"))

    @cached_property
    def reads_moves(self) -> bool:
        """Whether it reads moves."""
        return bool(self._caller.call("reads_moves"))

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        """One value a request."""
        return cast("Sequence[float | None]", self._ask("score", requests))


class _RemoteCalibratedScorer(RemoteScorer):
    def calibration(self) -> Calibration:
        return cast(Calibration, self._caller.call("calibration"))


class RemoteEncoder(_Remote):
    """An encoder; an :class:`~proofsearch.protocols.Encoder`."""

    @cached_property
    def width(self) -> int:
        """The number of columns."""
        return int(self._caller.call("width"))

    @cached_property
    def _fingerprint(self) -> str:
        return str(self._caller.call("fingerprint"))

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``."""
        return cast("NDArray[np.float32]", self._caller.call("encode", [_plain_state(state) for state in states]))

    def fingerprint(self) -> str:
        """Of the encoder itself."""
        return self._fingerprint


_KINDS: Mapping[str, type[Any]] = {"generator": RemoteGenerator, "scorer": RemoteScorer, "encoder": RemoteEncoder}

_ABILITIES: Mapping[str, tuple[type[Any], type[_Remote]]] = {
    "statistics": (ReportsStatistics, _RemoteStatistics),
    "scripts": (ProposesScripts, _RemoteScripts),
    "vectors": (RepresentsStates, _RemoteVectors),
    "fingerprint": (Fingerprinted, _RemoteFingerprint),
    "calibration": (Calibrated, _RemoteCalibratedScorer),
}


@dataclasses.dataclass(frozen=True, slots=True)
class _KeptMoves:
    """Stands for moves that stay with the worker: the place by which it knows them, and whether many can be asked."""

    index: int
    many: bool


class _RemoteMoves:
    """Moves that are with the worker that sent the request."""

    def __init__(self, index: int, ask: Callable[[Question], Any]) -> None:
        self._index = index
        self._question = ask

    def listed(self) -> Sequence[str]:
        return cast("Sequence[str]", self._question(Question(self._index, "listed")))

    def admits(self, tactic: str) -> bool:
        return bool(self._question(Question(self._index, "admits", (tactic,))))


class _RemoteManyMoves(_RemoteMoves):
    def admitted(self, tactics: Iterable[str], n: int) -> list[int]:
        return cast("list[int]", self._question(Question(self._index, "admitted", (list(tactics), n))))


def _plain_state(state: ProofState) -> State:
    return State(state.text, tuple(Goal(goal.text, goal.tree) for goal in state.goals))


def _plain(request: Any, kept: list[Moves]) -> Any:
    """A request that can be sent; its moves are added to those that are kept."""
    changes: dict[str, Any] = {"state": _plain_state(request.state)}
    if request.moves is not None:
        changes["moves"] = _KeptMoves(len(kept), isinstance(request.moves, AdmitsMany))
        kept.append(request.moves)
    if isinstance(request, ScoreRequest) and request.parent is not None:
        changes["parent"] = _plain_state(request.parent)
    return dataclasses.replace(request, **changes)


def _with_moves(requests: list[Any], ask: Callable[[Question], Any]) -> list[Any]:
    """Requests as they came, with moves that ask whoever sent them."""
    made = []
    for request in requests:
        moves = getattr(request, "moves", None)
        if isinstance(moves, _KeptMoves):
            kind = _RemoteManyMoves if moves.many else _RemoteMoves
            made.append(dataclasses.replace(request, moves=kind(moves.index, ask)))
        else:
            made.append(request)
    return made
