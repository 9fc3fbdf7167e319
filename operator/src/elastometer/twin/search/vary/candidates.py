"""A recorded run under other settings: the manifest as the user would write it, and the resulting scenario."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from elastometer.hpa.parse import parse_hpa
from elastometer.hpa.settings import HpaSpec
from elastometer.model.document import document_at, text_at
from elastometer.model.errors import SpecError
from elastometer.model.names import SERVER
from elastometer.model.spec import ScalerType
from elastometer.promql.series import TestSeries
from elastometer.twin.reading.hpa_metrics import Containers, HpaSources, hpa_sources
from elastometer.twin.reading.scaled_object import keda_loop, read_scaled_object
from elastometer.twin.scenario import HpaController, KedaController, KpaController, Scenario
from elastometer.twin.search.vary import controllers
from elastometer.twin.search.vary.fields import Setting, is_field, unknown, with_setting
from elastometer.twin.search.vary.knobs import (
    BALANCING,
    KNOBS,
    chosen,
    hpa_of,
    with_balancing,
    with_hpa,
    with_knob,
)
from elastometer.twin.search.vary.metrics import with_metric
from elastometer.twin.search.vary.paths import Json, steps_of
from elastometer.twin.sources import Signal

AUTOSCALER, METRIC = "autoscaler", "metric"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A recorded run as the twin sees it. `manifest` is the autoscaler as served (apiVersion, kind, metadata, spec).
    `hpa` is the spec of the HorizontalPodAutoscaler that decided; it differs from the manifest if KEDA created it.
    `labels` are those of the series of the test, of which the manifest alone tells only the names, and `containers`
    what those of a Pod request."""

    scenario: Scenario
    manifest: Json
    hpa: Json
    labels: TestSeries | None = None
    containers: Containers | None = None

    @property
    def kind(self) -> ScalerType:
        """The kind of object whose spec the paths refer to."""
        return ScalerType(self.manifest["kind"])

    @property
    def series(self) -> TestSeries:
        """The labels of the series, as far as they are known."""
        if self.labels is not None:
            return self.labels
        metadata = document_at(self.manifest, "metadata")
        test = (text_at(metadata, "name") or "").removesuffix(f"-{SERVER}")
        return TestSeries(text_at(metadata, "namespace") or "default", test, None)


@dataclass(frozen=True, slots=True)
class Variant:
    """`spec` is that of the manifest with the settings applied; None if no manifest of the recorded kind can hold
    them. `notes` are what a reader should know about its metrics."""

    settings: tuple[Setting, ...]
    scenario: Scenario
    spec: Json | None
    notes: tuple[str, ...] = ()


def vary(base: Baseline, settings: Sequence[Setting]) -> Variant:
    """The baseline under the settings. Raises SpecError with path, rule and value; no setting is silently ignored."""
    reject_unknown_settings(base.kind, settings)
    spec: Json = dict(base.manifest["spec"])
    metric = next((setting for setting in settings if setting.path == METRIC), None)
    signal = Signal(chosen(metric, Signal)) if metric is not None else None
    if metric is not None and signal is not None:
        spec = with_metric(spec, signal, _target(settings, metric), kind=base.kind, setting=metric)
    for setting in settings:
        if is_field(base.kind, setting.path) and not (metric is not None and setting.path == "target"):
            spec = with_setting(spec, setting, base.kind)
    scenario, notes = _controlled(base, spec, signal)
    for setting in settings:
        if setting.path in KNOBS:
            scenario = with_knob(scenario, setting)
        if setting.path == BALANCING:
            scenario = with_balancing(scenario, setting)
    scenario, same_kind = _under(scenario, base, settings)
    return Variant(tuple(settings), scenario, spec if same_kind else None, notes)


def under_manifest(base: Baseline, spec: Json) -> Scenario:
    """The baseline under another spec of the same kind."""
    return _controlled(base, spec, None)[0]


def reject_unknown_settings(kind: ScalerType, settings: Sequence[Setting]) -> None:
    """Raises SpecError if a path is not known, or if one is given twice."""
    own = (AUTOSCALER, METRIC, BALANCING, *KNOBS, *controllers.FIELDS)
    seen: set[tuple[str | int, ...]] = set()
    for setting in settings:
        if setting.path not in own and not is_field(kind, setting.path):
            steps_of(setting.path)
            raise unknown(setting, kind, own)
        if steps_of(setting.path) in seen:
            raise SpecError(f"{setting.path}: must be given only once, is given again with {setting.value!r}")
        seen.add(steps_of(setting.path))


