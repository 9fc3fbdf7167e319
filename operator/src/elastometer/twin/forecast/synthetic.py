"""Turns a prediction into the bundle that a run would have recorded if the model were right.

So the same analysis judges predicted and real runs. Only what the model knows is written: no phases of a cold start, no
log lines, no clocks, nothing about the load generator. Every instant is virtual time from a fixed origin. The bundle
carries the basis of the prediction, which marks the report as predicted.
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
from elastometer.twin.forecast.synthetic_knees import searches
from elastometer.twin.forecast.synthetic_load import request_records, series
from elastometer.twin.forecast.synthetic_objects import target_sightings
from elastometer.twin.scenario import HpaController, KedaController


def synthetic_bundle(run: PredictedRun) -> Bundle:
    """The bundle of the predicted run."""
    test, plan = _test(run.plan), describe(run.plan)
    observations: list[Observation] = [
        *target_sightings(run), *autoscaler_sightings(run),
        Note(instant(run.prediction.end_seconds), "PredictionEnds", "the prediction ends here"),
    ]
    return Bundle(
        terms=terms_from(test, plan), manifest={"toolVersion": run.basis.tool}, spec=test, plan=plan,
        provenance={"source": f"predicted by {run.basis.tool}"}, start=ORIGIN,
        observations=tuple(sorted(observations, key=lambda line: line.received)),
        requests=request_records(run), generators=searches(run), series=series(run), predicted=run.basis,
    )


def predicted_syncs(run: PredictedRun) -> Recording | None:
    """Every sync of the HPA with its decision; None if no HPA decides."""
    controller = run.scenario.controller
    hpa = controller.hpa if isinstance(controller, KedaController) else controller
    if run.autoscaler is None or not isinstance(hpa, HpaController):
        return None
    return Recording(run.plan.names.test, hpa.spec, tuple(
        RecordedSync(sync.input, Observed(sync.decision.desired, sync.decision.rescaled, sync.decision.conditions,
                                        sync.decision.events))
        for sync in run.prediction.syncs if sync.input is not None and sync.decision is not None))


def _test(plan: TestPlan) -> Document:
    names = plan.names
    metadata = {"name": names.test, "namespace": names.namespace}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": plan.spec.raw}
