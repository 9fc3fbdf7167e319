"""The report as Markdown, for a pull request, a terminal or a ConfigMap. Foreign text is escaped, never markup."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from elastometer.model.answers import AnswerRow
from elastometer.model.autoscaler import CAUSE_LABELS, AutoscalerAccount, Cause, ScaleAccount
from elastometer.model.knee import Knee
from elastometer.model.measurements import ColdStart, LoadRow, Price
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.report import Quality, Report
from elastometer.model.wake import Wake
from elastometer.render.wording import answers, autoscaler, knees, numbers, wakes
from elastometer.render.wording import starts as start_words
from elastometer.render.wording.provenance import provenance_rows

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PREDICTED_ACCOUNT = "Predicted: decided by the HPA's rules from the metrics of the model."
_MARKUP = re.compile(r"([\\*_\[\]<>|])")


def to_markdown(report: Report) -> bytes:
    """All tables of the report; the charts are in the HTML."""
    return ("\n".join(_lines(report)).rstrip() + "\n").encode()


def _lines(report: Report) -> Iterator[str]:
    yield f"# {numbers.verdict(report)}: {prose(report.namespace)}/{prose(report.test)}"
    yield ""
    yield _sentence(report.verdict_message)
    yield ""
    yield f"Model {code(report.model or numbers.DASH)}, {_when(report)} Seconds count from the start of the load."
    yield from _basis(report.predicted)
    yield from section("Objectives", ["", "Objective", "Result"], (
        [one.verdict.value, code(one.name), prose(one.message)] for one in report.objectives))
    yield from section("Summary", ["", ""], ([name, value] for name, value in numbers.headline(report.summary)))
    yield from _price(report.price)
    yield from section("Findings", ["", "Finding", "Evidence", "What to change"], (
        [one.severity, f"{one.name}: {prose(one.title)}", prose(one.evidence), prose(one.advice)]
        for one in report.findings))
    yield from _scale_events(report)
    yield from _autoscaler(report.autoscaler, report.predicted is not None)
    yield from _wakes(report.wakes)
    yield from _cold_starts(report.cold_starts)
    yield from _load(report.load)
    yield from _answers(report.answers)
    yield from _knees(report.knees)
    yield from _scale_ins(report)
    if report.predicted is None:
        yield from section("Data quality", ["", ""], (
            [name, prose(value)] for name, value in quality_rows(report.quality)))
    yield from section("Provenance", ["", ""], (
        [prose(name), prose(value)] for name, value in provenance_rows(report)))


def _when(report: Report) -> str:
    if report.predicted is not None:
        return f"**predicted, not measured**, by {report.predicted.tool}: nothing was run."
    return f"load started {report.load_start or numbers.DASH}."


def _basis(basis: PredictionBasis | None) -> Iterator[str]:
    if basis is not None:
        yield from section("What the prediction is based on", ["", ""], (
            [name, prose(value)] for name, value in numbers.basis_rows(basis)))


def section(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A heading with its table; nothing if the table is empty. Cells are Markdown already."""
    body = ["| " + " | ".join(row) + " |" for row in rows]
    if not body:
        return
    yield from ("", f"## {title}", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body)


def _price(price: Price | None) -> Iterator[str]:
    if price is None:
        return
    unit = f" (× {price.gpus_per_replica} GPU)" if price.gpus_per_replica else ""
    yield from section(f"Replica-seconds{unit}", ["Ready", "Held", "Always at maximum", "Always at minimum"], [[
        numbers.number(price.ready_replica_seconds), numbers.number(price.held_replica_seconds),
        numbers.number(price.static_peak_replica_seconds), numbers.number(price.static_minimum_replica_seconds)]])


def _scale_events(report: Report) -> Iterator[str]:
    yield from section(
        "Scale events", ["#", "Replicas", "Seen", "API", "By", "Why", "Metrics", "Lag to Ready"],
        ([str(one.number), f"{one.from_replicas} → {one.to_replicas}", numbers.stamp(one.seen),
          one.written.time if one.written else numbers.DASH, code(one.writer or numbers.DASH),
          code(one.reason or numbers.DASH), code("; ".join(map(numbers.metric, one.metrics)) or numbers.DASH),
          prose(numbers.figure(one.lag)) + (f"; {prose(one.note)}" if one.note else "")]
         for one in report.scale_events))


