"""One request as the load generator recorded it. Times are of the generator's clock, microseconds."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.document import Document, document_at, instant_at, number_at, text_at, whole_at
from elastometer.model.units import Instant
from elastometer_loadgen.record import Outcome

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What is None was not observed; `intended` is when the schedule wanted the request sent."""

    id: int
    worker: int
    stage: str
    task: str
    intended: Instant
    sent: Instant | None
    connected: Instant | None
    first_byte: Instant | None
    first_token: Instant | None
    last_token: Instant | None
    ended: Instant | None
    chunks: int
    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    status: int | None
    outcome: Outcome
    error: str | None
    pod: str | None
    address: str | None


def request_from(line: Document) -> RequestRecord | None:
    """The record, or None when it lacks what no record can lack: id, intended time and outcome."""
    number, intended = whole_at(line, "id"), instant_at(line, "intendedTime")
    outcome = _OUTCOMES.get(text_at(line, "outcome") or "")
    if number is None or intended is None or outcome is None:
        return None
    return RequestRecord(
        id=number, worker=whole_at(line, "worker") or 0,
        stage=text_at(line, "stage") or "", task=text_at(line, "task") or "",
        intended=intended, sent=instant_at(line, "sendTime"), connected=instant_at(line, "connectTime"),
        first_byte=instant_at(line, "firstByteTime"), first_token=instant_at(line, "firstTokenTime"),
        last_token=instant_at(line, "lastTokenTime"), ended=instant_at(line, "endTime"),
        chunks=whole_at(line, "chunks") or 0,
        prompt_tokens=whole_at(line, "promptTokens"), completion_tokens=whole_at(line, "completionTokens"),
        finish_reason=text_at(line, "finishReason"), status=whole_at(line, "status"), outcome=outcome,
        error=text_at(line, "error"), pod=text_at(line, "pod"), address=text_at(line, "address"),
    )


@dataclass(frozen=True, slots=True)
class GeneratorSummary:
    """A worker's own account of itself at its end."""

    worker: int
    incarnation: str
    planned: int | None
    sent: int | None
    skipped: int | None
    records: int | None
    fell_behind: bool
    lateness_p99_milliseconds: float | None
    lateness_maximum_milliseconds: float | None
    bound_milliseconds: float | None
    cpu_share: float | None


def generator_from(line: Document) -> GeneratorSummary:
    """A summary with whatever fields the worker gave."""
    lateness = document_at(line, "lateness")
    return GeneratorSummary(
        worker=whole_at(line, "worker") or 0, incarnation=text_at(line, "incarnation") or "",
        planned=whole_at(line, "planned"), sent=whole_at(line, "sent"), skipped=whole_at(line, "skipped"),
        records=whole_at(line, "records"), fell_behind=line.get("fellBehind") is True,
        lateness_p99_milliseconds=number_at(lateness, "p99Milliseconds"),
        lateness_maximum_milliseconds=number_at(lateness, "maximumMilliseconds"),
        bound_milliseconds=number_at(line, "boundMilliseconds"), cpu_share=number_at(line, "cpuShare"),
    )
