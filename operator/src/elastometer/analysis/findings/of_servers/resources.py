"""Findings on what was full: the CPU, and the KV cache where sequences had to give it back."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.of_servers.suffering import suffering
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural
from elastometer.model.knee import Knee
from elastometer.model.report import Finding
from elastometer.model.resource_names import KV_CACHE, PREEMPTIONS, THROTTLED
from elastometer.model.resources_used import step_name
from elastometer.model.saturation import (
    ABOVE_PERCENT,
    CPU,
    FULL_SHARE,
    SaturationCell,
    SaturationRow,
    SaturationTable,
)

# Full as in the table, and for more than a few samples.
LEAST_SECONDS = 10.0
_SHOWN = 5


def resource_findings(facts: Facts) -> Iterator[Finding]:
    """No findings where nothing was measured."""
    if facts.report is not None and (found := facts.report.saturation) is not None:
        yield from _cpu(found, suffering(facts.report, found) - _overloaded(facts.report.knees))
        yield from _preemptions(found)


def _overloaded(knees: Sequence[Knee]) -> frozenset[str]:
    """The steps that failed: a search goes on until something is full."""
    return frozenset(step_name(knee.stage, step.value) for knee in knees for step in knee.steps
                     if step.failed is not None)


def _cpu(found: SaturationTable, suffered: frozenset[str]) -> Iterator[Finding]:
    """Only where clients suffered: a CPU that is full and serves everybody in time is well used."""
    full = [(row, cell) for row in found.rows if row.name in suffered for cell in row.cells
            if cell.name in (CPU, THROTTLED) and cell.seconds_above is not None
            and cell.seconds_above >= max(LEAST_SECONDS, FULL_SHARE * row.seconds)]
    if not full:
        return
    limit = next((f" of {column.limit}" for column in found.columns if column.name == CPU and column.limit), "")
    words = "; ".join(f"{row.name}: {_cpu_words(cell)} for {cell.seconds_above:.0f} of {row.seconds:.0f} s"
                      for row, cell in full[:_SHOWN])
    yield Finding(
        FindingName.CPU_SATURATED, Severity.WARNING, "The servers' CPU was the bottleneck",
        f"Above {ABOVE_PERCENT:.0f} %{limit}: {words}" + _more(len(full)),
        "What waits for a CPU waits in no queue that the server counts, so that it looks like a slow model. Raise the "
        "container's CPU limit, give the Pod cores of its own, or run fewer processes in it (`--api-server-count`); a "
        "throttled container is held back although the node is idle. On a CPU as the device this is the model itself.")


def _more(count: int) -> str:
    return f"; and {count - _SHOWN} more" if count > _SHOWN else ""


def _cpu_words(cell: SaturationCell) -> str:
    mean = "" if cell.share_percent is None else f"{cell.share_percent:.0f} % on average, "
    what = "throttled periods" if cell.name == THROTTLED else "CPU"
    return f"{what} {mean}above it"


def _preemptions(found: SaturationTable) -> Iterator[Finding]:
    hit = [(row, cell.value) for row in found.rows
           if (cell := row.cell(PREEMPTIONS)) is not None and cell.value is not None and cell.value >= 1]
    if not hit:
        return
    total = sum(count for _, count in hit)
    words = "; ".join(f"{row.name}: {count:.0f}{_cache(row)}" for row, count in hit[:_SHOWN])
    yield Finding(
        FindingName.PREEMPTIONS, Severity.WARNING, "Sequences were preempted for want of KV cache",
        f"{plural(round(total), 'preemption')}, the first in '{hit[0][0].name}': {words}",
        "A preempted sequence is put back into the queue and computed once more, so that its client waits twice. Give "
        "the KV cache more memory (`--gpu-memory-utilization`, or `--num-gpu-blocks-override` if it is set), let "
        "fewer sequences run at once (`--max-num-seqs`), or bound the lengths (`--max-model-len`, `maximumTokens`).")


def _cache(row: SaturationRow) -> str:
    cell = row.cell(KV_CACHE)
    return "" if cell is None or cell.peak_percent is None else f" (KV cache up to {cell.peak_percent:.0f} %)"
