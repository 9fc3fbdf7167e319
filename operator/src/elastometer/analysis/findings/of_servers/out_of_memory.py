"""That a server ran out of memory: where it shows (log, answers, engine, container), since when, at which load."""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence, PodHistory
from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.of_servers.parts import part_at
from elastometer.model.document import document_at, documents_at, instant_at, text_at
from elastometer.model.findings import FindingName, Severity
from elastometer.model.in_words import plural, share_interval
from elastometer.model.observation import LogSeen
from elastometer.model.report import Finding
from elastometer.model.units import SECOND, Instant
from elastometer.statistics.rates import rate

WORDS = "out of memory"
_LOG = re.compile(WORDS, re.IGNORECASE)
_DEAD = re.compile(r"EngineDeadError|EngineCore encountered a fatal error|engine process died", re.IGNORECASE)
_KILLED = "OOMKilled"


@dataclass(frozen=True, slots=True)
class _Trace:
    """One kind of evidence: what it is in words, when it was first seen, and in which Pod; "" where that is unknown."""

    words: str
    first: Instant
    pod: str


def out_of_memory(facts: Facts) -> Iterator[Finding]:
    """At most one finding. An engine that died counts only beside another trace: it may die of anything."""
    evidence = facts.evidence
    every = (_in_log(evidence), _in_answers(evidence.table), *_killed(evidence.pods))
    found = [one for one in every if one is not None]
    if not found:
        return
    dead = _died(evidence)
    traces = sorted([*found, *([] if dead is None else [dead])], key=lambda one: one.first)
    yield Finding(
        FindingName.OUT_OF_MEMORY, Severity.PROBLEM, "A server ran out of memory",
        f"{_onset(facts, traces[0])}: {'; '.join(one.words for one in traces)}{_below(facts, traces[0])}",
        "Keep the load below the onset, or give the server more room: fewer sequences at once (`--max-num-seqs`), a "
        "shorter `--max-model-len`, less of the GPU for the KV cache (`--gpu-memory-utilization`), or a larger memory "
        "limit where the container was killed. In memory and saturation stands what grew towards it.")


def lines_of_trouble(lines: Sequence[LogSeen]) -> list[Instant]:
    """When one Pod's log, in order, says that memory ran out or that the engine died of it; nothing where memory is not
    mentioned."""
    if not any(_LOG.search(line.line) for line in lines):
        return []
    return [line.time for line in lines if _LOG.search(line.line) or _DEAD.search(line.line)]


def _in_log(evidence: Evidence) -> _Trace | None:
    lines = [line for found in evidence.logs.values() for line in found if _LOG.search(line.line)]
    if not lines:
        return None
    first = min(lines, key=lambda line: line.time)
    return _Trace(f"{plural(len(lines), 'line')} of the log, first in {first.pod}: {first.line[:200]}", first.time,
                  first.pod)


def _in_answers(table: pl.DataFrame) -> _Trace | None:
    hit = _hit(table)
    if hit.is_empty():
        return None
    first = hit.sort("intended").row(0, named=True)
    statuses = ", ".join(str(status) for status in hit["status"].drop_nulls().unique().sort())
    return _Trace(f"{plural(hit.height, 'failed request')} whose answer says so (HTTP {statuses or 'stream'})",
                  int(first["intended"]), str(first["pod"] or ""))


def _hit(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("error").str.to_lowercase().str.contains(WORDS, literal=True).fill_null(value=False))


def _died(evidence: Evidence) -> _Trace | None:
    lines = [line for found in evidence.logs.values() for line in found if _DEAD.search(line.line)]
    first = min(lines, key=lambda line: line.time, default=None)
    return None if first is None else _Trace(f"the engine of {first.pod} died", first.time, first.pod)


def _killed(pods: tuple[PodHistory, ...]) -> Iterator[_Trace]:
    """Once for each Pod whose container the kernel killed for its memory limit."""
    for pod in pods:
        for seen in pod.sightings:
            ends = [document_at(status, state, "terminated") for status in documents_at(
                seen.object, "status", "containerStatuses") for state in ("state", "lastState")]
            ended = next((one for one in ends if text_at(one, "reason") == _KILLED), None)
            if ended is not None:
                yield _Trace(f"the kernel killed a container of {pod.name} at its memory limit ({_KILLED})",
                             instant_at(ended, "finishedAt") or seen.received, pod.name)
                break


def _onset(facts: Facts, first: _Trace) -> str:
    seconds = facts.evidence.seconds(first.first)
    part = part_at(facts, seconds)
    where = "" if part is None else f" in '{part.name}'"
    return f"From {seconds:+.1f} s{where} on" + (f", in {first.pod}" if first.pod else "")


def _below(facts: Facts, first: _Trace) -> str:
    """What the parts before the one of the onset say: that it did not happen there bounds how often it can."""
    part = part_at(facts, facts.evidence.seconds(first.first))
    if part is None:
        return ""
    start = facts.evidence.origin + round(part.start_seconds * SECOND)
    before = facts.evidence.table.filter(pl.col("intended") < start)
    if before.is_empty():
        return ""
    hits = _hit(before).height
    return f". Before that part: {hits} of {plural(before.height, 'request')}, " \
           f"{share_interval(rate(hits, before.height))}"
