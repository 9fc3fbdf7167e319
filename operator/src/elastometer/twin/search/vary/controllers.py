"""Other kinds of autoscaler for the same demand: KEDA's own loop, and a Knative-style one."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from elastometer.hpa.settings import MetricType
from elastometer.model.errors import SpecError
from elastometer.model.triggers import POLLING_SECONDS
from elastometer.twin.measured import sources_of
from elastometer.twin.reading.scaled_object import COOLDOWN_SECONDS
from elastometer.twin.scenario import HpaController, KedaController, KpaController, Scenario
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.knobs import Bounds, hpa_of
from elastometer.twin.sources import Signal, Trigger

HPA, KEDA, KPA = KINDS = ("HPA", "KEDA", "KPA")
ACTIVATION = "activation"
# The field of KpaController or KedaController for each path of a setting.
_NAMES: Mapping[str, str] = {
    "kpa.target": "target", "kpa.stableWindowSeconds": "stable_window_seconds",
    "kpa.panicWindowSeconds": "panic_window_seconds", "kpa.panicThreshold": "panic_threshold",
    "kpa.maxScaleUpRate": "max_scale_up_rate", "kpa.maxScaleDownRate": "max_scale_down_rate",
    "kpa.periodSeconds": "period_seconds",
    "keda.pollingInterval": "polling_seconds", "keda.cooldownPeriod": "cooldown_seconds",
    "keda.activationThreshold": ACTIVATION, "keda.minReplicaCount": "minimum",
}
_MAY_BE_ZERO = ("keda.cooldownPeriod", "keda.activationThreshold", "keda.minReplicaCount")
FIELDS: Mapping[str, Bounds] = {path: Bounds(open=path not in _MAY_BE_ZERO) for path in _NAMES}


def kind_of(scenario: Scenario) -> str:
    """One of KINDS."""
    match scenario.controller:
        case HpaController():
            return HPA
        case KedaController():
            return KEDA
    return KPA


def under(scenario: Scenario, kind: str, settings: Sequence[Setting]) -> Scenario:
    """The scenario under this kind of autoscaler, with its own settings."""
    given = {_NAMES[setting.path]: _checked_value(setting) for setting in settings}
    hpa = hpa_of(scenario)
    if hpa is None:
        return scenario
    if kind == HPA:
        controller = scenario.controller
        return replace(scenario, controller=_alone(controller) if isinstance(controller, KedaController) else hpa)
    if kind == KPA:
        return replace(scenario, controller=_kpa(hpa, given))
    keda = scenario.controller if isinstance(scenario.controller, KedaController) else _keda(hpa)
    return replace(scenario, controller=_with_numbers(keda, given))


def _alone(keda: KedaController) -> HpaController:
    """The HPA without KEDA: another adapter serves the queries of its triggers, with nothing for an empty result."""
    if keda.formula is not None:
        raise SpecError("autoscaler: must be KEDA where the recorded ScaledObject has scaling modifiers, since an HPA "
                        "has no formula, is 'HPA'")
    queries = iter([trigger.source for trigger in keda.triggers])
    return replace(keda.hpa, sources=tuple(
        next(queries) if metric.type is MetricType.EXTERNAL else source
        for metric, source in zip(keda.hpa.spec.metrics, keda.hpa.sources, strict=True)))


def _keda(hpa: HpaController) -> KedaController:
    """KEDA's loop around an HPA that has none: a trigger on the sum of each signal but CPU, of which KEDA asks
    nothing."""
    triggers = tuple(Trigger(source) for source in sources_of(hpa) if source is not Signal.CPU)
    return KedaController(hpa, POLLING_SECONDS, COOLDOWN_SECONDS, minimum=hpa.spec.minimum, triggers=triggers)


def _with_numbers(keda: KedaController, given: Mapping[str, float]) -> KedaController:
    numbers: dict[str, object] = {name: int(value) if name == "minimum" else value for name, value in given.items()}
    activation = given.get(ACTIVATION)
    if activation is not None:
        del numbers[ACTIVATION]
        numbers["triggers"] = tuple(replace(trigger, activation=activation) for trigger in keda.triggers)
    return KedaController(**{**{item.name: getattr(keda, item.name) for item in fields(keda)}, **numbers})


def _kpa(hpa: HpaController, given: Mapping[str, float]) -> KpaController:
    if "target" not in given:
        raise SpecError("kpa.target: must be given with autoscaler=KPA (requests in flight per replica), is absent")
    return KpaController(minimum=hpa.spec.minimum, maximum=hpa.spec.maximum, **given)


def _checked_value(setting: Setting) -> float:
    value = FIELDS[setting.path].check(setting.path, setting.value)
    if setting.path == "keda.minReplicaCount" and not value.is_integer():
        raise SpecError(f"{setting.path}: must be a whole number, is {setting.value!r}")
    return value
