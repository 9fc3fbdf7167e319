"""The test that calibrates the server of another test: the same target and tasks, fixed replicas, a load that rises to
its knee. Pure.

Users are searched by default: they find the knee of a server of any speed, while rates rise by whole requests per
second. One user alone shows what a request costs that waits for nobody, and more users than slots what a replica serves
when it is never idle.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elastometer.model.demand_terms import REFERENCE
from elastometer.model.document import Document, at, document_at, text_at, whole_at
from elastometer.model.health import objective_rows
from elastometer.model.server_flags import flags_of_test
from elastometer_loadgen.stages.knee import KneeVariable
from elastometer_loadgen.stages.objectives import OBJECTIVE_FIELDS, KneeIndicator
from elastometer_loadgen.stages.stage import StageType

Json = dict[str, Any]
STAGE, SUFFIX = "knee", "-calibration"
MAX_NAME = 40
# A closed loop settles within an answer or two. The queue of random arrivals takes longer, so a step of rates is twice
# as long: then the knee is within one step of what the server's formula says (docs/report.md, Calibration).
STEP_SECONDS = {KneeVariable.USERS: 60, KneeVariable.RATE: 120}
# vLLM's default of --max-num-seqs on current accelerators, where the arguments do not say.
DEFAULT_SLOTS = 256
# How many steps lead up to all slots, and how far beyond them the search goes.
STEPS_TO_FULL, BEYOND_FULL = 8, 2
HIGHEST_RATE = 100
# Nothing scales in after a calibration, so nothing has to be watched for long.
SETTLE_SECONDS = 10
SERVED = {"indicator": KneeIndicator.REQUEST_SUCCESS.value, "minimumPercent": 99}


@dataclass(frozen=True, slots=True)
class Search:
    """The steps of the search; None for those that follow from the server and from what rises."""

    of: KneeVariable = KneeVariable.USERS
    start: int | None = None
    step: int | None = None
    maximum: int | None = None
    step_seconds: int | None = None
    replicas: int = 1


def calibration_test(test: Json, search: Search) -> Json:
    """The manifest. With more than one replica it refers to the calibration of one, to be compared with it."""
    metadata, spec = document_at(test, "metadata"), document_at(test, "spec")
    test_name = text_at(metadata, "name") or ""
    one = calibration_name(test_name)
    name = one if search.replicas == 1 else calibration_name(test_name, f"{SUFFIX}-{search.replicas}")
    load = {key: value for key, value in document_at(spec, "load").items() if key not in ("stages", "workers")}
    several = {"replicas": search.replicas} if search.replicas > 1 else {}
    measurement = {**document_at(spec, "measurement"), "settleSeconds": SETTLE_SECONDS}
    return {
        **{key: test[key] for key in ("apiVersion", "kind")},
        "metadata": {"name": name, **({} if (where := metadata.get("namespace")) is None else {"namespace": where})},
        "spec": {
            "target": spec.get("target"), "autoscaler": {"type": "None", **several},
            "load": {**load, "workers": 1, "stages": [_stage(test, search)]}, "measurement": measurement,
            **({"demand": {REFERENCE: {"name": one}}} if several else {}),
        },
    }


def calibration_name(test: str, suffix: str = SUFFIX) -> str:
    """The name of the calibration of a test, within the limit of names."""
    return f"{test[:MAX_NAME - len(suffix)].rstrip('-')}{suffix}"


def _stage(test: Json, search: Search) -> Json:
    slots = (flags_of_test(test).slots or DEFAULT_SLOTS) * search.replicas
    is_rate = search.of is KneeVariable.RATE
    return {
        "name": STAGE, "type": StageType.KNEE.value, "of": search.of.value, "start": search.start or 1,
        "step": search.step or (1 if is_rate else -(-slots // STEPS_TO_FULL)),
        "stepSeconds": search.step_seconds or STEP_SECONDS[search.of],
        "maximum": search.maximum or (HIGHEST_RATE if is_rate else BEYOND_FULL * slots),
        **({} if is_rate else {"thinkTimeSeconds": {"minimum": "0", "maximum": "0"}}),
        "objectives": list(_objectives(document_at(test, "spec"))),
    }


def _objectives(spec: Document) -> Iterator[Json]:
    """Those of the test that a step can be judged by, of each kind the strictest, whatever stage they are of."""
    strictest: dict[tuple[str, str | None, int | None], Json] = {}
    for item in objective_rows(spec):
        indicator, percentile = text_at(item, "indicator") or "", whole_at(item, "percentile")
        bound, place = whole_at(item, "maximumMilliseconds"), (indicator, text_at(item, "statistic"), percentile)
        # A step is judged by the requests of all tasks.
        if indicator not in set(KneeIndicator) or bound is None or text_at(item, "taskName") is not None:
            continue
        known = whole_at(strictest.get(place), "maximumMilliseconds")
        if known is None or bound < known:
            strictest[place] = {name: at(item, name) for name in OBJECTIVE_FIELDS if at(item, name) is not None}
    yield SERVED
    yield from strictest.values()
