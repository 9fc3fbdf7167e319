"""What `decide` reads: the world at one instant. Only facts, from objects as the watches delivered them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from elastometer.model.findings import FindingName
from elastometer.model.reasons import UNSCHEDULABLE
from elastometer.model.story import SentenceKind
from elastometer.model.times import parse_instant

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PodFact:
    """One Pod of the target. `trouble` is (reason, message) of what keeps it from starting, in the API's words."""

    name: str
    ready: bool
    deleting: bool
    trouble: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class ScalerFact:
    """The HorizontalPodAutoscaler. `active` is None until the controller's first sync."""

    active: bool | None
    reason: str
    message: str
    desired: int | None


@dataclass(frozen=True, slots=True)
class ScaledObjectFact:
    """KEDA's ScaledObject. `ready` and `active` are None until KEDA has said whether its triggers work, and whether one
    of them asks for replicas. While it is paused, by an annotation, KEDA may keep no HorizontalPodAutoscaler."""

    ready: bool | None
    active: bool | None
    reason: str
    message: str
    paused: bool = False


@dataclass(frozen=True, slots=True)
class JobFact:
    """The load Job. `since` is its creation, `ended` its completion or failure (API time, 1 s)."""

    since: datetime
    ended: datetime | None
    failed: bool
    message: str
    trouble: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class PreflightFact:
    """The checks before anything is created. `flaw` is (condition type, reason, message), None if all is well."""

    flaw: tuple[str, str, str] | None


@dataclass(frozen=True, slots=True)
class RefusalFact:
    """What the API server keeps refusing: the action, its message, and since when (operator's clock)."""

    action: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ReportFact:
    """What the status needs of the finished report; `rejection` is what every request got, if all got the same kind,
    and `blind` says which bad stretch no objective covers."""

    verdict: str
    verdict_reason: str
    summary: Json
    objectives: tuple[Json, ...]
    verdict_message: str = ""
    rejection: str = ""
    blind: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that `decide` may use. `judging_flaw` is why there is no report, if it is known."""

    generation: int
    preflight: PreflightFact | None
    target_exists: bool
    replicas: int | None
    pods: tuple[PodFact, ...]
    scaler_exists: bool
    scaler: ScalerFact | None
    job: JobFact | None
    load_start: datetime | None
    report: ReportFact | None
    bundle_sealed: bool
    leftovers: tuple[str, ...]
    cleaning_since: datetime | None = None
    refusal: RefusalFact | None = None
    scaled_object: ScaledObjectFact | None = None
    rivals: tuple[str, ...] = ()
    progress: Json | None = None
    judging_flaw: str = ""

    @property
    def ready_replicas(self) -> int:
        """Pods of the target that are Ready and not being deleted."""
        return sum(pod.ready and not pod.deleting for pod in self.pods)

    @property
    def trouble(self) -> tuple[str, str] | None:
        """The first reason that keeps a Pod of the target from starting."""
        return next((pod.trouble for pod in self.pods if pod.trouble is not None), None)


def pod_fact(pod: Mapping[str, Any]) -> PodFact:
    """The fact about a Pod, from the object as served."""
    status = pod.get("status", {})
    conditions = {item["type"]: item for item in status.get("conditions", ())}
    return PodFact(
        name=pod["metadata"]["name"],
        ready=conditions.get("Ready", {}).get("status") == "True",
        deleting="deletionTimestamp" in pod["metadata"],
        trouble=_trouble(status, conditions),
    )


def _trouble(status: Mapping[str, Any], conditions: Mapping[str, Any]) -> tuple[str, str] | None:
    for container in status.get("containerStatuses", ()):
        waiting = container.get("state", {}).get("waiting")
        # These two reasons occur in every start; all others mean that the start is stuck.
        if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            last = container.get("lastState", {}).get("terminated", {})
            ended = f"; it last ended with exit code {last['exitCode']}" if "exitCode" in last else ""
            return waiting["reason"], waiting.get("message", "") + ended
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return scheduled.get("reason", UNSCHEDULABLE), scheduled.get("message", "")
    return None


def scaler_fact(hpa: Mapping[str, Any]) -> ScalerFact:
    """The fact about a HorizontalPodAutoscaler, from the object as served."""
    status = hpa.get("status", {})
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    active = conditions.get("ScalingActive")
    able = conditions.get("AbleToScale")
    # Before ScalingActive there is only AbleToScale, which says whether the scale can be read.
    shown = active or able or {}
    return ScalerFact(
        active=None if active is None else active["status"] == "True",
        reason=shown.get("reason", ""),
        message=shown.get("message", ""),
        desired=status.get("desiredReplicas"),
    )


def scaled_object_fact(scaled_object: Mapping[str, Any]) -> ScaledObjectFact:
    """The fact about a ScaledObject, from the object as served."""
    conditions = {item["type"]: item for item in scaled_object.get("status", {}).get("conditions") or ()}
    ready, active = conditions.get("Ready", {}), conditions.get("Active", {})
    known = {"True": True, "False": False}
    return ScaledObjectFact(
        ready=known.get(ready.get("status", "")),
        active=known.get(active.get("status", "")),
        reason=ready.get("reason", ""),
        message=ready.get("message", ""),
        paused=conditions.get("Paused", {}).get("status") == "True",
    )


def job_fact(job: Mapping[str, Any], pods: tuple[PodFact, ...]) -> JobFact:
    """The fact about a Job, from the object as served and its Pods."""
    conditions = {
        item["type"]: item for item in job.get("status", {}).get("conditions", ()) if item["status"] == "True"
    }
    over = conditions.get("Complete") or conditions.get("Failed")
    return JobFact(
        since=parse_instant(job["metadata"]["creationTimestamp"]),
        ended=parse_instant(over["lastTransitionTime"]) if over else None,
        failed="Failed" in conditions,
        message=over.get("message", "") if over else "",
        trouble=next((pod.trouble for pod in pods if pod.trouble is not None), None),
    )


def report_fact(report: Mapping[str, Any] | None) -> ReportFact | None:
    """What the status needs of report.json; None if there is no report."""
    if report is None:
        return None
    summary = {key: value for key, value in report["summary"].items() if value is not None}
    for key, column in (("scaleOutLagMilliseconds", "scaleOutLag"), ("coldStartMilliseconds", "coldStart")):
        if key in summary:
            summary[column] = f"{summary[key] / 1000:.1f}s"
    objectives = tuple(
        {"name": item["name"], "verdict": item["verdict"], "message": item["message"][:1000]}
        for item in report["objectives"]
    )
    reason, message = report.get("verdictReason", ""), report.get("verdictMessage", "")
    evidence = {item["name"]: item["evidence"] for item in report.get("findings", ())}
    rejection = evidence.get(FindingName.EVERY_REQUEST_REJECTED, "")
    stated = report.get("story", {}).get("sentences", ())
    blind = next((one["text"] for one in stated if one["kind"] == SentenceKind.BLIND), "")
    return ReportFact(report["verdict"], reason, summary, objectives, message, rejection, blind)
