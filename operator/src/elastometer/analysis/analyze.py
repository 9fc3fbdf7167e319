"""Bundle -> Report. Pure: the operator, the command line and the tests judge by this one function."""
from __future__ import annotations

from dataclasses import replace

from elastometer.analysis.autoscaler.explain import condensed
from elastometer.analysis.autoscaler.explain_run import explain_predicted, explain_run
from elastometer.analysis.capacity.calibration import calibration_of
from elastometer.analysis.demand.demand import demand_of
from elastometer.analysis.elasticity.elasticity import elasticity_of
from elastometer.analysis.evidence.scaling import (
    Change,
    autoscaler_at,
    condition_lines,
    gap_sentence,
    metric_lines,
)
from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.findings.findings import findings
from elastometer.analysis.findings.load import rejection_of_all
from elastometer.analysis.in_short.in_short import in_short
from elastometer.analysis.price.price import price
from elastometer.analysis.requests.answers import answer_rows
from elastometer.analysis.requests.blind import blind_stretches
from elastometer.analysis.requests.knees import knees
from elastometer.analysis.requests.latency import load_rows, task_rows
from elastometer.analysis.requests.timeline import bands, timeline
from elastometer.analysis.resources_used.measurements import measurements
from elastometer.analysis.resources_used.memory import host_memory
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.analysis.scaleout.waterfalls import waterfalls
from elastometer.analysis.starts.coldstart import cold_start
from elastometer.analysis.starts.scalein import scale_ins
from elastometer.analysis.starts.scaleout import added_pod_figures, scale_out_lag
from elastometer.analysis.starts.wake import wakes
from elastometer.analysis.story.story import story_of
from elastometer.analysis.tables import with_tables
from elastometer.analysis.verdict.judged import judge_objectives
from elastometer.analysis.verdict.objectives import overall
from elastometer.analysis.verdict.predicted import as_predicted
from elastometer.analysis.verdict.provenance import provenance
from elastometer.analysis.verdict.quality import load_flaws, quality
from elastometer.analysis.verdict.summary import summary
from elastometer.hpa.recording import Recording
from elastometer.model.bundle import Bundle
from elastometer.model.bundle_files import SPEC
from elastometer.model.measurements import Direction, ScaleEvent
from elastometer.model.reasons import SPEC_MISSING
from elastometer.model.report import Report, Verdict
from elastometer.model.story import Story
from elastometer.model.units import format_instant

_NOT_KNOWN = (Verdict.INCONCLUSIVE, SPEC_MISSING, f"{SPEC} is missing from the record: the objectives are not known")


def judge(bundle: Bundle, recording: Recording | None = None) -> Report:
    """The report on a bundle; a partial bundle gives a partial report that says what it lacks. A prediction is judged
    by the same rules and marked as one; the `recording` of its syncs is known and need not be inferred."""
    return judge_run(derive_run(bundle), recording)


def judge_run(run: DerivedRun, recording: Recording | None = None) -> Report:
    """The same for a run that the caller asks other questions too."""
    report, basis = _judged(run, recording), run.bundle.predicted
    report = replace(report, story=story_of(run, report), in_short=in_short(report))
    return report if basis is None else as_predicted(report, basis)


def _judged(run: DerivedRun, recording: Recording | None) -> Report:
    evidence, terms, measured = run.evidence, run.evidence.terms, measurements(run)
    cold_starts = tuple(cold_start(start, evidence) for start in run.starts)
    events = tuple(_event(change, run) for change in run.changes)
    leaving, woken = scale_ins(evidence, run.changes), wakes(evidence, run.changes, run.starts)
    line, answers = timeline(evidence, run.replicas), answer_rows(evidence)
    rows = load_rows(evidence)
    lags = [event.lag for event in events if event.lag is not None]
    added = added_pod_figures(run.changes, run.starts, evidence)
    results = judge_objectives(evidence, lags, added, host_memory(run, measured))
    flaws, state = list(load_flaws(run)), quality(run)
    has_spec = SPEC not in run.bundle.missing
    blind = blind_stretches(evidence, line.window_seconds) if has_spec else None
    verdict, reason, message = overall(results, flaws) if has_spec else _NOT_KNOWN
    if (rejection := rejection_of_all(evidence.requests)) is not None:
        message = f"{rejection.sentence(None)}; {message}"
    account = explain_run(evidence) if recording is None else explain_predicted(recording, evidence)
    demand, searched = demand_of(run), knees(evidence, run.replicas.ready)
    elasticity = elasticity_of(run, demand)
    report = Report(
        test=terms.test, namespace=terms.namespace, uid=terms.uid, model=terms.model,
        load_start=format_instant(evidence.origin) if evidence.has_origin else None,
        verdict=verdict, verdict_reason=reason, verdict_message=message,
        summary=summary(run, events, cold_starts, line, rows[-1], woken),
        objectives=results, stages=bands(evidence), timeline=line, scale_events=events, cold_starts=cold_starts,
        load=rows, load_by_task=task_rows(evidence), answers=answers, knees=searched,
        calibration=calibration_of(run, searched),
        scale_ins=leaving, wakes=woken, price=price(run, demand),
        demand=demand.account, elasticity=elasticity,
        findings=(), quality=state, provenance=provenance(run), autoscaler=condensed(account),
        scale_outs=waterfalls(run, account, demand, woken), story=Story(blind=blind),
    )
    report = with_tables(run, report, measured)
    return replace(report, findings=findings(Facts(
        run, cold_starts, leaving, line, state, flaws, account, answers, woken, blind, demand.account, elasticity,
        report)))


def _event(change: Change, run: DerivedRun) -> ScaleEvent:
    evidence, decided = run.evidence, change.decided
    scaler = autoscaler_at(change, evidence)
    mine = [start for start in run.starts if start.change is not None and start.change.number == change.number]
    return ScaleEvent(
        number=change.number, direction=Direction.OUT if change.is_out else Direction.IN,
        from_replicas=change.before, to_replicas=change.after,
        seen=evidence.stamp(decided.instant, decided.source, decided.resolution),
        written=change.api_stamp(evidence), writer=change.writer, reason=change.reason,
        conditions=condition_lines(scaler), metrics=metric_lines(scaler),
        pods=tuple(start.pod.name for start in mine),
        lag=scale_out_lag(change, mine, evidence) if change.is_out else None, note=gap_sentence(change),
    )
