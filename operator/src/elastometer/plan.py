"""TestSpec -> TestPlan: everything that is decided before anything is created. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elastometer.model.document import document_at, number_at, whole_at
from elastometer.model.errors import SpecError
from elastometer.model.names import Names
from elastometer.model.own_series import own_series
from elastometer.model.server_flags import container_overlay
from elastometer.model.spec import ScalerType, TestSpec, parse
from elastometer.model.triggers import POLLING_SECONDS
from elastometer.promql.own_series import series_flaws
from elastometer_loadgen.profile.inputs import files_of
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.stages.stage import Stage
from elastometer_loadgen.stages.timetable import PlannedStage, timetable

Json = dict[str, Any]

# A worker is a Pod: it must be scheduled, its image pulled and its process started before it can report.
LOAD_START_SECONDS = 180
# How long the workers may take after the last request to hand over their records.
HAND_OVER_SECONDS = 120
# Default of --horizontal-pod-autoscaler-sync-period; the flag itself cannot be read from inside a cluster.
HPA_SYNC_SECONDS = 15
WHOLE_NUMBER = re.compile(r"[0-9]{1,6}")  # the template is free-form; the API server refuses any other value
GPU_KEYS = ("nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "gpu.intel.com/xe")


@dataclass(frozen=True, slots=True)
class Environment:
    """What the operator knows about its own installation."""

    namespace: str
    service: str
    receiver_url: str
    receiver_port: int
    prometheus_url: str
    load_image: str


@dataclass(frozen=True, slots=True)
class TestPlan:
    """The test with everything that follows from it. Times in seconds."""

    __test__ = False

    spec: TestSpec
    environment: Environment

    @property
    def names(self) -> Names:
        """Names of the children."""
        return self.spec.names

    @property
    def prometheus_url(self) -> str:
        """The test's own, or the operator's default."""
        return self.spec.measurement.prometheus_url or self.environment.prometheus_url

    @property
    def target_url(self) -> str:
        """Where the load goes: the Service, by its name in the namespace of the workers.

        The short name is found with the first entry of a Pod's DNS search list; a longer one costs a query per entry.
        """
        return f"http://{self.names.server}:{self.spec.server.port}"

    @property
    def run_path(self) -> str:
        """Path of the run at the receiver."""
        return f"/v1/runs/{self.names.uid}"

    @property
    def names_files(self) -> bool:
        """Whether the load needs files of a ConfigMap. One that `filesFrom` names without need is not read."""
        return any(True for _ in files_of(self.spec.profile))

    @property
    def load_seconds(self) -> float:
        """Length of the load, or the longest it may take where a stage ends when its requests do."""
        return float(self.spec.profile.duration_seconds)

    @property
    def load_deadline_seconds(self) -> float:
        """Longest time from the load's start to its end: stages + last request, or conversation + hand-over."""
        return self.load_seconds + self.spec.profile.max_conversation_seconds + HAND_OVER_SECONDS

    @property
    def gpus_per_replica(self) -> Mapping[str, int]:
        """GPU resource -> number that one replica asks for."""
        _, server = container_overlay(document_at(self.spec.raw, "target"))
        limits = document_at(server, "resources", "limits")
        return {key: int(str(limits[key])) for key in GPU_KEYS if WHOLE_NUMBER.fullmatch(str(limits.get(key, "")))}

    @property
    def resting_replicas(self) -> int:
        """Replicas that the autoscaler keeps without any load."""
        scaler = self.spec.scaler
        idle = whole_at(scaler.body, "idleReplicaCount") if scaler.type is ScalerType.KEDA else None
        return scaler.minimum if idle is None else idle

    @property
    def initial_replicas(self) -> int:
        """Replicas that the target starts with. An HPA scales from 0 only what it scaled to 0 itself (since 1.36)."""
        is_hpa = self.spec.scaler.type is ScalerType.HPA
        return max(1, self.resting_replicas) if is_hpa else self.resting_replicas


