"""What is shown while a study runs: its runs, the ones in progress, and each variant's medians so far."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

from rich.console import Group, RenderableType
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from elastometer.cli.base.exits import condition
from elastometer.cli.base.summary import MARKS
from elastometer.cli.base.text import columns, printable
from elastometer.cli.cluster.cluster import Json
from elastometer.cli.cluster.progress import PLAIN_PERIOD_SECONDS, View, facts
from elastometer.cli.cluster.study_seen import StudySeen
from elastometer.model.document import Document, documents_at, number_at, text_at
from elastometer.model.measure import Measure
from elastometer.model.measures import BY_NAME, GPU_SECONDS, MISS_SECONDS, latency_name
from elastometer.model.status import SUCCEEDED
from elastometer.model.study_document import RunState
from elastometer.render.wording.numbers import DASH
from elastometer.study.compare.wording import value_words

# Beyond this many repetitions, a variant's runs are counted and not shown one by one.
MAX_MARKS = 12
RUN_MARKS: Mapping[str, str] = {
    RunState.PENDING: "·", RunState.SKIPPED: "–", RunState.NOT_CARRIED_OUT: "!", RunState.RUNNING: "▶",
}


def panel(seen: StudySeen) -> RenderableType:
    """The live view of one version of a study."""
    status, metadata = seen.study.get("status") or {}, seen.study["metadata"]
    name = f"{metadata.get('namespace')}/{metadata['name']}"
    head = Text.assemble((printable(name), "bold"), "  ", headline(seen))
    now = Table.grid(padding=(0, 2))
    for test in seen.running:
        now.add_row(Spinner("dots"), *map(Text, running_words(test)))
    table = Text("\n".join(columns(variant_rows(seen), indent="")))
    below = filter(None, (printable(condition(status, SUCCEEDED).get("message", ""), 200), tune_line(status)))
    return Group(head, *(Text(line, style="dim") for line in below), now, table)


def headline(seen: StudySeen) -> str:
    """The phase, and how many of the runs have ended."""
    status = seen.study.get("status") or {}
    runs = (status.get("progress") or {}).get("runs")
    return printable("  ".join(filter(None, (status.get("phase") or "Pending", f"{runs} runs" if runs else ""))))


def tune_line(status: Document) -> str:
    """What the search for better settings found; empty before."""
    outcome, reason = (text_at(status, "tune", key) for key in ("outcome", "reason"))
    return printable(f"tune {outcome}: {reason}", 300) if outcome else ""


def running_words(test: Json) -> tuple[str, str]:
    """A run in progress: its name, then its phase with all that is known of it now."""
    status = test.get("status") or {}
    known = "  ".join(f"{label} {value}" for label, value in facts(status.get("progress") or {}))
    return printable(test["metadata"]["name"]), f"{printable(status.get('phase') or 'Pending')}  {known}".rstrip()


def variant_rows(seen: StudySeen) -> list[tuple[str, ...]]:
    """A row for each variant: how its runs ended, and its medians so far."""
    runs = [run for run in documents_at(seen.study, "status", "runs") if run.get("judged") is not False]
    names = list(dict.fromkeys(str(run.get("variant")) for run in runs))
    titles, medians = medians_so_far(seen.comparison)
    rows = [(name, run_marks([run for run in runs if run.get("variant") == name]), *medians.get(name, ()))
            for name in names]
    return [("variant", "runs", *titles), *rows] if rows else []


def run_marks(runs: list[Document]) -> str:
    """A mark for each run, in order of repetitions; a count of each where there are many."""
    marks = [run_mark(run) for run in runs]
    if len(marks) <= MAX_MARKS:
        return " ".join(marks)
    return "  ".join(f"{marks.count(mark)}{mark}" for mark in dict.fromkeys(marks))


def run_mark(run: Document) -> str:
    """How one run ended, or that it has not."""
    state = text_at(run, "state") or ""
    return MARKS.get(text_at(run, "verdict") or "", "?") if state == RunState.JUDGED else RUN_MARKS.get(state, "?")


class StudyLines:
    """A line on every change of phase, condition, run or comparison; while only numbers move, one per period."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._said: dict[str, str] = {}
        self._printed_at = float("-inf")

    def show(self, seen: StudySeen) -> None:
        """Prints what is new in this version."""
        for subject, line in _lines(seen):
            if self._said.get(subject) != line:
                self._said[subject] = line
                self._print(line)
        due = self._now() - self._printed_at >= PLAIN_PERIOD_SECONDS
        for test in seen.running if due else ():
            self._print(" ".join(running_words(test)))

    def _print(self, line: str) -> None:
        self._printed_at = self._now()
        print(line, file=self._stream, flush=True)


def _lines(seen: StudySeen) -> Iterator[tuple[str, str]]:
    """(subject, line): a line is new when it differs from the last one about its subject."""
    status = seen.study.get("status") or {}
    for item in status.get("conditions") or ():
        yield f"condition {item['type']}", (f"{item['type']}={item.get('status')} {item.get('reason')}: "
                                            f"{printable(item.get('message', ''), 300)}")
    for run in documents_at(status, "runs"):
        if run.get("state") != RunState.PENDING:
            yield f"run {run.get('name')}", _run_line(run)
    for test in seen.running:
        phase = (test.get("status") or {}).get("phase") or "Pending"
        yield f"phase {test['metadata']['name']}", f"{printable(test['metadata']['name'])} {printable(phase)}"
    if line := tune_line(status):
        yield "tune", line
    for row in variant_lines(seen.comparison):
        yield f"variant {row.partition(':')[0]}", row
    yield "headline", headline(seen)


def _run_line(run: Document) -> str:
    """How a run ended, with the reason where it has one."""
    words = [text_at(run, "name"), text_at(run, "state"), text_at(run, "verdict")]
    why = ": ".join(filter(None, (text_at(run, "reason"), text_at(run, "message"))))
    line = " ".join(filter(None, words))
    return printable(f"{line}: {why}" if why else line, 300)


def variant_lines(comparison: Document | None) -> list[str]:
    """A line for each variant with its medians so far."""
    titles, medians = medians_so_far(comparison)
    return [printable(f"{name}: " + ", ".join(f"{title} {value}" for title, value in zip(titles, row, strict=True)))
            for name, row in medians.items()]


def medians_so_far(comparison: Document | None) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The titles of the leading measures, and by variant their medians in words."""
    leading = (MISS_SECONDS, text_at(comparison, "primaryCost") or GPU_SECONDS, latency_name("timeToFirstToken", 95))
    rows = {text_at(row, "measure", "name"): row for row in documents_at(comparison, "rows")}
    measures = [BY_NAME[name] for name in leading if name in rows and name in BY_NAME]
    variants = [name for one in documents_at(comparison, "variants") if (name := text_at(one, "name")) is not None]
    cells = {variant: tuple(_median(measure, rows[measure.name], variant) for measure in measures)
             for variant in variants}
    return tuple(measure.title for measure in measures), cells


def _median(measure: Measure, row: Document, variant: str) -> str:
    figure = next((one for one in documents_at(row, "figures") if text_at(one, "variant") == variant), None)
    value = number_at(figure, "median")
    return DASH if value is None else value_words(measure, value)


STUDY_VIEW = View(panel, lambda stream: StudyLines(stream).show)
