"""What the live HPA controller saw and decided at each sync of a run, as far as the bundle shows it. Pure.

The input of a sync comes from the recorded Pods, Deployment and metrics, and from what the controller published of it:
the replicas that it found and the value of each metric. What it decided is kept separately as observed, and nothing of
that enters the input.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from elastometer.analysis.autoscaler.metrics import SyncContext, metrics_at
from elastometer.analysis.autoscaler.pods import PodsOverTime, changed_just_before, last_before, scale_at
from elastometer.analysis.autoscaler.syncs import Sync, one_incarnation, published_replicas, syncs_of
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.hpa.decision import Condition
from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.recording import Observed, RecordedSync, Recording
from elastometer.hpa.settings import ControllerSettings, HpaSpec
from elastometer.hpa.sync import SyncInput
from elastometer.model.document import Document, document_at, documents_at, text_at, whole_at
from elastometer.model.errors import SpecError
from elastometer.model.units import MILLISECOND, SECOND, Instant

DEFAULTS = ControllerSettings()
RESCALED = "SucceededRescale"
# The controller may have missed what changed within this time before a sync: it decides some milliseconds before the
# write that dates the sync.
SIMULTANEOUS = 50 * MILLISECOND
BEFORE = "what the controller recommended and scaled before the record is not known"
BROKEN = "the controller synced out of turn just before: if it restarted, it lost its recommendations and scale events"
# (start, end, why): between these instants it is not known what the controller remembered.
Unknown = tuple[Instant, Instant, str]


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """Why nothing can be said about the syncs of a run."""

    reason: str


def recording_of(evidence: Evidence, controller: ControllerSettings = DEFAULTS) -> Recording | Unrecorded:
    """The syncs in order of time, in seconds from the start of the load. `controller` are the flags that are assumed,
    since no API serves them; the record itself corrects the period."""
    evidence = replace(evidence, autoscalers=tuple(one_incarnation(evidence.autoscalers)))
    if not evidence.autoscalers:
        return Unrecorded("no HorizontalPodAutoscaler was seen")
    try:
        spec = parse_hpa(evidence.autoscalers[0].object, controller)
    except SpecError as error:
        return Unrecorded(f"the HorizontalPodAutoscaler as served could not be parsed: {error}")
    syncs = syncs_of(evidence, round(controller.sync_period_seconds * SECOND))
    if not any(sync.write for sync in syncs.syncs):
        return Unrecorded("the controller wrote no status of the HorizontalPodAutoscaler while it was watched")
    spec = replace(spec, controller=replace(controller, sync_period_seconds=syncs.period / SECOND))
    reach = round(_memory_seconds(spec) * SECOND)
    unknown = [(moment, moment + reach, BROKEN) for moment in syncs.broken]
    unknown += [] if syncs.begun else [(syncs.syncs[0].at, syncs.syncs[0].at + reach, BEFORE)]
    pods = PodsOverTime(evidence, lambda instant: (instant - evidence.origin) / SECOND)
    found = (_rebuild_sync(sync, spec, evidence, pods, unknown) for sync in syncs.syncs)
    return Recording(evidence.terms.test, spec, tuple(one for one in found if one is not None))


def _memory_seconds(spec: HpaSpec) -> float:
    """How far back the controller's memory reaches into a decision."""
    if spec.behavior is None:
        return spec.controller.downscale_stabilization_seconds
    reach = [0.0]
    for rules in (spec.behavior.scale_up, spec.behavior.scale_down):
        window = rules.stabilization_seconds
        reach.append(spec.controller.downscale_stabilization_seconds if window is None else window)
        reach += [policy.period_seconds for policy in rules.policies]
    return max(reach)


def _rebuild_sync(
    sync: Sync, spec: HpaSpec, evidence: Evidence, pods: PodsOverTime, unknown: Sequence[Unknown],
) -> RecordedSync | None:
    """None if not even the replicas are known."""
    stood, status_replicas = scale_at(evidence, sync.at)
    published = published_replicas(sync.status)
    # A status is published with the replicas that the sync found; the line of the Deployment may be newer than that.
    replicas = published if sync.write is not None and published is not None else stood
    if replicas is None:
        return None

    def seconds(instant: Instant) -> float:
        return (instant - evidence.origin) / SECOND

    context = SyncContext(sync.at, seconds(sync.at), status_replicas or 0, pods.at(sync.at),
                  sync.status, evidence.readings, seconds)
    metrics = metrics_at(spec, context)
    found = SyncInput(context.at, replicas, context.status_replicas, context.pods, metrics)
    doubts = [*sync.doubts, *dict.fromkeys(context.doubts), *_find_doubts(sync, evidence, unknown)]
    return RecordedSync(found, _observe(sync, replicas), tuple(doubts), sync.write is not None, watched=sync.watched)


def _find_doubts(sync: Sync, evidence: Evidence, unknown: Sequence[Unknown]) -> list[str]:
    found = list(dict.fromkeys(why for start, end, why in unknown if start <= sync.at <= end))
    pod = changed_just_before(evidence, sync.at, SIMULTANEOUS)
    if pod is not None:
        found.append(f"Pod {pod} changed within {SIMULTANEOUS // MILLISECOND} ms before the sync")
    known = last_before(evidence.autoscalers, sync.at)
    if known is not None and _spec(known.object) != _spec(evidence.autoscalers[0].object):
        found.append("the autoscaler's spec was changed during the run")
    return found


def _spec(autoscaler: Document) -> Document:
    return document_at(autoscaler, "spec")


def _observe(sync: Sync, replicas: int) -> Observed:
    """A sync that wrote nothing left everything as it was, the conditions included."""
    if not sync.known or not sync.status:
        return Observed()
    conditions = {
        text_at(one, "type") or "": Condition(text_at(one, "status") or "", text_at(one, "reason") or "")
        for one in documents_at(sync.status, "conditions")
    }
    if sync.write is None:
        return Observed(replicas, False, conditions)
    able = conditions.get("AbleToScale")
    rescaled = able is not None and able.reason == RESCALED
    desired = whole_at(sync.status, "desiredReplicas") if rescaled else replicas
    return Observed(desired, rescaled, conditions)
