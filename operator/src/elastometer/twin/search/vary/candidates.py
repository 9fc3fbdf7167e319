"""A recorded run's question with other settings: the manifest as the user would write it, and the scenario it makes."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.settings import HpaSpec
from elastometer.model.document import documents_at
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.twin.fit.autoscaler import keda_loop
from elastometer.twin.scenario import KedaController, KpaController, Scenario, Signal
from elastometer.twin.search.vary import controllers
from elastometer.twin.search.vary.fields import Setting, is_field, unknown, with_setting
from elastometer.twin.search.vary.knobs import KNOBS, chosen, hpa_of, turned, with_hpa
from elastometer.twin.search.vary.metrics import keda_hpa, with_metric
from elastometer.twin.search.vary.paths import Json, steps_of
from elastometer.twin.signals import signals_of

AUTOSCALER, METRIC = "autoscaler", "metric"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A recorded run as the twin sees it. `manifest` is the autoscaler as served (apiVersion, kind, metadata, spec);
    `hpa` the spec of the HorizontalPodAutoscaler that decided, which is another where KEDA made it."""

    scenario: Scenario
    manifest: Json
    hpa: Json

    @property
    def kind(self) -> ScalerType:
        """Whose spec the paths are in."""
        return ScalerType(self.manifest["kind"])


@dataclass(frozen=True, slots=True)
class Variant:
    """`spec` is the manifest's with the settings in it; None where no manifest of the recorded kind says this."""

    settings: tuple[Setting, ...]
    scenario: Scenario
    spec: Json | None


def vary(base: Baseline, settings: Sequence[Setting]) -> Variant:
    """The baseline under the settings. Raises SpecError with path, rule and value; nothing is silently ignored."""
    refuse_strangers(base.kind, settings)
    spec: Json = dict(base.manifest["spec"])
    metric = next((one for one in settings if one.path == METRIC), None)
    signal = Signal(chosen(metric, Signal)) if metric is not None else None
    if metric is not None and signal is not None:
        spec = with_metric(spec, signal, _target(settings, metric), base.kind, metric)
    for one in settings:
        if is_field(base.kind, one.path) and not (metric is not None and one.path == "target"):
            spec = with_setting(spec, one, base.kind)
    scenario = _controlled(base, spec, signal)
    for one in settings:
        if one.path in KNOBS:
            scenario = turned(scenario, one)
    scenario, same_kind = _under(scenario, base, settings)
    return Variant(tuple(settings), scenario, spec if same_kind else None)


def under_manifest(base: Baseline, spec: Json) -> Scenario:
    """The baseline under another spec of the same kind."""
    return _controlled(base, spec, None)


def refuse_strangers(kind: ScalerType, settings: Sequence[Setting]) -> None:
    """Every path must be known, and none given twice."""
    own = (AUTOSCALER, METRIC, *KNOBS, *controllers.FIELDS)
    seen: set[tuple[str | int, ...]] = set()
    for one in settings:
        if one.path not in own and not is_field(kind, one.path):
            steps_of(one.path)
            raise unknown(one, kind, own)
        if steps_of(one.path) in seen:
            raise SpecError(f"{one.path}: must be given once, is given again with {one.value!r}")
        seen.add(steps_of(one.path))


def _target(settings: Sequence[Setting], metric: Setting) -> object:
    given = next((one for one in settings if one.path == "target"), None)
    if given is None:
        raise SpecError(f"{metric.path}: must come with its own target (--set target=…): the recorded one is in "
                        f"another unit than {metric.value!r}")
    return given.value


def _controlled(base: Baseline, spec: Json, signal: Signal | None) -> Scenario:
    """The recorded scenario under this spec; the controller's flags and phases stay."""
    recorded = hpa_of(base.scenario)
    if recorded is None:
        raise SpecError("autoscaler: must be an HPA or a ScaledObject to be varied, is Knative's")
    if base.kind is ScalerType.KEDA:
        controllers.refuse_scaled_object(spec)
    document = keda_hpa(spec, base.hpa) if base.kind is ScalerType.KEDA else spec
    parsed = parse_hpa(document, recorded.spec.controller)
    triggers = documents_at(spec, "triggers") if base.kind is ScalerType.KEDA else ()
    signals = (signal,) if signal is not None else signals_of(parsed.metrics, triggers)
    scenario = with_hpa(base.scenario, replace(recorded, spec=parsed, signals=signals))
    scenario = replace(scenario, initial_replicas=_begun(scenario.initial_replicas, recorded.spec, parsed))
    if isinstance(scenario.controller, KedaController):
        return replace(scenario, controller=keda_loop(scenario.controller.hpa, spec))
    return scenario


def _begun(initial: int, before: HpaSpec, after: HpaSpec) -> int:
    """A test waits for its first replicas before the load: a run that began at its minimum begins at the new one. What
    slept under KEDA goes on sleeping."""
    if initial == before.minimum:
        return after.minimum
    return initial and max(after.minimum, min(initial, after.maximum))


def _under(scenario: Scenario, base: Baseline, settings: Sequence[Setting]) -> tuple[Scenario, bool]:
    """The scenario under the kind of autoscaler that was asked for; whether that is the recorded one."""
    asked = next((one for one in settings if one.path == AUTOSCALER), None)
    kind = chosen(asked, controllers.KINDS) if asked is not None else controllers.kind_of(scenario)
    mine = [one for one in settings if one.path in controllers.FIELDS]
    astray = next((one for one in mine if not one.path.startswith(f"{kind.lower()}.")), None)
    if astray is not None:
        wanted = astray.path.partition(".")[0].upper()
        raise SpecError(f"{astray.path}: must come with autoscaler={wanted}, is {astray.value!r} under {kind}")
    made = controllers.under(scenario, kind, mine)
    return made, not isinstance(made.controller, KpaController) and controllers.kind_of(base.scenario) == kind

