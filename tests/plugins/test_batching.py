"""Merged calls: everything is answered once and in order, nobody waits for nothing, and nobody pays for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofsearch.errors import ProofsearchError
from proofsearch.plugins.batching import Batcher, Clients

FOREVER = 3600.0
"""A ``max_wait`` that a test would not survive: what ends sooner was ended by something else."""


class Model:
    """Squares numbers and notes each call; raises at those that it is told to."""

    def __init__(self, bad: Sequence[int] = (), error: BaseException | None = None) -> None:
        self.calls: list[tuple[list[int], Hashable]] = []
        self.bad = bad
        self.error = error or ValueError("bad")
        self.running = 0

    def __call__(self, items: Sequence[int], group: Hashable) -> Sequence[int]:
        self.running += 1
        assert self.running == 1, "two calls at once"
        self.calls.append((list(items), group))
        time.sleep(0)  # lets others in
        self.running -= 1
        if set(items) & set(self.bad):
            raise self.error
        return [item * item for item in items]

    @property
    def sizes(self) -> list[int]:
        return [len(items) for items, _ in self.calls]


class Threads:
    """Threads and what came of them."""

    def __init__(self) -> None:
        self.results: dict[object, Any] = {}
        self._threads: list[threading.Thread] = []

    def start(self, name: object, function: Callable[[], Any]) -> None:
        def run() -> None:
            try:
                self.results[name] = function()
            except BaseException as error:
                self.results[name] = error

        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()

    def join(self) -> dict[object, Any]:
        for thread in self._threads:
            thread.join(600)
            assert not thread.is_alive(), "it hangs"
        return self.results


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.001)


def waiting(batcher: Batcher[Any, Any], count: int) -> None:
    """Returns when so many questions are open."""
    until(lambda: len(batcher._questions) == count)


def clients_asking(threads: Threads, clients: Clients, batcher: Batcher[int, int], items: Sequence[list[int]]) -> None:
    """Starts a client for each list of items; none asks before all are there."""
    barrier = threading.Barrier(len(items))

    def ask(own: list[int]) -> list[int]:
        with clients.working():
            barrier.wait(600)
            return batcher.ask(own)

    for number, own in enumerate(items):
        threads.start(number, lambda own=own: ask(own))


@contextmanager
def idle_client(clients: Clients) -> Iterator[Callable[[], None]]:
    """A client that could ask and doesn't; the function that it gives ends its work."""
    here, leave = threading.Event(), threading.Event()

    def work() -> None:
        with clients.working():
            here.set()
            leave.wait(600)

    thread = threading.Thread(target=work)
    thread.start()
    here.wait(600)
    yield leave.set
    leave.set()
    thread.join(600)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=4), min_size=1, max_size=6),
    st.integers(1, 7),
    st.sampled_from([0.0, 0.0005, FOREVER]),
)
def test_every_item_is_answered_once_in_order_by_calls_of_bounded_size(
    questions: list[list[tuple[int, bool]]], max_batch: int, max_wait: float
) -> None:
    clients, model, threads = Clients(), Model(), Threads()
    batcher = Batcher(model, clients, max_batch, max_wait, "model")
    number = iter(range(1_000_000))
    asked = [[([next(number) for _ in range(size)], group) for size, group in own] for own in questions]

    def client(own: list[tuple[list[int], bool]]) -> list[list[int]]:
        with clients.working():
            return [batcher.ask(items, group) for items, group in own]

    for place, own in enumerate(asked):
        threads.start(place, lambda own=own: client(own))
    results = threads.join()
    for place, own in enumerate(asked):
        assert results[place] == [[item * item for item in items] for items, _ in own]
    assert all(1 <= size <= max_batch for size in model.sizes)
    group_of = {item: group for own in asked for items, group in own for item in items}
    called = [item for items, _ in model.calls for item in items]
    assert sorted(called) == sorted(group_of), "every item goes into exactly one call"
    assert all(group_of[item] == group for items, group in model.calls for item in items)


@pytest.mark.parametrize(("items", "sizes"), [(1, [1]), (4, [4]), (9, [4, 4, 1])])
def test_a_single_client_never_waits(items: int, sizes: list[int]) -> None:
    clients, model = Clients(), Model()
    batcher = Batcher(model, clients, 4, FOREVER, "model")
    with clients.working():
        assert batcher.ask(range(items)) == [item * item for item in range(items)]
    assert model.sizes == sizes


def test_who_asks_without_clients_is_answered_at_once() -> None:
    assert Batcher(Model(), Clients(), 4, FOREVER, "model").ask([3]) == [9]


def test_clients_that_all_wait_share_one_call() -> None:
    clients, model, threads = Clients(), Model(), Threads()
    clients_asking(threads, clients, Batcher(model, clients, 64, FOREVER, "model"), [[1], [2, 3], [4], [5]])
    assert threads.join() == {0: [1], 1: [4, 9], 2: [16], 3: [25]}
    assert model.sizes == [5]


def test_a_full_batch_goes_though_others_could_still_ask() -> None:
    clients, model, threads = Clients(), Model(), Threads()
    batcher = Batcher(model, clients, 3, FOREVER, "model")
    with idle_client(clients):
        clients_asking(threads, clients, batcher, [[1], [2], [3]])
        threads.join()
    assert model.sizes == [3]


