"""ElasticityTest -> TestSpec whose what-if rows can be asked of a twin, before anything is run.

A row with a misspelt path would be found only when the run is over. What a value does to this autoscaler is checked as
the API server would check it; settings that need the record of a run, such as another metric, are only checked by name.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from elastometer.hpa.parse import parse_hpa
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerSpec, ScalerType, TestSpec
from elastometer.model.what_if_terms import PATH, WhatIfTerms, what_if_terms
from elastometer.plan import accepted
from elastometer.twin.search.vary.candidates import METRIC, reject_unknown_settings
from elastometer.twin.search.vary.fields import Setting, is_field, with_setting
from elastometer.twin.search.vary.knobs import KNOBS

_TARGET_REF = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "server"}


def accepted_test(body: Mapping[str, Any]) -> TestSpec:
    """Parses the object as served. Raises SpecError with every flaw found."""
    spec = accepted(body)
    rows = what_if_terms(spec.raw)
    flaws = [f"{PATH}[{index}].set.{flaw}" for index, row in enumerate(rows) for flaw in _flaws(spec.scaler, row)]
    if flaws:
        raise SpecError(*flaws)
    return spec


def _flaws(scaler: ScalerSpec, row: WhatIfTerms) -> Iterator[str]:
    settings = tuple(Setting(path, value) for path, value in row.settings.items())
    try:
        reject_unknown_settings(scaler.type, settings)
        for setting in settings:
            if setting.path in KNOBS:
                KNOBS[setting.path][0].check(setting.path, setting.value)
        _apply(scaler, settings)
    except SpecError as error:
        yield from error.flaws


def _apply(scaler: ScalerSpec, settings: tuple[Setting, ...]) -> None:
    """The autoscaler under the settings, which must be one that the API server would take."""
    if any(setting.path == METRIC for setting in settings) or not _is_valid(scaler):
        return  # a target then belongs to a metric that only the twin of a run can read
    body = dict(scaler.body)
    for setting in settings:
        if is_field(scaler.type, setting.path):
            body = with_setting(body, setting, scaler.type)
    if scaler.type is ScalerType.HPA:
        parse_hpa({**body, "scaleTargetRef": _TARGET_REF})


def _is_valid(scaler: ScalerSpec) -> bool:
    """Whether the autoscaler itself is one: what is wrong with it, the API server says, and no row is to blame."""
    if scaler.type is not ScalerType.HPA:
        return True
    try:
        parse_hpa({**scaler.body, "scaleTargetRef": _TARGET_REF})
    except SpecError:
        return False
    return True
