"""The library's own proofs, step by step as a search would have met them.

A search always acts on the first goal, or on goals that hang together with it. People do so too, mostly; but they also
focus by bullets and braces, prove a later goal first (``2: lia``), or several at once (``all: auto``). Where goals have
nothing to do with each other, that comes to the same as doing it when the goal is the first one, and so it is replayed.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from proofsearch import Advanced, Demonstration, Finished, Theorem
from proofsearch.models.scripts import split_lines, within_fence
from proofsearch_rocq.sentences import split_sentences, without_comments
from proofsearch_rocq.session import UNSHELVE, RocqSession
from proofsearch_rocq.states import RocqState
from proofsearch_rocq.tactics import Tactic, read_tactic

_STATES = re.compile(r"(?:Theorem|Lemma|Fact|Remark|Corollary|Proposition|Property|Example|Goal|Proof)\b")
_ENDS = re.compile(r"(?:Qed|Defined|Admitted|Abort)\s*\.")
_STRUCTURE = re.compile(r"-+|\++|\*+|\}|(?:[^:]*:\s*)?\{")
_BULLET = re.compile(r"-+|\++|\*+")
_OPENS = re.compile(r"(?:(\d+|\[\s*[^\W\d][\w']*\s*\])\s*:\s*)?\{")
_PLACES = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


class UnusableProofError(Exception):
    """A proof that can't be replayed as a search would have found it; the message says where."""


def split_script(script: str) -> list[str]:
    """The tactics of a proof as a model writes it: with its statement, ``Proof.`` and ``Qed.``, or without.

    Bullets and braces are left out, since each tactic acts on the first goal at any rate. Where no full stop ends a
    sentence, each line is a tactic.
    """
    body = within_fence(script)
    sentences = split_sentences(body)
    if not any(sentence.text.endswith(".") for sentence in sentences):
        return split_lines(body)
    tactics = list[str]()
    for sentence in sentences:
        text = " ".join(without_comments(sentence.text).split()) if '"' not in sentence.text else sentence.text
        if _ENDS.fullmatch(text):
            break
        if _STATES.match(text):
            tactics.clear()
        elif not _STRUCTURE.fullmatch(text):
            tactics.append(text)
    return tactics


def replay(theorem: Theorem, session: RocqSession, script: Sequence[str], max_steps: int) -> Iterator[Demonstration]:
    """Follows a proof through a session.

    Args:
        theorem: whose proof it is.
        session: a session of the theorem.
        script: the sentences of the proof.
        max_steps: replays of more steps are refused.

    Yields:
        A demonstration a step, in the session's order. ``remaining`` counts the steps to this replay's end.

    Raises:
        UnusableProofError: a step is no tactic or doesn't apply, the proof doesn't end, or there are too many steps.
    """
    steps = _Replay(session, max_steps).run(script)
    for number, (state, tactic) in enumerate(steps):
        yield Demonstration(theorem, state, tactic, len(steps) - number)


Block = tuple[str, ...]
"""The sentences between braces."""


@dataclass
class _Slot:
    """An open goal, and what is to be done as soon as it is the first."""

    pending: deque[str | Block] = field(default_factory=deque)


