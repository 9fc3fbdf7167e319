"""A test that was never run, as a question to the twin."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from elastometer.hpa.quantity import milli_units
from elastometer.model.document import Document, document_at, documents_at, number_at
from elastometer.model.errors import SpecError
from elastometer.plan import TestPlan
from elastometer.resources.target import deployment
from elastometer.twin.forecast.arrivals import ANSWER_RULE, PROMPT_RULE
from elastometer.twin.forecast.autoscaler import PlannedAutoscaler, started
from elastometer.twin.forecast.standin_pace import argument
from elastometer.twin.scenario import Arrival, Balancing, Capacity, MetricsPath, Scenario
from elastometer_loadgen.profile.profile import ConnectionPolicy

# The autoscaler has looked at an idle service for so long when the load starts.
LEAD_SECONDS = 60.0
# metrics-server asks the kubelets so often, and a value of CPU is the mean since the time before.
RESOURCE_PATH = MetricsPath(scrape_seconds=15.0, window_seconds=15.0)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a plan does not say of its server: the capacity of a replica, and its cold starts in rising order, each
    with its source in words. `pending_seconds` of a cold start the Pod is Pending. The paths of its metrics are None
    where nothing is known but the plan's scrape period. `look_seconds` is an instant at which an HPA looks, which the
    rest follow in its period; None where nothing tells. `notes` are doubts of the sources, as sentences."""

    capacity: Capacity
    capacity_source: str
    cold_starts: tuple[float, ...]
    cold_start_source: str
    pending_seconds: float = 0.0
    path: MetricsPath | None = None
    resource_path: MetricsPath | None = None
    look_seconds: float | None = None
    notes: tuple[str, ...] = ()


def planned_scenario(
    plan: TestPlan, autoscaler: PlannedAutoscaler, assumed: Assumed, arrivals: tuple[Arrival, ...], seed: int,
) -> Scenario:
    """The scenario of one draw."""
    spec = plan.spec
    drain = _prestop_seconds(plan)
    connection = spec.profile.connection
    is_kept = connection.policy is not ConnectionPolicy.PER_REQUEST
    return Scenario(
        arrivals=arrivals, capacity=replace(assumed.capacity, requests=_requests(plan)),
        cold_starts=assumed.cold_starts, pending_seconds=assumed.pending_seconds,
        path=assumed.path or MetricsPath(float(spec.measurement.scrape_period_seconds)),
        resource_path=assumed.resource_path or RESOURCE_PATH,
        controller=started(autoscaler.controller, -LEAD_SECONDS, seed, assumed.look_seconds),
        initial_replicas=plan.minimum_replicas, start_seconds=-LEAD_SECONDS, seed=seed,
        horizon_seconds=plan.load_seconds + max(spec.measurement.settle_seconds, spec.profile.timeout_seconds),
        drain_seconds=drain, grace_seconds=_grace_seconds(plan, drain),
        timeout_seconds=float(spec.profile.timeout_seconds),
        balancing=Balancing.KEEP_ALIVE if is_kept else Balancing.PER_REQUEST,
        connection_seconds=float(connection.max_age_seconds or inf),
    )


def assumptions(plan: TestPlan, assumed: Assumed) -> tuple[str, ...]:
    """What the scenario takes for granted, as sentences."""
    scrape = plan.spec.measurement.scrape_period_seconds
    metrics = f"metrics are scraped each {scrape} s and read at once; CPU is a mean over " \
              f"{RESOURCE_PATH.window_seconds:g} s"
    looks = "the autoscaler looks at a phase that is drawn" if assumed.look_seconds is None else \
        "the autoscaler looks when the recorded one did"
    return (
        f"prompts are estimated: {PROMPT_RULE}", ANSWER_RULE, *([metrics] if assumed.path is None else []),
        "nodes have room for every replica, and nothing fails", looks, *assumed.notes,
    )


def _containers(plan: TestPlan) -> list[Document]:
    return list(documents_at(deployment(plan), "spec", "template", "spec", "containers"))


def _prestop_seconds(plan: TestPlan) -> float:
    """How long the preStop hooks let a Pod serve on: those that sleep say it."""
    return max((number_at(one, "lifecycle", "preStop", "sleep", "seconds") or 0.0 for one in _containers(plan)),
               default=0.0)


def _grace_seconds(plan: TestPlan, drain: float) -> float:
    """Until when what runs may finish: vLLM aborts it at SIGTERM, or --shutdown-timeout seconds after."""
    text = argument(plan.spec.server.args, "shutdown-timeout")
    try:
        shutdown = 0.0 if text is None else float(text)
    except ValueError:
        raise SpecError(f"spec.target.server.args: --shutdown-timeout must be a number, is {text!r}") from None
    return min(drain + shutdown, float(plan.spec.server.termination_grace_seconds))


def _requests(plan: TestPlan) -> Mapping[str, int]:
    """Resource -> milli-units that one Pod requests; a limit counts where there is no request, as in the API."""
    total: dict[str, int] = {}
    for container in _containers(plan):
        limits, requests = (document_at(container, "resources", kind) for kind in ("limits", "requests"))
        for name, value in {**limits, **requests}.items():
            total[name] = total.get(name, 0) + _milli(name, value)
    return total


def _milli(name: str, value: object) -> int:
    try:
        return milli_units(str(value))
    except ValueError as error:
        raise SpecError(
            f"spec.target.server.podTemplate.spec.containers: resources of {name} {error}, is {value!r}") from error
