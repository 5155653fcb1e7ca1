"""The garbage collector's thresholds while searches run."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from proofsearch.engine.collector import FACTOR, fewer_full_collections


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[tuple[int, int, int]]:
    """Known thresholds, and whatever there was put back afterwards."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 7)
    yield (700, 10, 7)
    gc.set_threshold(*before)


def test_full_collections_are_rarer_inside_and_as_before_outside() -> None:
    """Catches thresholds that leak into the application, also by way of an exception or of nesting."""
    with pytest.raises(KeyError), fewer_full_collections():
        assert gc.get_threshold() == (700, 10, 7 * FACTOR)
        with fewer_full_collections():
            assert gc.get_threshold() == (700, 10, 7 * FACTOR)
        assert gc.get_threshold() == (700, 10, 7 * FACTOR)
        raise KeyError
    assert gc.get_threshold() == (700, 10, 7)


def test_threads_that_overlap_leave_the_thresholds_to_the_last() -> None:
    """Catches the first thread to end putting them back under the others, and the last one not doing so."""
    first_inside, second_inside, first_left = threading.Event(), threading.Event(), threading.Event()
    seen: list[tuple[int, int, int]] = []

    def first() -> None:
        with fewer_full_collections():
            first_inside.set()
            assert second_inside.wait(600)
        first_left.set()

    def second() -> None:
        assert first_inside.wait(600)
        with fewer_full_collections():
            second_inside.set()
            assert first_left.wait(600)
            seen.append(gc.get_threshold())
        seen.append(gc.get_threshold())

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert seen == [(700, 10, 7 * FACTOR), (700, 10, 7)]


def test_a_change_by_somebody_else_stands() -> None:
    """Catches a setting of the application, made during a search, being overwritten at its end."""
    with fewer_full_collections():
        gc.set_threshold(1000, 5, 5)
    assert gc.get_threshold() == (1000, 5, 5)


def test_a_collector_that_is_off_stays_off() -> None:
    """Catches an application without collector getting one."""
    gc.set_threshold(0, 0, 0)
    with fewer_full_collections():
        assert gc.get_threshold() == (0, 0, 0)
    assert gc.get_threshold() == (0, 0, 0)
