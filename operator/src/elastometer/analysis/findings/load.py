"""Findings about the load itself: a server that rejected all of it, and a recording that was perhaps read too fast."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.findings import FindingName, Severity
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest
from elastometer.model.request_table import table_of
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.rejection import (
    KEY_WANTED,
    NO_SUCH_PATH,
    Rejection,
    RejectionCount,
    is_rejected,
    is_throttling,
)


def load_findings(evidence: Evidence) -> Iterator[Finding]:
    """Refusals first: they explain every other number of the run."""
    rejection = rejection_of_all(evidence.requests)
    if rejection is not None:
        yield Finding(
            FindingName.EVERY_REQUEST_REJECTED, Severity.PROBLEM, "The server rejected every request",
            rejection.sentence(None), f"The run measured nothing but rejections. {_advice(rejection)}")
    warnings = [stage.warning for stage in evidence.terms.stages if stage.warning is not None]
    if warnings:
        yield Finding(
            FindingName.TRACE_TIMES_DOUBTFUL, Severity.WARNING, "A trace may have been replayed at the wrong speed",
            "; ".join(warnings),
            "Check the unit of the times in the file, and state it as `timeUnit` of the stage. That ends this warning.")


def rejection_of_all(requests: Sequence[RecordedRequest]) -> Rejection | None:
    """What every request got; None where one was served, or failed in another way."""
    table, count = table_of(requests), RejectionCount()
    if (table["outcome"] == Outcome.SUCCESS.value).any():
        return None
    if any(not is_rejected(Outcome(outcome), status)
           for outcome, status in table.select("outcome", "status").unique().iter_rows()):
        return None
    kinds = table.group_by("outcome", "status", maintain_order=True).agg(pl.len(), pl.col("error").first())
    for outcome, status, number, error in kinds.iter_rows():
        count.add(Outcome(outcome), status, error, number)
    return count.found()


def _advice(rejection: Rejection) -> str:
    if rejection.status in KEY_WANTED:
        return "Give the server's key in `load.apiKeyFrom`."
    if is_throttling(rejection.status, rejection.error):
        return "Raise the limit of the server, or of a gateway in front of it, or send less load."
    if rejection.status in NO_SUCH_PATH and "model" in rejection.error.lower():
        return "Compare `target.model.name` with the server's `--served-model-name`."
    return "Compare `load.endpoint`, the tasks and their sampling with the server's message."
