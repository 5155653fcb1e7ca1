"""Model calls of concurrent searches, merged: threads hand in what they want to know and wait for the answer.

There is no thread for it. The first that asks leads: it waits for others to join, makes the call for all of them with
no lock held, gives each its answers, and passes the lead on to whoever has waited longest. Calls of one batcher never
overlap; those of different batchers may.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Generic, TypeVar

from proofsearch.errors import ProofsearchError

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Clients:
    """The threads of a process that may ask, known to all of its batchers.

    A call that more could still join is worth a short wait; once every client waits for an answer, of whatever batcher,
    nobody is left to join. What is not a client's thread may ask as well, but is not waited for.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        """Of the state of these clients and of all their batchers; never held during a call."""
        self._working: set[int] = set()
        self._able: set[int] = set()
        self._gathering: list[threading.Condition] = []

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Makes the calling thread a client for as long as it is at work."""
        thread = threading.get_ident()
        with self.lock:
            self._working.add(thread)
            self._able.add(thread)
        try:
            yield
        finally:
            with self.lock:
                self._working.discard(thread)
                self.unable(thread)

    # The rest is for batchers, which hold the lock.

    @property
    def all_wait(self) -> bool:
        """Whether no client is left that could ask."""
        return not self._able

    def unable(self, thread: int) -> bool:
        """Notes that a thread waits for an answer, or has ended its work.

        Returns:
            Whether it is to be made able again when it gets the answer: not where it is no client, nor where it asks in
            the midst of a call that it makes for others, with a question of its own still open.
        """
        was_able = thread in self._able
        self._able.discard(thread)
        if not self._able:
            for condition in self._gathering:
                condition.notify()
        return was_able

    def able(self, thread: int) -> None:
        """Notes that a thread has its answer."""
        if thread in self._working:
            self._able.add(thread)

    def gather(self, condition: threading.Condition, seconds: float) -> None:
        """Waits on a condition of a leader: at most so long, and no longer than some client could ask."""
        self._gathering.append(condition)
        try:
            condition.wait(seconds)
        finally:
            self._gathering.remove(condition)


class _Question(Generic[Item, Answer]):
    """What one thread asks, until it has all of its answers.

    Attributes:
        items: what it asks.
        group: what it may be merged with.
        changed: notified when the thread has something to do: it is answered, leads, or need not wait for more items.
        thread: which.
        since: when it came, by ``time.monotonic``.
        answers: so far; those of the first items.
        error: what its own items raised.
        finished: whether it is answered, or given up.
        resumes: whether the thread can ask again once it is.
    """

    __slots__ = ("answers", "changed", "error", "finished", "group", "items", "resumes", "since", "thread")

    def __init__(self, items: Sequence[Item], group: Hashable, changed: threading.Condition) -> None:
        self.items = items
        self.group = group
        self.changed = changed
        self.thread = threading.get_ident()
        self.since = time.monotonic()
        self.answers: list[Answer] = []
        self.error: Exception | None = None
        self.finished = False
        self.resumes = False

    @property
    def open(self) -> int:
        """How many items have no answer yet."""
        return len(self.items) - len(self.answers)


class _Share(Generic[Item, Answer]):
    """The part of a batch that comes from one question."""

    __slots__ = ("items", "question")

    def __init__(self, question: _Question[Item, Answer], items: Sequence[Item]) -> None:
        self.question = question
        self.items = items


class Batcher(Generic[Item, Answer]):
    """Merges what threads ask of one function into batches.

    A call is made as soon as ``max_batch`` items wait, or no client is left that could add to them, or ``max_wait``
    seconds have passed since the oldest of them came and the last call ended: so a single client never waits. Items
    are taken in the order in which they came. A question of more than ``max_batch`` items, or what of it no longer
    fits into a batch, goes into several calls.

    Args:
        function: answers a batch with one answer an item, in order; its second argument is the group.
        clients: those of all batchers of the process.
        max_batch: items in one call, at least 1.
        max_wait: seconds that an item waits for others at most while no call is under way, at least 0.
        name: of what is asked, for errors.
    """

    def __init__(
        self,
        function: Callable[[Sequence[Item], Hashable], Sequence[Answer]],
        clients: Clients,
        max_batch: int,
        max_wait: float,
        name: str,
    ) -> None:
        self._function = function
        self._clients = clients
        self._max_batch = max_batch
        self._max_wait = max_wait
        self._name = name
        self._questions: list[_Question[Item, Answer]] = []
        self._leader: _Question[Item, Answer] | None = None
        self._free = time.monotonic()
        """When the last call ended."""
        self._closed = False

    def ask(self, items: Sequence[Item], group: Hashable = None) -> list[Answer]:
        """The answers to some items, one an item, in order; waits for them.

        Args:
            items: what to ask.
            group: only questions of equal groups are merged.

        Raises:
            ProofsearchError: the batcher is closed, or was while this waited.
            Exception: what the function raised for these items alone.
        """
        if not items:
            return []
        question = _Question[Item, Answer](items, group, threading.Condition(self._clients.lock))
        try:
            with self._clients.lock:
                self._refuse_closed()
                self._add(question)
            while (batch := self._next_batch(question)) is not None:
                self._call(batch)
        finally:
            # An interrupt may have come at any point: nobody must wait for a leader that is gone.
            with self._clients.lock:
                self._finish(question)
                self._pass_on_lead(question)
        if question.error is not None:
            raise question.error
        return question.answers

    def close(self) -> None:
        """Refuses further questions, and those that wait. A call under way is not waited for. Idempotent."""
        with self._clients.lock:
            self._closed = True
            for question in self._questions:
                question.changed.notify()

    # ------------------------------------------------------------------------------------------------- internals

    def _add(self, question: _Question[Item, Answer]) -> None:
        self._questions.append(question)
        question.resumes = self._clients.unable(question.thread)
        if self._leader is None:
            self._leader = question
        elif self._full(self._leader):
            self._leader.changed.notify()

    def _next_batch(self, question: _Question[Item, Answer]) -> list[_Share[Item, Answer]] | None:
        """Waits until the question is answered, which gives ``None``, or leads and has a batch to call with."""
        with self._clients.lock:
            while not question.finished:
                self._refuse_closed()
                if self._leader is not question:
                    question.changed.wait()
                    continue
                # Not before the last call ended: whoever was answered by it had no chance to join, and without a wait
                # the clients would fall into two halves that take turns.
                seconds = max(self._questions[0].since, self._free) + self._max_wait - time.monotonic()
                if seconds <= 0 or self._clients.all_wait or self._full(question):
                    return self._take(question)
                self._clients.gather(question.changed, seconds)
            return None

    def _full(self, leader: _Question[Item, Answer]) -> bool:
        left = self._max_batch
        for question in self._questions:
            if question.group == leader.group:
                left -= question.open
        return left <= 0

    def _take(self, leader: _Question[Item, Answer]) -> list[_Share[Item, Answer]]:
        """The next batch: items of the leader's group, the oldest first, so the leader's own are among them."""
        room = self._max_batch
        batch = []
        for question in self._questions:
            if room and question.group == leader.group:
                begin = len(question.answers)
                items = question.items[begin : begin + room]
                room -= len(items)
                batch.append(_Share(question, items))
        return batch

    def _call(self, batch: list[_Share[Item, Answer]]) -> None:
        """Answers a batch; where the call fails, each question's share of it by itself."""
        group = batch[0].question.group
        try:
            answers = self._answers([item for share in batch for item in share.items], group)
        # Whatever a model raises belongs to the searches that asked, not to the thread that happened to ask for them.
        except Exception as error:
            if len(batch) == 1:
                self._give(batch[0], error)
                return
        else:
            begin = 0
            for share in batch:
                self._give(share, answers[begin : begin + len(share.items)])
                begin += len(share.items)
            return
        for share in batch:
            try:
                outcome: Sequence[Answer] | Exception = self._answers(share.items, group)
            except Exception as error:
                outcome = error
            self._give(share, outcome)

    def _answers(self, items: Sequence[Item], group: Hashable) -> Sequence[Answer]:
        try:
            answers = self._function(items, group)
        finally:
            self._free = time.monotonic()
        if len(answers) != len(items):
            raise ValueError(f"{self._name} returned {len(answers)} answers for {len(items)} states; expected one each")
        return answers

    def _give(self, share: _Share[Item, Answer], outcome: Sequence[Answer] | Exception) -> None:
        question = share.question
        with self._clients.lock:
            if isinstance(outcome, Exception):
                question.error = outcome
            else:
                question.answers.extend(outcome)
            if question.error is not None or not question.open:
                self._finish(question)

    def _finish(self, question: _Question[Item, Answer]) -> None:
        """Takes a question off the list, answered or given up. Idempotent."""
        if question in self._questions:
            self._questions.remove(question)
            if question.resumes:
                # At once and not when the thread wakes: the next leader would take it for one that still waits.
                self._clients.able(question.thread)
        question.finished = True
        question.changed.notify()

    def _pass_on_lead(self, question: _Question[Item, Answer]) -> None:
        if self._leader is question:
            self._leader = self._questions[0] if self._questions else None
            if self._leader is not None:
                self._leader.changed.notify()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ProofsearchError(f"{self._name} was closed while a search still asked it")
