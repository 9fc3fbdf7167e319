"""Predictions on every core, with progress: a bar on a terminal, a few lines elsewhere."""
from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TextIO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from elastometer.twin.search.score.searcher import Searcher, SearchProblem

T = TypeVar("T")
# Candidates per message: enough that messages cost little, few enough that no core waits long for the last one.
CHUNK = 8
PROGRESS_LINES = 4
# Predicted requests below which further processes, of which each imports everything again, cost more than they save.
MIN_REQUESTS_FOR_WORKERS = 500_000
# One searcher per process: it is too large to send with each task.
_searchers: dict[str, Searcher] = {}


def _start(problem: SearchProblem) -> None:
    _searchers["searcher"] = Searcher(problem)


def _start_in_child(problem: SearchProblem) -> None:
    # Ctrl-C reaches every process of the group; the parent alone handles it and ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A prediction leaves no reference cycles behind; the collector's search for them takes a tenth of the time.
    gc.disable()
    _start(problem)


def _call(task: tuple[Callable[[Searcher, Any], T], Any]) -> T:
    function, argument = task
    return function(_searchers["searcher"], argument)


class Workers(AbstractContextManager["Workers"]):
    """Up to `jobs` processes that hold the search problem. With one job, and until there is much to do, it is this
    process itself."""

    def __init__(self, problem: SearchProblem, jobs: int, stream: TextIO) -> None:
        self._stream, self._problem, self._jobs = stream, problem, jobs
        self._pool: ProcessPoolExecutor | None = None
        _start(problem)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)

    def each(self, label: str, function: Callable[[Searcher, Any], T], arguments: Sequence[Any]) -> list[T]:
        """function(searcher, argument) of every argument, in their order."""
        tasks = [(function, argument) for argument in arguments]
        chunk = CHUNK if len(tasks) > 10 * CHUNK else 1
        requests = len(tasks) * len(self._problem.base.scenario.arrivals)
        if self._pool is None and self._jobs > 1 and requests >= MIN_REQUESTS_FOR_WORKERS:
            self._pool = self._started()
        results = map(_call, tasks) if self._pool is None else self._pool.map(_call, tasks, chunksize=chunk)
        return list(self._with_progress(label, results, len(tasks)))

    def _started(self) -> ProcessPoolExecutor:
        # Not forked: polars has threads, and their locks would stay locked in the child.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._jobs, context, initializer=_start_in_child, initargs=(self._problem,))

    def _with_progress(self, label: str, results: Iterator[T], count: int) -> Iterator[T]:
        console = Console(file=self._stream, highlight=False)
        if not console.is_terminal:
            yield from self._with_lines(label, results, count)
            return
        columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            yield from progress.track(results, total=count)

    def _with_lines(self, label: str, results: Iterator[T], count: int) -> Iterator[T]:
        for number, result in enumerate(results, 1):
            is_next_quarter = number * PROGRESS_LINES // count > (number - 1) * PROGRESS_LINES // count
            if count >= 10 * CHUNK and is_next_quarter:
                print(f"{label} {number}/{count}", file=self._stream, flush=True)
            yield result
