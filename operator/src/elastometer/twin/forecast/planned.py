"""A test that was never run, as a scenario of the twin."""
from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from elastometer.hpa.pod_requests import container_requests_of, requests_of
from elastometer.hpa.quantity import milli_units
from elastometer.model.capacity import Capacity
from elastometer.model.document import Document, document_at, documents_at, number_at
from elastometer.model.errors import SpecError
from elastometer.model.names import SERVER
from elastometer.model.server_flags import SHUTDOWN_TIMEOUT
from elastometer.plan import TestPlan
from elastometer.resources.target import deployment
from elastometer.twin.forecast.arrivals import ANSWER_RULE, PROMPT_RULE
from elastometer.twin.forecast.autoscaler import PlannedAutoscaler, started
from elastometer.twin.forecast.planned_load import PlannedLoad
from elastometer.twin.reading.hooks import hook_seconds
from elastometer.twin.scenario import BALANCING_OF, MetricsPath, Scenario
from elastometer_loadgen.profile.profile import ConnectionPolicy

# The twin starts this long before the load, so that the autoscaler has synced on an idle service, as in a real run.
LEAD_SECONDS = 60.0
# metrics-server's default: it asks the kubelets every 15 s, and a value of CPU is the mean since the reading before.
RESOURCE_PATH = MetricsPath(scrape_seconds=15.0, window_seconds=15.0)
# Kubernetes' default.
PROBE_PERIOD_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a plan does not say about its server: the capacity of a replica and its cold starts in ascending order, each
    with its source in words. For `pending_seconds` of a cold start the Pod is Pending. The paths of its metrics are
    None if only the plan's scrape period is known. `sync_seconds` is the instant of one HPA sync, from which the others
    follow by its period; None if it is not known. `notes` are doubts about the sources, as sentences. `namespace` is
    that of the run that the numbers come from."""

    capacity: Capacity
    capacity_source: str
    cold_starts: tuple[float, ...]
    cold_start_source: str
    pending_seconds: float = 0.0
    path: MetricsPath | None = None
    resource_path: MetricsPath | None = None
    sync_seconds: float | None = None
    notes: tuple[str, ...] = ()
    namespace: str | None = None


def planned_scenario(
    plan: TestPlan, autoscaler: PlannedAutoscaler, assumed: Assumed, load: PlannedLoad, *, seed: int,
) -> Scenario:
    """The scenario of one draw."""
    spec = plan.spec
    drain, grace = _drain_seconds(plan)
    connection = spec.profile.connection
    pod = _pod_spec(plan)
    capacity = replace(assumed.capacity, requests=requests_of(pod), container_requests=container_requests_of(pod))
    is_open_ended = load.closed is not None and load.closed.is_open_ended
    return Scenario(
        arrivals=load.arrivals, closed=load.closed, capacity=capacity,
        cold_starts=assumed.cold_starts, pending_seconds=assumed.pending_seconds,
        path=assumed.path or MetricsPath(float(spec.measurement.scrape_period_seconds)),
        resource_path=assumed.resource_path or RESOURCE_PATH,
        controller=started(autoscaler.controller, -LEAD_SECONDS, seed, assumed.sync_seconds),
        initial_replicas=plan.initial_replicas, start_seconds=-LEAD_SECONDS, seed=seed,
        horizon_seconds=plan.load_seconds + max(spec.measurement.settle_seconds, spec.profile.timeout_seconds),
        tail_seconds=float(spec.measurement.settle_seconds) if is_open_ended else inf,
        drain_seconds=drain, grace_seconds=grace,
        timeout_seconds=float(spec.profile.timeout_seconds),
        balancing=BALANCING_OF[connection.policy],
        connection_seconds=float(connection.max_age_seconds or inf),
    )


def assumptions(plan: TestPlan, autoscaler: PlannedAutoscaler, assumed: Assumed) -> tuple[str, ...]:
    """What the scenario assumes, as sentences."""
    scrape = plan.spec.measurement.scrape_period_seconds
    metrics = f"metrics are scraped every {scrape} s and read at once; CPU is a mean over " \
              f"{RESOURCE_PATH.window_seconds:g} s"
    doubt = plan.spec.server.flags.unknown(SHUTDOWN_TIMEOUT)
    drains = [f"{doubt}; requests on a replica that is removed are assumed to be aborted at once"] * bool(doubt)
    syncs = "the phase of the autoscaler's syncs is drawn at random" if assumed.sync_seconds is None else \
        "the autoscaler syncs at the phase of the recorded one"
    spread = ["each load worker counts only its own requests in flight; the model counts those of all workers"] * (
        plan.spec.profile.connection.policy is ConnectionPolicy.SPREAD_OVER_PODS and plan.spec.profile.workers > 1)
    return (
        *autoscaler.notes, f"prompts are estimated: {PROMPT_RULE}", ANSWER_RULE,
        *([metrics] if assumed.path is None else []),
        "nodes have room for every replica, and nothing fails", syncs, *spread, *_hook_notes(plan), *drains,
        *assumed.notes, *_series_notes(plan),
    )


def _series_notes(plan: TestPlan) -> list[str]:
    names = [one.name for one in plan.spec.measurement.series]
    return [f"what spec.measurement.series would show is not modelled: {', '.join(names)}"] if names else []


def probe_seconds(plan: TestPlan) -> tuple[float, float, float]:
    """(seconds of a container's run before which nothing is probed, how late the first success may come, how long it
    must be repeated). The readiness probe is triggered by the success of the startup probe."""
    server = next(one for one in _containers(plan) if one.get("name") == SERVER)
    probes = [found for name in ("startupProbe", "readinessProbe") if (found := document_at(server, name))]
    periods = [number_at(probe, "periodSeconds") or PROBE_PERIOD_SECONDS for probe in probes]
    again = ((number_at(probes[-1], "successThreshold") or 1.0) - 1.0) * periods[-1] if probes else 0.0
    delay = max((number_at(probe, "initialDelaySeconds") or 0.0 for probe in probes), default=0.0)
    return delay, periods[0] if periods else 0.0, again


def _containers(plan: TestPlan) -> list[Document]:
    return list(documents_at(deployment(plan), "spec", "template", "spec", "containers"))


def _drain_seconds(plan: TestPlan) -> tuple[float, float]:
    """(how long a Pod serves on, how long running requests may take to end): vLLM aborts them at SIGTERM, or
    --shutdown-timeout seconds later, and both end with the termination grace period."""
    pod = document_at(deployment(plan), "spec", "template", "spec")
    grace = number_at(pod, "terminationGracePeriodSeconds") or 0.0
    drain = min(grace, max((hook_seconds(container) or 0.0 for container in _containers(plan)), default=0.0))
    shutdown = plan.spec.server.flags.number(SHUTDOWN_TIMEOUT) or 0.0
    return drain, min(drain + shutdown, grace)


def _hook_notes(plan: TestPlan) -> list[str]:
    return [f"the preStop hook of the container {container.get('name')!r} is assumed to take no time, since only that "
            "of a sleep is known" for container in _containers(plan) if hook_seconds(container) is None]


def _pod_spec(plan: TestPlan) -> Document:
    """The spec of the Pod, which states what it requests. Raises SpecError for what is no quantity."""
    spec = document_at(deployment(plan), "spec", "template", "spec")
    for container in documents_at(spec, "containers"):
        for kind in ("limits", "requests"):
            for name, value in document_at(container, "resources", kind).items():
                _check(f"{_place(plan, container)}.resources.{kind}.{name}", value)
    return spec


def _place(plan: TestPlan, container: Document) -> str:
    """Where the test states what the container of this name requests."""
    names = [one.get("name") for one in documents_at(plan.spec.server.pod_template, "spec", "containers")]
    path, name = "spec.target.server.podTemplate.spec.containers", container.get("name")
    return f"{path}[{names.index(name)}]" if name in names else path


def _check(path: str, value: object) -> None:
    try:
        milli_units(str(value))
    except ValueError as error:
        raise SpecError(f"{path}: {error}, is {value!r}") from error