def _autoscaler(found: AutoscalerAccount, is_predicted: bool) -> Iterator[str]:
    yield from ("", "## Autoscaler", "")
    if found.reason is not None:
        yield f"There is no decision account of the autoscaler: {prose(found.reason)}."
        return
    yield PREDICTED_ACCOUNT if is_predicted else prose(autoscaler.fidelity_sentence(found.fidelity))
    causes = {loss.cause: loss.label for cause in CAUSE_LABELS for one in found.changes for loss in one.losses
              if loss.cause is cause}
    yield from section(
        "Where the autoscaler's seconds went", ["Replicas", "Needed", "Written", "Total", *causes.values()],
        ([autoscaler.change_title(one), numbers.instant(one.needed_seconds), numbers.instant(one.written_seconds),
          autoscaler.whole_words(one), *(_lost(one, cause) for cause in causes)] for one in found.changes))
    yield from section(
        "What held the replicas", ["Replicas", "Limited by", "For", "First at"],
        ([autoscaler.held_words(one), one.label, f"{one.seconds:.1f} s",
          numbers.instant(one.first_seconds)] for one in found.held))
    if found.fidelity is not None:
        yield from section("Syncs that the replay does not reproduce", ["At", "Difference", "Cause"], (
            [when, prose(difference), prose(cause)]
            for when, difference, cause in autoscaler.miss_rows(found.fidelity)))


def _lost(one: ScaleAccount, cause: Cause) -> str:
    loss = next((loss for loss in one.losses if loss.cause is cause), None)
    return numbers.DASH if loss is None else autoscaler.loss_words(loss)


def _wakes(found: Sequence[Wake]) -> Iterator[str]:
    for wake in found:
        yield from section(wakes.title(wake), wakes.HEAD, ([prose(cell) for cell in row] for row in wakes.rows(wake)))
        yield from ("", prose(wakes.sentence(wake)))


def _cold_starts(starts: Sequence[ColdStart]) -> Iterator[str]:
    yield from section(
        "Cold starts", ["Pod", "Origin", "Class", "Image", "Created → Ready", "Decision → Ready", "Ready → first token",
                        "Process start by Prometheus"],
        ([code(one.pod), one.origin + (f" {one.scale_event}" if one.scale_event else ""),
          prose(start_words.class_words(one)), prose(one.image or numbers.DASH), prose(numbers.figure(one.cold_start)),
          prose(numbers.figure(one.scale_out)), prose(numbers.figure(one.first_token)),
          numbers.stamp(one.scraped.process_start) if one.scraped.process_start else prose(one.scraped.reason or "")]
         for one in starts))
    yield from section("State when the Pod began", start_words.EVIDENCE_HEAD, (
        [code(pod), *map(prose, evidence)] for pod, evidence in start_words.evidence_rows(starts)))
    yield from section("Where the time went", ["Part", "Phase", *(code(one.pod) for one in starts)],
                       start_words.time_rows(starts))


def _load(rows: Sequence[LoadRow]) -> Iterator[str]:
    again = numbers.was_sent_again(rows)
    yield from section(
        "Load by stage", ["Stage", "Requests", "Success", *(["At the first attempt", "Sent again"] if again else []),
                          "TTFT p50 / p95 / p99", "TPOT p50 / p95", "Latency p50 / p95 / p99", "From send", "Tokens/s",
                          "Not served"],
        ([code(row.stage), numbers.number(row.count), numbers.number(row.success_percent, 2, " %"),
          *([numbers.number(row.first_attempt_success_percent, 2, " %"), numbers.number(row.sent_again)] if again else
            []),
          _three(row.time_to_first_token.p50, row.time_to_first_token.p95, row.time_to_first_token.p99),
          _three(row.time_per_output_token.p50, row.time_per_output_token.p95),
          _three(row.latency.p50, row.latency.p95, row.latency.p99),
          _three(row.latency_from_send.p50, row.latency_from_send.p95, row.latency_from_send.p99),
          numbers.number(row.output_tokens_per_second, 1),
          numbers.counts({name: count for name, count in row.outcomes.items() if name != "Success"})]
         for row in rows))