def accepted(body: Mapping[str, Any]) -> TestSpec:
    """Parses the object as served, the queries of its series included. Raises SpecError with every flaw found."""
    flaws = list(series_flaws(own_series(body["spec"])))
    try:
        spec = parse(body)
    except SpecError as error:
        raise SpecError(*error.flaws, *flaws) from error
    if flaws:
        raise SpecError(*flaws)
    return spec


def delay_budget(plan: TestPlan) -> dict[str, float]:
    """The named summands of a scale-out, in seconds, as known before the run. What is not known is absent.

    scrape: greatest age of a scraped sample. kedaPolling: longest wait for KEDA's next poll, where it matters.
    hpaSync: longest wait for the controller's next sync. window: stabilization window for scale-out.
    probe: longest wait between serving and Ready.
    """
    scaler, budget = plan.spec.scaler, {"scrape": float(plan.spec.measurement.scrape_period_seconds)}
    if scaler.type is ScalerType.KEDA and _waits_for_keda(scaler.body):
        budget["kedaPolling"] = float(scaler.body.get("pollingInterval", POLLING_SECONDS))
    if scaler.type is not ScalerType.NONE:
        budget["hpaSync"] = float(HPA_SYNC_SECONDS)
        keda = ("advanced", "horizontalPodAutoscalerConfig") if scaler.type is ScalerType.KEDA else ()
        budget["window"] = number_at(scaler.body, *keda, "behavior", "scaleUp", "stabilizationWindowSeconds") or 0.0
    budget["probe"] = float(plan.spec.server.probe_period_seconds)
    return budget


def _waits_for_keda(body: Json) -> bool:
    """Whether a scale-out can wait for KEDA's poll: from idle or no replicas, or where the HPA gets cached values.

    In all other cases KEDA queries the source of a trigger at each sync of the HPA, however seldom it polls itself.
    """
    is_cached = any(trigger.get("useCachedMetrics") for trigger in body.get("triggers", ()))
    return is_cached or "idleReplicaCount" in body or body.get("minReplicaCount") == 0


def describe(plan: TestPlan) -> Json:
    """What goes into plan.json: the timetable and the delay budget. What depends on a file not yet read is absent."""
    profile = plan.spec.profile
    length = {"loadSeconds": plan.load_seconds, "loadSecondsAreExact": not profile.is_open_ended}
    return {
        "stages": _timetable(profile),
        **({} if any(stage.has_unknown_length for stage in profile.stages) else length),
        "settleSeconds": plan.spec.measurement.settle_seconds,
        "scrapePeriodSeconds": plan.spec.measurement.scrape_period_seconds,
        "probePeriodSeconds": plan.spec.server.probe_period_seconds,
        "delayBudgetSeconds": delay_budget(plan),
        "minimumReplicas": plan.spec.scaler.minimum,
        "maximumReplicas": plan.spec.scaler.maximum,
        "gpusPerReplica": dict(plan.gpus_per_replica),
        "targetURL": plan.target_url,
    }


def _timetable(profile: Profile) -> list[Json]:
    """The stages in order. After a stage that ends when its requests do, times are the latest possible ones."""
    return [
        {
            "name": planned.stage.name, **_times(planned), "lengthSeconds": _float(planned.length_seconds),
            "type": planned.stage.type.value, **_offer(profile, planned.stage),
        }
        for planned in timetable(profile.stages)
    ]


def _times(planned: PlannedStage) -> Json:
    start, end = _float(planned.start_seconds), _float(planned.end_seconds)
    return {
        **({} if start is None else {"startSeconds": start, "startIsExact": planned.start_is_exact}),
        **({} if end is None else {"endSeconds": end, "endIsExact": planned.end_is_exact}),
    }


def _float(seconds: int | None) -> float | None:
    return None if seconds is None else float(seconds)


def _offer(profile: Profile, stage: Stage) -> Json:
    """What a stage of the load is planned to send; for a closed loop, the most that it may send."""
    expected = float(profile.requests_of(stage))
    given = {**stage.details(), **stage.marks()}
    if stage.is_closed:
        return {**given, "maximumRequests": int(expected)}
    # A trace that was not read yet has no count, which is not a count of 0.
    counted = {} if stage.awaits_data else {"expectedRequests": expected}
    return {**counted, **given}
