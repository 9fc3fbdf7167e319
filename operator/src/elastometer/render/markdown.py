"""The report as Markdown, for a pull request, a terminal or a ConfigMap. Foreign text is escaped, never markup."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.answers import AnswerRow
from elastometer.model.autoscaler import CAUSE_LABELS, AutoscalerAccount, Cause, ScaleAccount
from elastometer.model.knee import Knee
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.report import Report
from elastometer.model.wake import Wake
from elastometer.render.sections import (
    cold_starts,
    elasticity,
    load,
    price,
    quality,
    resources,
    scale_events,
    scale_ins,
    scale_out,
    story,
)
from elastometer.render.tables import table
from elastometer.render.tables.sections import table_sections
from elastometer.render.wording import answers, autoscaler, knees, numbers, wakes
from elastometer.render.wording.provenance import provenance_rows
from elastometer.render.wording.tables import code, prose, section

PREDICTED_ACCOUNT = "Predicted: decided by the HPA's rules from the metrics of the model."


def to_markdown(report: Report) -> bytes:
    """All tables of the report; the charts are in the HTML."""
    return ("\n".join(_lines(report)).rstrip() + "\n").encode()


def _lines(report: Report) -> Iterator[str]:
    yield f"# {numbers.verdict(report)}: {prose(report.namespace)}/{prose(report.test)}"
    yield ""
    tables = table_sections(report)
    yield from story.markdown(report, tables)
    yield ""
    yield _sentence(report.verdict_message)
    yield ""
    yield f"Model {code(report.model or numbers.DASH)}, {_when(report)} Seconds count from the start of the load."
    yield from _basis(report.predicted)
    yield from story.patch_markdown(report.story.advice)
    yield from story.in_short_markdown(report, tables)
    yield from section("Objectives", ["", "Objective", "Result"], (
        [one.verdict.value, code(one.name), prose(one.message)] for one in report.objectives))
    yield from section("Summary", ["", ""], (
        [name, value] for name, value in numbers.headline(report.summary, report.predicted)))
    yield from elasticity.calibration_markdown(report.calibration)
    yield from elasticity.markdown(report.demand, report.elasticity)
    yield from price.markdown(report.price)
    yield from section("Findings", ["", "Finding", "Evidence", "What to change"], (
        [one.severity, f"{one.name}: {prose(one.title)}", prose(one.evidence), prose(one.advice)]
        for one in report.findings))
    yield from table.markdown(tables)
    yield from scale_out.markdown(report.scale_outs)
    yield from scale_events.markdown(report.scale_events)
    yield from _autoscaler(report.autoscaler, report.predicted is not None)
    yield from _wakes(report.wakes)
    yield from cold_starts.markdown(report.cold_starts)
    yield from load.markdown(report.load, report.load_by_task)
    yield from resources.markdown(report.resources)
    yield from _answers(report.answers)
    yield from _knees(report.knees)
    yield from scale_ins.markdown(report.scale_ins)
    if report.predicted is None:
        yield from section("Data quality", ["", ""], (
            [name, prose(value)] for name, value in quality.quality_rows(report.quality)))
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


def _sentence(text: str) -> str:
    return prose(text[:1].upper() + text[1:]) + "."
