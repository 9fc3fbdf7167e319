"""Prediction -> Bundle: what a run's record would hold if the model were right, so that one analysis judges both.

Only what the model knows is written: no phases of a start, no log lines, no clocks, no account of a load generator.
Every instant is virtual time from a fixed origin, and the bundle carries its basis, which marks the report.
"""
from __future__ import annotations

from elastometer.hpa.recording import Observed, RecordedSync, Recording
from elastometer.model.bundle import Bundle
from elastometer.model.document import Document
from elastometer.model.names import API_VERSION, KIND
from elastometer.model.observation import Note, Observation
from elastometer.model.terms import terms_from
from elastometer.plan import TestPlan, describe
from elastometer.twin.forecast.predicted_run import ORIGIN, PredictedRun, instant
from elastometer.twin.forecast.synthetic_autoscaler import autoscaler_sightings
from elastometer.twin.forecast.synthetic_load import request_records, series
from elastometer.twin.forecast.synthetic_objects import target_sightings
from elastometer.twin.scenario import HpaController, KedaController


def synthetic_bundle(foretold: PredictedRun) -> Bundle:
    """The bundle of a run that never was."""
    test, plan = _test(foretold.plan), describe(foretold.plan)
    observations: list[Observation] = [
        *target_sightings(foretold), *autoscaler_sightings(foretold),
        Note(instant(foretold.prediction.end_seconds), "PredictionEnds", "the model looks no further"),
    ]
    return Bundle(
        terms=terms_from(test, plan), manifest={"toolVersion": foretold.basis.tool}, spec=test, plan=plan,
        provenance={"source": f"predicted by {foretold.basis.tool}"}, start=ORIGIN,
        observations=tuple(sorted(observations, key=lambda line: line.received)),
        requests=request_records(foretold), series=series(foretold), predicted=foretold.basis,
    )


def predicted_syncs(foretold: PredictedRun) -> Recording | None:
    """Every look of the HPA with what it decided; None where none decides."""
    controller = foretold.scenario.controller
    hpa = controller.hpa if isinstance(controller, KedaController) else controller
    if foretold.autoscaler is None or not isinstance(hpa, HpaController):
        return None
    return Recording(foretold.plan.names.test, hpa.spec, tuple(
        RecordedSync(sync.input, Observed(sync.decision.desired, sync.decision.rescaled, sync.decision.conditions,
                                        sync.decision.events))
        for sync in foretold.prediction.syncs if sync.input is not None and sync.decision is not None))


def _test(plan: TestPlan) -> Document:
    names = plan.names
    metadata = {"name": names.test, "namespace": names.namespace}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": plan.spec.raw}
