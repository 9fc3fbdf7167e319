"""What is printed at the end: the verdict, the figures behind it, and where the report is."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from elastometer.cli.base.exits import condition, exit_of_status
from elastometer.cli.base.kinds import STUDY
from elastometer.cli.base.text import printable, wrapped
from elastometer.model.bundle_files import REPORT_HTML, REPORT_JSON
from elastometer.model.in_words import count, duration
from elastometer.model.report import Verdict
from elastometer.model.status import SUCCEEDED

Json = Mapping[str, Any]
# (key in status.summary, label, formatter)
NUMBERS = (
    ("peakReadyReplicas", "peak Ready replicas", count),
    ("scaleOutCount", "scale-outs", count),
    ("scaleInCount", "scale-ins", count),
    ("scaleOutLagMilliseconds", "scale-out lag, median", duration),
    ("coldStartMilliseconds", "cold start, median", duration),
    ("timeToFirstTokenP95Milliseconds", "TTFT p95", duration),
    ("requestCount", "requests", count),
    ("failedRequestCount", "failed requests", count),
    ("judgedAnswerCount", "answers judged", count),
    ("failedAnswerCount", "answers failing a check", count),
)
MARKS: Mapping[str, str] = {
    Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.NOT_JUDGED: "–",
}


def in_words(test: Json, directory: Path | None) -> list[str]:
    """The end of a run as text."""
    status = test.get("status") or {}
    succeeded = condition(status, SUCCEEDED)
    verdict = status.get("verdict")
    name = f"{test['metadata']['namespace']}/{test['metadata']['name']}"
    carried_out = succeeded.get("status") == "True"
    lines = [f"{name}: {verdict or 'no verdict'}" if carried_out else f"{name}: could not be carried out"]
    if not carried_out:
        lines.append(f"  {succeeded.get('reason', 'no reason given')}: {succeeded.get('message', '')}")
    lines += story_lines(story_of(directory))
    lines += objective_lines(status.get("objectives") or ())
    lines += [f"  {label:<24}{text}" for label, text in summary_rows(status.get("summary") or {})]
    if directory is not None:
        lines.append(f"report: {directory / REPORT_HTML}")
    return [printable(line) for line in lines]


def story_of(directory: Path | None) -> Json:
    """The story in the report of a fetched bundle; empty if there is no report, or one of an earlier version."""
    path = None if directory is None else directory / REPORT_JSON
    if path is None or not path.is_file():
        return {}
    try:
        report = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        return {"sentences": [{"text": f"{path} cannot be read: {error}"}]}
    found = report.get("story") if isinstance(report, dict) else None
    return found if isinstance(found, dict) else {}


def story_lines(story: Json) -> list[str]:
    """The sentences of the first screen, then the patch to copy."""
    lines = [line for one in story.get("sentences") or () for line in wrapped(f"{one.get('text')}.", "  ")]
    patch = (story.get("advice") or {}).get("patch")
    if patch:
        lines += ["  the change as a patch:", *(f"    {line}" for line in str(patch).splitlines())]
    return lines


def objective_lines(objectives: Sequence[Json]) -> list[str]:
    """One line per objective."""
    return [
        f"  {MARKS.get(str(item.get('verdict')), ' ')} {item.get('verdict')} {item.get('name')}: "
        f"{item.get('message') or ''}".rstrip(": ")
        for item in objectives
    ]


def answer_lines(answers: Sequence[Json]) -> list[str]:
    """One line for each check that failed anywhere or could judge nothing; no line where every answer passed."""
    totals = [row for row in answers if row.get("stage") is None and row.get("failed") != 0]
    return [f"  {'!' if row.get('rate') else '?'} answers, {row.get('check')}: {_answers_found(row)}" for row in totals]


def _answers_found(row: Json) -> str:
    rate = row.get("rate")
    if rate is None:
        return "NoData, no answer could be judged"
    classes = [f"{name} {count}" for name, count in (row.get("failures") or {}).items()]
    others = [f"{row['otherFailures']} of other kinds"] if row.get("otherFailures") else []
    return (f"{row.get('failed')} of {row.get('judged')} failed ({rate['percent']:.2f} %, 95 % interval "
            f"{rate['lowPercent']:.2f} to {rate['highPercent']:.2f} %): {', '.join(classes + others)}")


def finding_lines(findings: Sequence[Json]) -> list[str]:
    """The report's findings, each with its advice."""
    return [f"  ! {item.get('title')}. {item.get('advice') or ''}".rstrip(" ") for item in findings]


def summary_rows(summary: Json) -> list[tuple[str, str]]:
    """(label, value) for everything that was measured; what was not measured has no row, and zero is shown as zero."""
    return [(label, in_text(summary[key])) for key, label, in_text in NUMBERS if summary.get(key) is not None]


def as_json(test: Json, directory: Path | None) -> dict[str, Any]:
    """The end of a run, or of a study, as JSON."""
    status, metadata = test.get("status") or {}, test["metadata"]
    succeeded = condition(status, SUCCEEDED)
    found = ({"best": status.get("best"), "runs": status.get("runs") or []} if test.get("kind") == STUDY.name else
             {"objectives": status.get("objectives") or [], "summary": status.get("summary") or {}})
    return {
        "namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"],
        "succeeded": succeeded.get("status") == "True", "reason": succeeded.get("reason"),
        "message": succeeded.get("message"), "verdict": status.get("verdict"), **found,
        "directory": None if directory is None else str(directory), "exitCode": int(exit_of_status(status)),
    }
