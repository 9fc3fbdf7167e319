"""Other kinds of autoscaler for the same demand: KEDA's own loop, and a Knative-style one."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from elastometer.model.errors import SpecError
from elastometer.twin.fit.autoscaler import COOLDOWN_SECONDS, POLLING_SECONDS
from elastometer.twin.scenario import HpaController, KedaController, KpaController, Scenario
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.knobs import Bounds, hpa_of
from elastometer.twin.search.vary.paths import Json, value_at

HPA, KEDA, KPA = KINDS = ("HPA", "KEDA", "KPA")
# The field of KpaController or KedaController for each path of a setting.
_NAMES: Mapping[str, str] = {
    "kpa.target": "target", "kpa.stableWindowSeconds": "stable_window_seconds",
    "kpa.panicWindowSeconds": "panic_window_seconds", "kpa.panicThreshold": "panic_threshold",
    "kpa.maxScaleUpRate": "max_scale_up_rate", "kpa.maxScaleDownRate": "max_scale_down_rate",
    "kpa.periodSeconds": "period_seconds",
    "keda.pollingInterval": "polling_seconds", "keda.cooldownPeriod": "cooldown_seconds",
    "keda.activationThreshold": "activation", "keda.minReplicaCount": "minimum",
}
_MAY_BE_ZERO = ("keda.cooldownPeriod", "keda.activationThreshold", "keda.minReplicaCount")
FIELDS: Mapping[str, Bounds] = {path: Bounds(open=path not in _MAY_BE_ZERO) for path in _NAMES}
_WHOLE = {"minReplicaCount": 0, "maxReplicaCount": 1, "idleReplicaCount": 0, "pollingInterval": 1, "cooldownPeriod": 0}


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
        return replace(scenario, controller=hpa)
    if kind == KPA:
        return replace(scenario, controller=_kpa(hpa, given))
    keda = scenario.controller if isinstance(scenario.controller, KedaController) else \
        KedaController(hpa, POLLING_SECONDS, COOLDOWN_SECONDS, minimum=hpa.spec.minimum)
    numbers: dict[str, object] = {name: int(value) if name == "minimum" else value for name, value in given.items()}
    return replace(scenario, controller=_with_numbers(keda, numbers))


def _with_numbers(keda: KedaController, numbers: Mapping[str, object]) -> KedaController:
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


def refuse_scaled_object(spec: Json) -> None:
    """Raises SpecError for what the ScaledObject's CRD or KEDA's admission webhook would refuse, as far as it can be
    set here."""
    for name, least in _WHOLE.items():
        value = spec.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < least):
            raise SpecError(f"{name}: must be a whole number of at least {least}, is {value!r}")
    least, most, idle = spec.get("minReplicaCount") or 0, spec.get("maxReplicaCount", 100), spec.get("idleReplicaCount")
    if least > most:
        raise SpecError(f"minReplicaCount: must be at most maxReplicaCount ({most}), is {least}")
    if idle is not None and idle >= least:
        raise SpecError(f"idleReplicaCount: must be below minReplicaCount ({least}), is {idle}")
    for index, _ in enumerate(spec.get("triggers") or ()):
        for field in ("threshold", "activationThreshold"):
            value = value_at(spec, ("triggers", index, "metadata", field))
            if value is not None and not _is_number(value):
                raise SpecError(f"triggers[{index}].metadata.{field}: must be a number as text, is {value!r}")


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, str) and float(value) >= 0
    except ValueError:
        return False