def test_a_batch_that_does_not_fill_goes_after_max_wait() -> None:
    clients, model = Clients(), Model()
    with idle_client(clients):
        assert Batcher(model, clients, 64, 0.002, "model").ask([2]) == [4]
        assert Batcher(model, clients, 64, 0.0, "model").ask([2]) == [4]


def test_nobody_waits_for_a_client_whose_work_has_ended() -> None:
    clients, model, threads = Clients(), Model(), Threads()
    batcher = Batcher(model, clients, 64, FOREVER, "model")
    with idle_client(clients) as leave:
        threads.start("asks", lambda: batcher.ask([2]))
        waiting(batcher, 1)
        assert model.calls == []
        leave()
        assert threads.join() == {"asks": [4]}


def test_nobody_waits_for_a_client_that_waits_for_another_model() -> None:
    clients, model, threads = Clients(), Model(), Threads()
    go_on = threading.Event()

    def slow(items: Sequence[int], group: Hashable) -> Sequence[int]:
        go_on.wait(600)
        return items

    other, batcher = Batcher(slow, clients, 64, FOREVER, "other"), Batcher(model, clients, 64, FOREVER, "model")

    def asks(asked: Batcher[int, int]) -> list[int]:
        with clients.working():
            here.wait(600)
            return asked.ask([2])

    here = threading.Barrier(2)
    threads.start("other", lambda: asks(other))
    threads.start("model", lambda: asks(batcher))
    until(lambda: "model" in threads.results)
    assert "other" not in threads.results
    go_on.set()
    assert threads.join() == {"other": [2], "model": [4]}


def test_a_call_may_ask_another_model_whose_calls_are_merged_too() -> None:
    # The thread that calls the outer model has a question open already; counted twice it would keep others waiting.
    clients, inner, threads = Clients(), Model(), Threads()
    encoder = Batcher(inner, clients, 64, FOREVER, "encoder")
    scorer = Batcher(lambda items, group: [-answer for answer in encoder.ask(items)], clients, 64, FOREVER, "scorer")
    clients_asking(threads, clients, scorer, [[1], [2], [3]])
    assert threads.join() == {0: [-1], 1: [-4], 2: [-9]}
    assert inner.sizes == [3]
    with clients.working():
        assert scorer.ask([4]) == [-16]
        assert scorer.ask([5]) == [-25]


def test_a_bad_request_costs_only_who_asked_it() -> None:
    clients, model, threads = Clients(), Model(bad=[2]), Threads()
    clients_asking(threads, clients, Batcher(model, clients, 64, FOREVER, "model"), [[1], [2, 3], [4]])
    results = threads.join()
    assert results.pop(1) is model.error
    assert results == {0: [1], 2: [16]}
    assert model.sizes[0] == 4, "they were asked together first"


def test_a_question_that_failed_leaves_nothing_behind() -> None:
    clients, model = Clients(), Model(bad=[0])
    batcher = Batcher(model, clients, 2, FOREVER, "model")
    with clients.working():
        with pytest.raises(ValueError, match="bad"):
            batcher.ask(range(5))
        assert batcher.ask([3]) == [9]
    assert model.calls == [([0, 1], None), ([3], None)]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(2)])
def test_an_interrupted_call_leaves_nobody_waiting(error: BaseException) -> None:
    clients, threads = Clients(), Threads()
    model = Model(error=error)

    def once(items: Sequence[int], group: Hashable) -> Sequence[int]:
        model.bad = [] if model.calls else items
        return model(items, group)

    clients_asking(threads, clients, Batcher(once, clients, 64, FOREVER, "model"), [[1], [2], [3]])
    results = threads.join()
    assert list(results.values()).count(error) == 1
    answered = {place: answer for place, answer in results.items() if answer is not error}
    assert len(answered) == 2
    assert all(answer == [(place + 1) ** 2] for place, answer in answered.items() if isinstance(place, int))
    assert model.sizes == [3, 2]


def test_closing_sends_away_those_who_wait_and_those_who_come() -> None:
    clients, model, threads = Clients(), Model(), Threads()
    batcher = Batcher(model, clients, 64, FOREVER, "encoder 'slow'")
    with idle_client(clients):
        threads.start(0, lambda: batcher.ask([1]))
        threads.start(1, lambda: batcher.ask([2]))
        waiting(batcher, 2)
        batcher.close()
        results = threads.join()
    for error in results.values():
        assert isinstance(error, ProofsearchError)
        assert "encoder 'slow' was closed" in str(error)
    with pytest.raises(ProofsearchError, match="was closed"):
        batcher.ask([3])
    assert model.calls == []


def test_a_wrong_number_of_answers_is_an_error_and_never_shifts_answers_between_searches() -> None:
    clients, threads = Clients(), Threads()
    batcher: Batcher[int, int] = Batcher(lambda items, group: [0] * 3, clients, 64, FOREVER, "scorer 'odd'")
    clients_asking(threads, clients, batcher, [[1], [2, 2, 2]])
    results = threads.join()
    assert results[1] == [0, 0, 0]
    assert str(results[0]) == "scorer 'odd' returned 3 answers for 1 states; expected one each"
