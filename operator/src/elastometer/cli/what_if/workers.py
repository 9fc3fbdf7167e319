"""The twin on every core, with progress: a bar on a terminal, a line now and then elsewhere."""
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

from elastometer.twin.search.score.searcher import Question, Searcher

T = TypeVar("T")
# Enough per message that talking costs little, few enough that the last core does not keep the others waiting.
CHUNK = 8
LINES = 4
_mine: dict[str, Searcher] = {}


def _begin(question: Question) -> None:
    _mine["searcher"] = Searcher(question)


def _begin_elsewhere(question: Question) -> None:
    # An interrupt is the parent's to handle: it ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A prediction leaves no cycles behind; looking for them takes a tenth of the search.
    gc.disable()
    _begin(question)


def _call(task: tuple[Callable[[Searcher, Any], T], Any]) -> T:
    function, argument = task
    return function(_mine["searcher"], argument)


class Workers(AbstractContextManager["Workers"]):
    """`jobs` processes that know the question; one job is this process itself."""

    def __init__(self, question: Question, jobs: int, stream: TextIO) -> None:
        self._stream = stream
        self._pool: ProcessPoolExecutor | None = None
        _begin(question)
        if jobs > 1:
            # fork: the question, with all its arrivals, is there at once; nothing else runs in this process.
            method = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
            self._pool = ProcessPoolExecutor(
                jobs, multiprocessing.get_context(method), initializer=_begin_elsewhere, initargs=(question,))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)

    def each(self, label: str, function: Callable[[Searcher, Any], T], arguments: Sequence[Any]) -> list[T]:
        """function(searcher, argument) of every argument, in their order."""
        tasks = [(function, one) for one in arguments]
        chunk = CHUNK if len(tasks) > 10 * CHUNK else 1
        found = map(_call, tasks) if self._pool is None else self._pool.map(_call, tasks, chunksize=chunk)
        return list(self._shown(label, found, len(tasks)))

    def _shown(self, label: str, found: Iterator[T], count: int) -> Iterator[T]:
        console = Console(file=self._stream, highlight=False)
        if not console.is_terminal:
            yield from self._in_lines(label, found, count)
            return
        columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            yield from progress.track(found, total=count)

    def _in_lines(self, label: str, found: Iterator[T], count: int) -> Iterator[T]:
        for number, one in enumerate(found, 1):
            if count >= 10 * CHUNK and number * LINES // count > (number - 1) * LINES // count:
                print(f"{label} {number}/{count}", file=self._stream, flush=True)
            yield one
