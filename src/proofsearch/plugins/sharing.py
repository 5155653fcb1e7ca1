"""Components that all threads of a process share, such as models: built once, asked in batches, closed after the last.

A component is shared where its plugin registered it so. The threads get a stand-in that satisfies the same contract;
what they ask of it goes through a :class:`~proofsearch.plugins.batching.Batcher`. Calls of the component itself come
from changing threads, but never two at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from proofsearch.errors import PluginError
from proofsearch.plugins.batching import Batcher, Clients
from proofsearch.protocols import (
    Calibrated,
    Calibration,
    CountsLost,
    Encoder,
    EncodesRequests,
    Fingerprinted,
    GenerationRequest,
    PolicyStatistics,
    ProposesScripts,
    ReadsPolicy,
    ReportsStatistics,
    RepresentsStates,
    ScoreRequest,
    Script,
    TacticGenerator,
    ValueScorer,
    follows_paths,
    reads_moves,
)
from proofsearch.types import Candidate, ProofState

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from proofsearch.config import ExecutionConfig

_Key = tuple[str, str]


class SharedComponents:
    """The shared components of the workers of one process.

    The factory of a run's workers holds it, so that all threads that call the factory find the same components. It
    pickles as an empty one: each process that gets the factory has components of its own.
    """

    def __init__(self) -> None:
        self.clients = Clients()
        self._lock = threading.RLock()  # reentrant: building a component can ask for another one
        self._entries: dict[_Key, _Entry] = {}

    def __reduce__(self) -> tuple[type[SharedComponents], tuple[()]]:
        return SharedComponents, ()

    def take(self, key: _Key, build: Callable[[], tuple[Any, Callable[[], None]]]) -> Any:
        """A component, for a holder that will :meth:`release` it. Others wait while one is built.

        Args:
            key: its kind and name.
            build: called where nobody holds it: builds it, and returns it with what closes it.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(*build())
            entry.holders += 1
            return entry.component

    def release(self, key: _Key) -> None:
        """Gives a component back that was taken; it is closed once nobody holds it any more."""
        with self._lock:
            entry = self._entries[key]
            entry.holders -= 1
            if not entry.holders:
                del self._entries[key]
                entry.close()


class _Entry:
    """A shared component and how many hold it."""

    __slots__ = ("close", "component", "holders")

    def __init__(self, component: Any, close: Callable[[], None]) -> None:
        self.component = component
        self.close = close
        self.holders = 0


def stand_in(
    key: _Key, component: Any, clients: Clients, execution: ExecutionConfig
) -> SharedGenerator | SharedScorer | SharedEncoder:
    """What threads get in place of a shared component.

    Args:
        key: its kind, one of :data:`proofsearch.protocols.SHAREABLE`, and its name.
        component: the one instance; the stand-in's ``close`` closes it.
        clients: the threads that share it.
        execution: says how large batches are, and how long to wait for them.
    """
    kind, name = key
    if kind == "generator":
        return _with_abilities(SharedGenerator, _GENERATOR_ABILITIES, component)(component, clients, execution, name)
    if kind == "encoder":
        return _with_abilities(SharedEncoder, _ENCODER_ABILITIES, component)(component, clients, execution, name)
    calibrated = isinstance(component, Calibrated)
    return (SharedCalibratedScorer if calibrated else SharedScorer)(component, clients, execution, name)


AnyStandIn = TypeVar("AnyStandIn")


def _with_abilities(
    kind: type[AnyStandIn], abilities: Sequence[tuple[type[Any], type[AnyStandIn]]], original: object
) -> type[AnyStandIn]:
    """The stand-in with the abilities of the component, and no others: they are asked for with ``isinstance``."""
    bases = tuple(stand_in for ability, stand_in in abilities if isinstance(original, ability))
    return cast("type[AnyStandIn]", type(kind.__name__, bases, {})) if bases else kind


Component = TypeVar("Component", bound=Any)
Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Shared(Generic[Component, Question, Answer]):
    """A component that threads share: what they ask of it is merged, and it is called by one of them at a time.

    Attributes:
        original: the one instance.
    """

    kind = ""

    def __init__(self, original: Component, clients: Clients, execution: ExecutionConfig, name: str) -> None:
        self.original = original
        self._name = name
        self._turn = threading.RLock()
        self._batcher = Batcher[Question, Answer](
            self._answer, clients, execution.max_batch, execution.max_wait, f"{self.kind} {name!r}"
        )

    def _answer(self, questions: Sequence[Question], group: Hashable) -> Sequence[Answer]:
        """Asks the component itself; one answer a question."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes the component after the call under way; threads that still wait get an error. Idempotent."""
        self._batcher.close()
        with self._turn:
            self.original.close()


class SharedGenerator(_Shared[TacticGenerator, GenerationRequest, Any]):
    """A generator that threads share; a :class:`~proofsearch.protocols.TacticGenerator`."""

    kind = "generator"

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Candidate]]:
        """At most ``n`` candidates a request. Merged with other threads' requests for as many."""
        return self._batcher.ask(requests, ("candidates", n))

    def _answer(self, questions: Sequence[GenerationRequest], group: Hashable) -> Sequence[Any]:
        assert isinstance(group, tuple)
        what, n = group
        with self._turn:
            suggestions = self._suggested(what, questions, n)
        if len(suggestions) != len(questions):
            raise PluginError(
                f"generator {self._name!r} returned {len(suggestions)} lists of {what} for {len(questions)} "
                "states; expected one list a state, empty where it has none"
            )
        return suggestions

    def _suggested(self, what: str, questions: Sequence[GenerationRequest], n: int) -> Sequence[Any]:
        return self.original.generate(questions, n)


