"""Bundle -> Report. Pure: the operator, the command line and the tests judge by this one function."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.analysis.autoscaler.explain import in_short
from elastometer.analysis.autoscaler.explain_run import explain_looks, explain_run
from elastometer.analysis.evidence import replicas
from elastometer.analysis.evidence.evidence import Evidence, gather, is_state_only
from elastometer.analysis.evidence.scaling import (
    Change,
    autoscaler_at,
    changes,
    condition_lines,
    metric_lines,
    reason_of,
    rescales,
)
from elastometer.analysis.findings.findings import Facts, findings
from elastometer.analysis.requests.answers import answer_rows
from elastometer.analysis.requests.knees import knees
from elastometer.analysis.requests.latency import load_rows
from elastometer.analysis.requests.timeline import bands, timeline
from elastometer.analysis.starts.coldstart import Start, cold_start, starts
from elastometer.analysis.starts.scalein import scale_ins
from elastometer.analysis.starts.scaleout import added_pod_figures, scale_out_lag
from elastometer.analysis.verdict.objectives import judge_objective, overall
from elastometer.analysis.verdict.predicted import as_predicted
from elastometer.analysis.verdict.price import price
from elastometer.analysis.verdict.provenance import provenance
from elastometer.analysis.verdict.quality import load_flaws, quality
from elastometer.analysis.verdict.summary import summary
from elastometer.hpa.recording import Recording
from elastometer.model.bundle import Bundle
from elastometer.model.measured import ScaleEvent
from elastometer.model.report import Report
from elastometer.model.units import format_instant


def judge(bundle: Bundle, looks: Recording | None = None) -> Report:
    """All that can be said of a run; a partial bundle gives a partial report, and says what it lacks. What a model says
    of a run that never was is judged by the same rules, and marked; its `looks` are known and need not be told from
    what was recorded."""
    report = _judged(bundle, looks)
    return report if bundle.predicted is None else as_predicted(report, bundle.predicted)


def _judged(bundle: Bundle, looks: Recording | None) -> Report:
    evidence = gather(bundle)
    found = changes(evidence)
    lives = starts(evidence, found)
    cold_starts = tuple(cold_start(life, evidence) for life in lives)
    events = tuple(_event(change, lives, evidence) for change in found)
    leaving = scale_ins(evidence, found)
    line, rows, answers = timeline(evidence), load_rows(evidence.requests, evidence.terms.stages), answer_rows(evidence)
    lags = [event.lag for event in events if event.lag is not None]
    added = added_pod_figures(found, lives, evidence)
    results = tuple(judge_objective(one, evidence.requests, lags, added) for one in bundle.terms.objectives)
    flaws, state = list(load_flaws(bundle, evidence)), quality(bundle, evidence)
    verdict, reason, message = overall(results, flaws)
    account = explain_run(evidence, bundle.spec) if looks is None else explain_looks(looks, evidence, bundle.spec)
    return Report(
        test=bundle.terms.test, namespace=bundle.terms.namespace, uid=bundle.terms.uid, model=bundle.terms.model,
        load_start=format_instant(evidence.origin) if evidence.has_origin else None,
        verdict=verdict, verdict_reason=reason, verdict_message=message,
        summary=summary(evidence, found, events, cold_starts, line, rows[-1]),
        objectives=results, stages=bands(evidence), timeline=line, scale_events=events, cold_starts=cold_starts,
        load=rows, answers=answers, knees=knees(bundle.generators, evidence, replicas.ready(evidence)),
        scale_ins=leaving, price=price(evidence),
        findings=findings(Facts(evidence, found, cold_starts, leaving, line, state, flaws, account, answers)),
        quality=state, provenance=provenance(bundle, evidence), autoscaler=in_short(account),
    )


def _event(change: Change, lives: Sequence[Start], evidence: Evidence) -> ScaleEvent:
    scaler, decided = autoscaler_at(change, evidence), change.decided
    gap = evidence.gap_within(decided.instant, change.seen.received, "deployments")
    note = "the watch was down: the change is known to the API's second only" if is_state_only(change.seen) else \
        f"a watch gap touches it ({gap.resource})" if gap else None
    mine = [life for life in lives if life.change is not None and life.change.number == change.number]
    return ScaleEvent(
        number=change.number, direction="Out" if change.is_out else "In",
        from_replicas=change.before, to_replicas=change.after,
        seen=evidence.stamp(decided.instant, decided.source, decided.resolution),
        written=change.api_stamp(evidence), writer=change.writer, reason=reason_of(change, rescales(evidence)),
        conditions=condition_lines(scaler), metrics=metric_lines(scaler),
        pods=tuple(life.pod.name for life in mine),
        lag=scale_out_lag(change, mine, evidence) if change.is_out else None, note=note,
    )
