"""The processes of a search: they share nothing with the one that starts them, least of all a lock that is taken."""
from __future__ import annotations

import io
import os

import pytest

from elastometer.cli.what_if import workers
from elastometer.cli.what_if.workers import Workers
from elastometer.twin.search.score.searcher import Searcher, SearchProblem
from support.held_lock import LOCK, looked
from support.what_if_worlds import hpa_baseline, terms


def problem() -> SearchProblem:
    return SearchProblem(hpa_baseline(), terms(), 1)


def test_a_worker_has_no_lock_that_its_parent_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MIN_REQUESTS_FOR_WORKERS", 1)
    with LOCK, Workers(problem(), 2, io.StringIO()) as made:
        found = made.each("looks", looked, [1, 2, 3])
    here = looked(Searcher(problem()), 0)
    assert [number for _, number, _, _ in found] == [1, 2, 3]
    assert os.getpid() not in {process for process, _, _, _ in found}
    assert not any(locked for _, _, locked, _ in found)
    assert {cost for _, _, _, cost in found} == {here[3]}


def test_little_is_done_in_this_process() -> None:
    with Workers(problem(), 2, io.StringIO()) as made:
        assert {process for process, _, _, _ in made.each("looks", looked, [1, 2])} == {os.getpid()}
