"""The policy ``metamath-ranker``: how likely each assertion is the next step, as two trained towers say."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from proofsearch import Candidate, ProofState
from proofsearch.checkpoint import MANIFEST, read_manifest
from proofsearch.errors import InputError, UsageError
from proofsearch.models.confidence import summary_of, with_goals
from proofsearch.protocols import Builder, GenerationRequest, Moves, PolicyStatistics
from proofsearch_metamath.config import NAME
from proofsearch_metamath.environment import MetamathEnvironment
from proofsearch_metamath.ranker.answers import Answer, Logits, answer
from proofsearch_metamath.ranker.bags import Floats
from proofsearch_metamath.ranker.config import RankerConfig
from proofsearch_metamath.ranker.division import order_of
from proofsearch_metamath.ranker.judging import Judge, Said
from proofsearch_metamath.ranker.pairing import Pairing
from proofsearch_metamath.ranker.policies import Policies
from proofsearch_metamath.ranker.reading import SessionReader, SymbolTable
from proofsearch_metamath.ranker.towers import Towers
from proofsearch_metamath.ranker.vectors import assertion_vectors
from proofsearch_metamath.ranker.weights import Weights
from proofsearch_metamath.search.session import MetamathSession, session_of
from proofsearch_metamath.search.state import MetamathState

_SESSIONS_KEPT = 4
_LOGITS_KEPT = 256
"""States whose logits are kept until they are expanded: of set.mm, some kilobytes each."""


class _Session:
    """What is remembered of one session.

    Attributes:
        session: the session.
        judge: of its goals and states.
        reader: of its states.
        logits: of goals that stand alone, by their terms: states of one goal, which may be expanded yet.
        said: how sure the policy is of each goal as if it stood alone, by its term.
    """

    def __init__(self, session: MetamathSession, reader: SessionReader, judge: Judge) -> None:
        self.session = session
        self.judge = judge
        self.reader = reader
        self.logits: OrderedDict[int, Logits] = OrderedDict()
        self.said: dict[int, Said] = {}
        self._statistics: dict[int, PolicyStatistics] = {}

    def judge_goals(self, goals: Iterable[int], *, alone: bool) -> None:
        """Looks at goals of a state as if they stood alone, those that were not looked at before.

        Args:
            goals: the goals.
            alone: whether this is the state's only goal: then its logits are kept, since it may be expanded.
        """
        for goal in goals:
            if goal not in self.said:
                self.said[goal], logits = self.judge.judge_alone(goal, keep=alone)
                if alone and logits is not None:
                    self.logits[goal] = logits
                    if len(self.logits) > _LOGITS_KEPT:
                        self.logits.popitem(last=False)

    def statistics(self, goal: int) -> PolicyStatistics:
        """How sure the policy is of a goal; made when it is asked for, since a value reads sums alone."""
        found = self._statistics.get(goal)
        if found is None:
            found = self._statistics[goal] = PolicyStatistics(*self.said[goal])
        return found


class RankerGenerator:
    """Ranks what can apply; opens its weights when it is first asked. Not shared between threads.

    Probabilities are over the assertions before the theorem whose conclusion unifies with the first goal, and over the
    theorem's hypotheses that do. Weights are those of a training that read no proof of the splits ``validation`` and
    ``test``; a theorem of the split ``train`` may have been learnt from, unless the folder holds a policy for each fold
    (:mod:`proofsearch_metamath.ranker.folds`) or cut (:mod:`proofsearch_metamath.ranker.cuts`).

    Args:
        config: the options.
        environment: what is searched.
        builder: gives the cache, and tells a person what takes long.
    """

    def __init__(self, config: RankerConfig, environment: MetamathEnvironment, builder: Builder) -> None:
        self._config = config
        self._environment = environment
        self._builder = builder
        self._policies: Policies[Pairing] | None = None
        self._symbols: SymbolTable | None = None
        self._sessions: OrderedDict[int, _Session] = OrderedDict()

    def prepare(self) -> None:
        """Makes and keeps the vectors of the database's assertions; see :class:`proofsearch.protocols.Prepares`."""
        policies = self._all()
        policies.prepare()
        unanswered = sum(not policies.answers(theorem) for theorem in self._environment.theorems())
        if unanswered:
            self._builder.status(
                f"{NAME}: suggests nothing for {unanswered} theorems, which stand before the first cut of "
                f"{self._folder}; in a mixture the other policies answer for them"
            )

    def close(self) -> None:
        """Lets go of the weights. Idempotent."""
        self._policies = self._symbols = None
        self._sessions.clear()

    def generate(self, requests: Sequence[GenerationRequest], n: int) -> list[list[Candidate]]:
        """At most ``n`` admissible candidates a request, best first; ties in the order of ``moves.listed()``.

        Probabilities are over the tactics that were not found inadmissible. There is no candidate where no policy may
        answer for the theorem; :meth:`prepare` tells a person for how many.

        Raises:
            UsageError: a state of another environment.
        """
        return [
            self._answer(_own(request.state), request.moves, n).candidates() if self._may_answer(request) else []
            for request in requests
        ]

    def statistics(self, requests: Sequence[GenerationRequest], n: int) -> list[PolicyStatistics | None]:
        """How sure it is of each goal, as if it stood alone; see :class:`proofsearch.protocols.ReportsStatistics`.

        A search meets the same goals in many states, so each is looked at once. What is said of the state is what is
        said of its first goal. Log-probabilities, entropy and mass are those of the best eight candidates,
        whatever ``n`` is: to find out which of more apply costs most of the time, and tells nothing more
        (docs/decisions.md). Log-sum-exp and the number of moves are over all that may apply. Nothing is said where no
        policy may answer for the theorem.

        Raises:
            UsageError: a state of another environment.
        """
        return [self._statistics(_own(one.state)) if self._may_answer(one) else None for one in requests]

    def _statistics(self, state: MetamathState) -> PolicyStatistics:
        session = self._session(session_of(state))
        session.judge_goals([goal for goal, _ in state.open], alone=state.num_goals == 1)
        goals = tuple([session.statistics(goal) for goal, _ in state.open])
        return with_goals(goals[state.focus], goals)

    def summaries(self, requests: Sequence[GenerationRequest], n: int) -> list[list[float] | None]:
        """The same, put together over the goals; see :class:`proofsearch.protocols.SumsUpStatistics`."""
        return [self._summary(_own(one.state)) if self._may_answer(one) else None for one in requests]

    def _summary(self, state: MetamathState) -> list[float]:
        session = self._session(session_of(state))
        found = session.judge.summary(state)
        if isinstance(found, tuple):
            session.judge_goals(found, alone=state.num_goals == 1)
            found = session.judge.summary(state)
        return found if isinstance(found, list) else summary_of(self._statistics(state))

    @property
    def representation_width(self) -> int:
        """Four times the width of the towers.

        Raises:
            UsageError: there are several policies, whose vectors mean different things.
        """
        return 4 * self._all().single.towers.architecture.width

    def represent(self, requests: Sequence[GenerationRequest]) -> Floats:
        """The first tower's vectors of each state's goals; see :class:`proofsearch.protocols.RepresentsStates`.

        Columns: the first goal's vector, the goals' sum, their maximum in each column, and the theorem's own vector.
        Each goal is looked at as if it stood alone, once a search, together with :meth:`statistics`.

        Raises:
            UsageError: a state of another environment, or several policies.
        """
        rows = np.empty((len(requests), self.representation_width), np.float32)
        for row, request in zip(rows, requests, strict=True):
            state = _own(request.state)
            session = self._session(session_of(state))
            terms = [goal for goal, _ in state.open]
            session.judge_goals(terms, alone=len(terms) == 1)
            session.judge_goals([session.session.root], alone=True)
            goals = np.stack([session.judge.vector(goal) for goal in terms])
            theorem = session.judge.vector(session.session.root)
            row[:] = np.concatenate((goals[state.focus], goals.sum(axis=0), goals.max(axis=0), theorem))
        return rows

    def fingerprint(self) -> str:
        """Of the weights, the options and the database; see :class:`proofsearch.protocols.Fingerprinted`."""
        manifest = read_manifest(self._folder, kind="generator", name=NAME)
        parts = [sorted(manifest.files.items()), self._config.temperature, self._environment.library.tables.sha256]
        return f"{NAME}-" + hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()

    def _answer(self, state: MetamathState, moves: Moves | None, n: int) -> Answer:
        """What it says of a state."""
        session = self._session(session_of(state))
        if state.num_goals == 1:
            goal = state.open[0][0]
            logits = session.logits.get(goal) or session.judge.look_alone(goal)
        else:
            logits = session.judge.look(session.reader.read(state))
        return answer(logits, moves or session.session.moves(state), session.judge.names, n)

    def _session(self, session: MetamathSession) -> _Session:
        found = self._sessions.get(id(session))
        if found is None:
            pairing = self._all().of(session.target.theorem)
            assert pairing is not None, "nothing is asked where no policy answers"
            if self._symbols is None:
                self._symbols = SymbolTable(self._environment.library)
            reader = SessionReader(session, self._environment.library, self._symbols, pairing.towers.architecture.rows)
            # It holds the session, so that no other can have its id.
            judge = Judge(session, reader, pairing, self._environment.library.label_array)
            found = self._sessions[id(session)] = _Session(session, reader, judge)
            if len(self._sessions) > _SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        return found

    def _all(self) -> Policies[Pairing]:
        if self._policies is None:
            self._policies = Policies(self._folder, self._opened, order_of(self._environment.library))
        return self._policies

    def _may_answer(self, request: GenerationRequest) -> bool:
        """Whether a policy may answer for the theorem."""
        return self._all().answers(request.theorem)

    @property
    def _folder(self) -> Path:
        return self._config.path or shipped_weights(self._environment)

    def _opened(self, weights: Weights) -> Pairing:
        towers = Towers(weights.architecture, weights.tensors)
        vectors, missing = assertion_vectors(weights, towers, self._environment, self._builder.cache)
        if missing:
            self._builder.status(
                f"{NAME}: {missing} of the {len(weights.labels)} assertions that {weights.folder} learnt are not in "
                f"{self._environment.path.name}, or say something else there; the others are recognised"
            )
        return Pairing(towers, vectors, self._config.temperature)