def _target(settings: Sequence[Setting], metric: Setting) -> object:
    given = next((setting for setting in settings if setting.path == "target"), None)
    if given is None:
        raise SpecError(f"{metric.path}: must be given together with a target (--set target=…), since the recorded "
                        f"target has another unit than {metric.value!r}; target is absent")
    return given.value


def _controlled(base: Baseline, spec: Json, signal: Signal | None) -> tuple[Scenario, tuple[str, ...]]:
    """The recorded scenario under this spec, and what a reader should know about its metrics; the controller's flags
    and the sync phase stay."""
    recorded = hpa_of(base.scenario)
    if recorded is None:
        raise SpecError("autoscaler: must be an HPA or a ScaledObject to be varied, is a Knative autoscaler")
    under = _under_keda if base.kind is ScalerType.KEDA else _under_hpa
    scenario, notes = under(base, recorded, spec, signal)
    hpa = hpa_of(scenario) or recorded
    return replace(scenario, initial_replicas=_begun(scenario.initial_replicas, recorded.spec, hpa.spec)), notes


def _under_hpa(
    base: Baseline, recorded: HpaController, spec: Json, signal: Signal | None,
) -> tuple[Scenario, tuple[str, ...]]:
    """The recorded scenario under this HPA, whose only metric is the signal if one is given."""
    parsed = parse_hpa(spec, recorded.spec.controller)
    read = HpaSources((signal,), ()) if signal is not None else \
        hpa_sources(spec, parsed.metrics, base.series, base.containers)
    return with_hpa(base.scenario, replace(recorded, spec=parsed, sources=read.sources)), read.notes


def _under_keda(
    base: Baseline, recorded: HpaController, spec: Json, _: Signal | None,
) -> tuple[Scenario, tuple[str, ...]]:
    """The recorded scenario under this ScaledObject. What is not in it, the clock and the phase of its polls, stays."""
    read = read_scaled_object(spec, base.series, is_recorded=True)
    try:
        parsed = parse_hpa({**read.hpa, "scaleTargetRef": base.hpa["scaleTargetRef"]}, recorded.spec.controller)
        found = hpa_sources(read.hpa, parsed.metrics, base.series, base.containers, has_triggers=True)
    except SpecError as error:
        raise SpecError(*map(read.in_own_words, error.flaws)) from error
    hpa = replace(recorded, spec=parsed, sources=found.sources)
    notes = (*read.notes, *map(read.in_own_words, found.notes))
    before = base.scenario.controller
    if not isinstance(before, KedaController):
        return with_hpa(base.scenario, hpa), notes
    after = replace(keda_loop(hpa, spec, read), phase_seconds=before.phase_seconds, second_share=before.second_share,
                    created_seconds=before.created_seconds)
    return replace(base.scenario, controller=after), notes


def _begun(initial: int, before: HpaSpec, after: HpaSpec) -> int:
    """The initial replicas. A test waits for its first replicas before the load, so a run that began at its minimum
    begins at the new minimum. A run that began at zero replicas under KEDA begins at zero."""
    if initial == before.minimum:
        return after.minimum
    return initial and max(after.minimum, min(initial, after.maximum))


def _under(scenario: Scenario, base: Baseline, settings: Sequence[Setting]) -> tuple[Scenario, bool]:
    """(the scenario under the requested kind of autoscaler, whether that is the recorded kind)."""
    asked = next((setting for setting in settings if setting.path == AUTOSCALER), None)
    kind = chosen(asked, controllers.KINDS) if asked is not None else controllers.kind_of(scenario)
    mine = [setting for setting in settings if setting.path in controllers.FIELDS]
    astray = next((setting for setting in mine if not setting.path.startswith(f"{kind.lower()}.")), None)
    if astray is not None:
        wanted = astray.path.partition(".")[0].upper()
        raise SpecError(f"{astray.path}: must be given together with autoscaler={wanted}, is {astray.value!r} under "
                        f"{kind}")
    made = controllers.under(scenario, kind, mine)
    return made, not isinstance(made.controller, KpaController) and controllers.kind_of(base.scenario) == kind