class _Replay:
    """One proof being replayed: the session's state, a slot a goal of it, and what the script is focused on.

    The focus is always on the first goals: each entry of ``_focus`` has what opened it and how many goals stand behind.
    """

    def __init__(self, session: RocqSession, max_steps: int) -> None:
        self._session = session
        self._max_steps = max_steps
        self._steps: list[tuple[RocqState, str]] = []
        outcome = session.initial()
        if not isinstance(outcome, Advanced) or not isinstance(outcome.state, RocqState):
            raise UnusableProofError(f"it doesn't begin: {outcome}")
        self._state: RocqState | None = outcome.state
        self._slots = [_Slot() for _ in range(outcome.state.num_goals)]
        self._focus: list[tuple[str, int]] = [("", 0)]

    def run(self, script: Sequence[str]) -> Sequence[tuple[RocqState, str]]:
        """Replays it all.

        Returns:
            The states and the steps taken there.
        """
        self._follow(script)
        self._settle()
        if self._state is not None:
            raise UnusableProofError("goals are left at its end")
        return self._steps

    def _follow(self, script: Sequence[str]) -> None:
        sentences = iter(script)
        for sentence in sentences:
            self._settle()
            if _BULLET.fullmatch(sentence):
                if any(opened == sentence for opened, _ in self._since_brace()):
                    self._unfocus(sentence)
                self._focus.append((sentence, len(self._slots) - 1))
            elif sentence == "}":
                self._unfocus("{")
            elif opens := _OPENS.fullmatch(sentence):
                place = self._place(opens[1]) if opens[1] else 0
                if place:
                    self._slots[place].pending.append(_block(sentences))
                else:
                    self._focus.append(("{", len(self._slots) - 1))
            elif sentence != UNSHELVE:
                self._tactic(sentence)

    def _since_brace(self) -> Sequence[tuple[str, int]]:
        braces = [number for number, (opened, _) in enumerate(self._focus) if opened in ("{", "")]
        return self._focus[braces[-1] + 1 :]

    def _unfocus(self, opened: str) -> None:
        while len(self._focus) > 1:
            if self._focus.pop()[0] == opened:
                return
        raise UnusableProofError(f"{opened!r} is closed, which wasn't opened")

    @property
    def _focused(self) -> int:
        """How many goals are in focus."""
        return len(self._slots) - self._focus[-1][1]

    def _place(self, selector: str) -> int:
        """The number of a goal in focus, from 0, by its number from 1 or by its name."""
        if selector.startswith("["):
            names = [goal.name for goal in self._state.found.open] if self._state is not None else []
            name = selector.strip("[] ")
            place = names.index(name) if name in names else -1
        else:
            place = int(selector) - 1
        if not 0 <= place < self._focused:
            raise UnusableProofError(f"there is no goal {selector}")
        return place

    def _tactic(self, sentence: str) -> None:
        """Does what a sentence says, at once or when its goals are the first."""
        try:
            tactic = read_tactic(sentence)
        except ValueError as error:
            raise UnusableProofError(f"{sentence!r}: {error}") from None
        places = self._places(tactic)
        if places == [0]:
            self._step(tactic.text, places)
        elif self._is_one_part():
            self._step(f"{', '.join(str(place + 1) for place in places)}: {tactic.text}", places)
        else:
            for place in places:
                self._slots[place].pending.append(tactic.text)

    def _places(self, tactic: Tactic) -> list[int]:
        if tactic.selector in ("", "!"):
            return [0]
        if tactic.selector == "all":
            return list(range(self._focused))
        if tactic.selector.startswith("["):
            return [self._place(tactic.selector)]
        spans = [(int(span[1]), int(span[2] or span[1])) for span in _PLACES.finditer(tactic.selector)]
        return [self._place(str(number)) for first, last in spans for number in range(first, last + 1)]

    def _is_one_part(self) -> bool:
        """Whether all goals do, as far as the session knows, so that the order of steps may matter."""
        return self._state is not None and len(self._session.parts(self._state)) == 1

    def _settle(self) -> None:
        """Does what is to be done with goals that have become the first ones in focus."""
        while self._focused > 0 and self._slots[0].pending:
            todo = self._slots[0].pending.popleft()
            if isinstance(todo, str):
                self._step(todo, [0])
            else:
                self._focus.append(("{", len(self._slots) - 1))
                self._follow((*todo, "}"))

    def _step(self, tactic: str, places: Sequence[int]) -> None:
        """Takes a step that acts on the goals at these places, which are neighbours or one."""
        if self._state is None:
            raise UnusableProofError(f"{tactic!r} comes behind the end of the proof")
        if len(self._steps) >= self._max_steps:
            raise UnusableProofError(f"more than {self._max_steps} steps")
        before = self._state
        outcome = self._session.step(before, tactic)
        if isinstance(outcome, Finished):
            after = None
        elif isinstance(outcome, Advanced) and isinstance(outcome.state, RocqState):
            after = outcome.state
        else:
            raise UnusableProofError(f"{tactic!r}: {outcome}")
        self._steps.append((before, tactic))
        self._state = after
        made = (after.num_goals if after is not None else 0) - before.num_goals + len(places)
        if made < 0:  # a goal beside them was closed, through an existential variable
            raise UnusableProofError(f"{tactic!r} closes goals of others")
        # What is still to be done with a goal is done with all that it becomes, which may be none.
        left = [pending for place in places for pending in self._slots[place].pending]
        new = [_Slot(deque(left)) for _ in range(made)]
        kept = [slot for place, slot in enumerate(self._slots) if place not in places]
        self._slots = [*kept[: places[0]], *new, *kept[places[0] :]]


def _block(sentences: Iterator[str]) -> Block:
    """The sentences up to the brace that closes, which is taken too."""
    found: list[str] = []
    depth = 1
    for sentence in sentences:
        depth += 1 if _OPENS.fullmatch(sentence) else -1 if sentence == "}" else 0
        if not depth:
            return tuple(found)
        found.append(sentence)
    raise UnusableProofError("a brace isn't closed")