def _own(state: ProofState) -> MetamathState:
    if not isinstance(state, MetamathState):
        raise UsageError(f"--generator {NAME}: works for --env metamath only, found a {type(state).__name__}")
    return state


def shipped_weights(environment: MetamathEnvironment) -> Path:
    """The folder of the weights that come with the package, which are for the shipped database.

    Raises:
        UsageError: another database is searched.
        InputError: this installation has none.
    """
    if not environment.is_shipped:
        raise UsageError(
            f"--generator {NAME}: the weights that come with the package are for the shipped database, not for "
            f"{environment.path.name}; train some: proofsearch train --plugin {NAME} --metamath-database "
            f"{environment.path} --out DIR, then search with --{NAME}-path DIR"
        )
    folder = Path(str(resources.files("proofsearch_metamath"))) / "data" / "ranker"
    if not (folder / MANIFEST).is_file():
        raise InputError(
            f"{folder}: this installation comes without weights; train some: proofsearch train --plugin {NAME} --out "
            f"DIR, then search with --{NAME}-path DIR"
        )
    return folder


def make_ranker(config: RankerConfig, builder: Builder) -> RankerGenerator:
    """Builds the generator ``metamath-ranker``.

    Raises:
        UsageError: the environment is not ``metamath``.
    """
    environment = builder.environment()
    if not isinstance(environment, MetamathEnvironment):
        raise UsageError(f"--generator {NAME}: works for --env metamath only; choose another generator")
    return RankerGenerator(config, environment, builder)