class _SharesScripts(SharedGenerator):
    """A shared generator that proposes whole proofs, which is merged as its candidates are."""

    def propose_scripts(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[Sequence[Script]]:
        """At most ``n`` scripts a request. Merged with other threads' requests for as many."""
        return self._batcher.ask(requests, (_SCRIPTS, n))

    def _suggested(self, what: str, questions: Sequence[GenerationRequest], n: int) -> Sequence[Any]:
        if what != _SCRIPTS:
            return super()._suggested(what, questions, n)
        assert isinstance(self.original, ProposesScripts)
        return self.original.propose_scripts(questions, n)


_SCRIPTS = "scripts"


class _SharesStatistics(SharedGenerator):
    """A shared generator that says how sure it is at states; one thread's request at a time."""

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> Sequence[PolicyStatistics | None]:
        """As the generator itself."""
        assert isinstance(self.original, ReportsStatistics)
        with self._turn:
            return self.original.statistics(requests, n)


class _SharesVectors(SharedGenerator):
    """A shared generator that gives the vectors by which it knows states; one thread's request at a time."""

    @property
    def representation_width(self) -> int:
        """As the generator itself."""
        assert isinstance(self.original, RepresentsStates)
        with self._turn:
            return self.original.representation_width

    def represent(self, requests: Sequence[GenerationRequest]) -> NDArray[np.float32]:
        """As the generator itself."""
        assert isinstance(self.original, RepresentsStates)
        with self._turn:
            return self.original.represent(requests)


class _SharesFingerprint(SharedGenerator):
    """A shared generator that can be told from another one."""

    def fingerprint(self) -> str:
        """As the generator itself."""
        assert isinstance(self.original, Fingerprinted)
        with self._turn:
            return self.original.fingerprint()


_GENERATOR_ABILITIES: Sequence[tuple[type[Any], type[SharedGenerator]]] = (
    (ReportsStatistics, _SharesStatistics),
    (RepresentsStates, _SharesVectors),
    (Fingerprinted, _SharesFingerprint),
    (ProposesScripts, _SharesScripts),
)


class SharedScorer(_Shared[ValueScorer, ScoreRequest, float | None]):
    """A scorer that threads share; a :class:`~proofsearch.protocols.ValueScorer`."""

    kind = "scorer"

    @property
    def follows_paths(self) -> bool:
        """Whether the values of the scorer itself depend on paths."""
        return follows_paths(self.original)

    @property
    def reads_moves(self) -> bool:
        """Whether the scorer itself reads moves."""
        return reads_moves(self.original)

    def score(self, requests: Sequence[ScoreRequest]) -> Sequence[float | None]:
        """One value a request. Merged with other threads' requests."""
        return self._batcher.ask(requests)

    def _answer(self, questions: Sequence[ScoreRequest], group: Hashable) -> Sequence[float | None]:
        with self._turn:
            return self.original.score(questions)


class SharedCalibratedScorer(SharedScorer):
    """A shared scorer that knows how to be mixed with log-probability."""

    def calibration(self) -> Calibration:
        """The calibration of the scorer itself."""
        assert isinstance(self.original, Calibrated)
        with self._turn:
            return self.original.calibration()


class SharedEncoder(_Shared[Encoder, ProofState, "NDArray[np.float32]"]):
    """An encoder that threads share; an :class:`~proofsearch.protocols.Encoder`.

    Its width and fingerprint are asked for with every batch by some scorers, which must not wait for others' calls.
    """

    kind = "encoder"

    @cached_property
    def width(self) -> int:
        """The number of columns."""
        with self._turn:
            return self.original.width

    @cached_property
    def _fingerprint(self) -> str:
        with self._turn:
            return self.original.fingerprint()

    def encode(self, states: Sequence[ProofState]) -> NDArray[np.float32]:
        """Shape ``(len(states), width)``. Merged with other threads' states."""
        import numpy as np

        if not states:
            return np.empty((0, self.width), np.float32)
        return np.stack(self._batcher.ask(states))

    def fingerprint(self) -> str:
        """The fingerprint of the encoder itself."""
        return self._fingerprint

    def _answer(self, questions: Sequence[ProofState], group: Hashable) -> Sequence[NDArray[np.float32]]:
        with self._turn:
            return list(self.original.encode(questions))


class _SharesRequests(SharedEncoder):
    """A shared encoder that reads more than states; one thread's request at a time."""

    def encode_requests(self, requests: Sequence[GenerationRequest]) -> NDArray[np.float32]:
        """As the encoder itself."""
        assert isinstance(self.original, EncodesRequests)
        with self._turn:
            return self.original.encode_requests(requests)


class _SharesPolicy(SharedEncoder):
    """A shared encoder whose rows are what a policy says."""

    def policy_fingerprint(self) -> str:
        """As the encoder itself."""
        assert isinstance(self.original, ReadsPolicy)
        with self._turn:
            return self.original.policy_fingerprint()


class _SharesLost(SharedEncoder):
    """A shared encoder that counts the states that it did not find again."""

    @property
    def num_lost(self) -> int:
        """As the encoder itself."""
        assert isinstance(self.original, CountsLost)
        with self._turn:
            return self.original.num_lost


_ENCODER_ABILITIES: Sequence[tuple[type[Any], type[SharedEncoder]]] = (
    (EncodesRequests, _SharesRequests),
    (ReadsPolicy, _SharesPolicy),
    (CountsLost, _SharesLost),
)
