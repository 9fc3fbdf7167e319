"""A report begins with what a server said that rejected everything, and names a trace that may be too fast."""
from __future__ import annotations

from elastometer.analysis.analyze import judge
from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.findings.load import load_findings
from elastometer.model.bundle import Bundle
from elastometer.model.report import Finding
from elastometer.model.request import RecordedRequest, request_from
from elastometer.model.snapshot import report_fact
from elastometer.model.terms import Terms, terms_from

NOT_FOUND = '{"message":"The model `qwen` does not exist."}'
TIME = "2026-01-01T00:00:00Z"


def record(number: int, status: int, outcome: str = "ClientError", error: str | None = NOT_FOUND) -> RecordedRequest:
    found = request_from({"id": number, "stage": "s", "task": "t", "intendedTime": TIME, "sendTime": TIME,
                          "endTime": TIME, "outcome": outcome, "status": status, "error": error})
    assert found is not None
    return found


def found(*records: RecordedRequest, terms: Terms | None = None) -> list[Finding]:
    return list(load_findings(gather(Bundle(terms=terms or Terms(), start=0, requests=records))))


def test_a_server_that_rejected_everything_is_the_problem_of_the_run():
    (one,) = found(record(1, 404), record(2, 404))
    assert (one.name, one.severity) == ("EveryRequestRejected", "Problem")
    assert one.evidence == f"every request (2 of 2) was rejected by the server with status 404: {NOT_FOUND}"
    assert "`--served-model-name`" in one.advice
    assert "`load.apiKeyFrom`" in found(record(1, 401, error="no"))[0].advice
    assert "`load.endpoint`" in found(record(1, 404, error="Not Found"))[0].advice
    assert "Raise the limit" in found(record(1, 429, "Throttled", "slow down"))[0].advice


def test_one_other_outcome_makes_the_rejections_failures_like_any_other():
    assert found(record(1, 404), record(2, 200, "Success", None)) == []
    assert found(record(1, 404), record(2, 503, "ServerError")) == []
    assert found() == []


def test_the_doubt_about_a_trace_comes_from_the_plan_of_the_run():
    row = {"name": "replay", "type": "Trace", "lengthSeconds": 2.0, "warning": "the times look like Seconds"}
    (one,) = found(terms=terms_from({"spec": {}}, {"stages": [row]}))
    assert (one.name, one.severity, one.evidence) == ("TraceTimesDoubtful", "Warning", "the times look like Seconds")
    assert found(terms=terms_from({"spec": {}}, {"stages": [{**row, "warning": None}]})) == []


def test_the_status_learns_the_rejection_from_the_report():
    report = {"verdict": "Fail", "summary": {}, "objectives": [],
              "findings": [{"name": "EveryRequestRejected", "evidence": "every request (2 of 2) was rejected"}]}
    fact = report_fact(report)
    assert fact is not None
    assert fact.rejection == "every request (2 of 2) was rejected"
    other = report_fact({**report, "findings": []})
    assert other is not None
    assert other.rejection == ""


def test_the_verdict_s_sentence_begins_with_the_rejection():
    report = judge(Bundle(terms=Terms(), start=0, requests=(record(1, 404),)))
    assert report.verdict_message.startswith("every request (1 of 1) was rejected by the server with status 404: ")
    assert report.findings[0].name == "EveryRequestRejected"