def _answers(rows: Sequence[AnswerRow]) -> Iterator[str]:
    yield from section("Answers", answers.HEAD, (
        [code("total" if row.stage is None else row.stage), code(row.task) if row.task else "", code(row.check),
         answers.rate(row), answers.interval(row), numbers.number(row.failed), answers.judged(row),
         prose(answers.failures(row)), prose(answers.examples(row))] for row in rows))
    if rows:
        yield from ("", prose(f"Answers are {answers.SOURCE}."))


def _knees(found: Sequence[Knee]) -> Iterator[str]:
    for knee in found:
        yield from section(f"Knee: {prose(knee.stage)}", knees.HEAD, (
            [prose(cell) for cell in knees.cells(name, step)] for name, step in knees.rows(knee)))
        yield from ("", prose(f"{knees.sentence(knee)} The table has {knees.SOURCE}."))


def _three(*values: float | None) -> str:
    return " / ".join(numbers.duration(value) for value in values)


def _scale_ins(report: Report) -> Iterator[str]:
    yield from section(
        "Scale-in", ["Pod", "Event", "Deleted", "Drain", "In flight at deletion", "Sent after deletion", "Lost"],
        ([code(one.pod), str(one.scale_event or numbers.DASH), numbers.stamp(one.deleted),
          prose(numbers.figure(one.drain)), str(one.in_flight), str(one.sent_after_deletion), numbers.counts(one.lost)]
         for one in report.scale_ins))


def quality_rows(quality: Quality) -> list[tuple[str, str]]:
    """(what, its state) for everything that may weaken the numbers."""
    low, high = quality.clock_offset_low_milliseconds, quality.clock_offset_high_milliseconds
    gaps = [f"{gap.resource} from {numbers.instant(gap.start_seconds)} to {numbers.instant(gap.end_seconds)}: "
            f"{gap.reason}"
            for gap in quality.gaps]
    series = [f"{one.name} {one.outcome}" + (f" ({one.message})" if one.message else "")
              for one in quality.series if one.outcome != "Samples"]
    late = [f"worker {one.worker} {numbers.duration(one.lateness_p99_milliseconds)} of "
            f"{numbers.duration(one.bound_milliseconds)}" + (" FELL BEHIND" if one.fell_behind else "")
            for one in quality.generators]
    away = [f"worker {one.worker} "
            + ("" if one.start_seconds is None else f"from {numbers.instant(one.start_seconds)} ")
            + f"until {numbers.instant(one.end_seconds)}" for one in quality.away]
    return [
        ("Operator's clock minus API server's", numbers.DASH if low is None or high is None else
         f"between {low:+.0f} ms and {high:+.0f} ms ({quality.clock_samples} samples)"),
        ("Watch gaps", "; ".join(gaps) or "none"),
        ("Lateness of sends, p99 against the bound", "; ".join(late) or numbers.DASH),
        ("Load workers away", "; ".join(away) or ("none" if quality.generators else numbers.DASH)),
        ("Requests never sent", f"{numbers.number(quality.skipped_requests)} because their time had passed, "
         f"{numbers.number(quality.unsent_requests)} because their worker was stopped"),
        ("Turns not sent after a lost turn", numbers.number(quality.unsent_turns)),
        ("Queries without samples", "; ".join(series) or ("none" if quality.series else numbers.DASH)),
        ("Torn / unreadable lines", f"{quality.torn_lines} / {quality.unreadable_lines}"),
        ("Records dated outside the run, left out", str(quality.outside_window)),
        ("Missing files", ", ".join(quality.missing_files) or "none"),
    ]


def _sentence(text: str) -> str:
    return prose(text[:1].upper() + text[1:]) + "."


def prose(text: str) -> str:
    """Foreign text on one line, without any meaning to Markdown."""
    return _MARKUP.sub(r"\\\1", _one_line(text))


def code(text: str) -> str:
    """Foreign text as code, on one line."""
    return "`" + _one_line(text).replace("`", "'").replace("|", "\\|") + "`"


def _one_line(text: str) -> str:
    """Without characters that could break a table or control a terminal."""
    return _UNPRINTABLE.sub("\ufffd", " ".join(text.split()))
