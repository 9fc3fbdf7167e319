"""The autoscaler that decided, as recorded in a bundle: the object that a user would change, and the HPA behind it."""
from __future__ import annotations

import json

from elastometer.analysis.run import DerivedRun
from elastometer.model.document import Document, document_at, text_at
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.twin.fit.autoscaler import recorded_containers
from elastometer.twin.fit.recorded_series import recorded_series
from elastometer.twin.reading.scaled_object import annotation_flaws
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.vary.candidates import Baseline
from elastometer.twin.search.vary.paths import Json


def baseline(run: DerivedRun, scenario: Scenario) -> Baseline:
    """The recorded autoscaler with the scenario of its run. Raises SpecError if the bundle does not hold it, or if it
    was paused."""
    bundle = run.bundle
    hpa, scaled = (document_at(bundle.provenance, name) for name in ("autoscaler", "scaledObject"))
    served = scaled if bundle.terms.scaler == ScalerType.KEDA else hpa
    for name, document in (("autoscaler", hpa), ("scaledObject", served)):
        if text_at(document, "kind") is None or not document_at(document, "spec"):
            raise SpecError(f"provenance.{name}: must hold the object as served, is absent; what-if needs a run with a "
                            "HorizontalPodAutoscaler or a ScaledObject")
    if flaws := [f"provenance.scaledObject.{flaw}" for flaw in annotation_flaws(document_at(scaled, "metadata"))]:
        raise SpecError(*flaws)
    return Baseline(scenario, _copied(served), _copied(document_at(hpa, "spec")), recorded_series(run),
                    recorded_containers(run.evidence))


def _copied(document: Document) -> Json:
    """A copy as plain JSON, which no other object refers to."""
    made: Json = json.loads(json.dumps(document))
    return made
