"""The labels that the series of a recorded run's server Pods carried."""
from __future__ import annotations

from collections.abc import Iterable, Iterator

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.run import DerivedRun
from elastometer.hpa.quantity import milli_units
from elastometer.model.bundle import Bundle
from elastometer.model.document import Document, document_at, documents_at, spec_of, text_at
from elastometer.model.server_flags import flags_of_test
from elastometer.promql.read import matchers_in
from elastometer.promql.series import NAMESPACE, POD, Matcher, TestSeries
from elastometer.twin.reading.hpa_metrics import selector_matchers
from elastometer.twin.reading.server_labels import has_one_engine, served_model

_CURRENT = ("external", "pods", "object")


def recorded_series(run: DerivedRun) -> TestSeries:
    """Names as recorded. Where the autoscaler read a number above 0, the other matchers of its queries and
    selectors have selected the test, whatever Prometheus calls its jobs."""
    bundle, evidence = run.bundle, run.evidence
    terms, flags = bundle.terms, flags_of_test(bundle.spec)
    target = document_at(spec_of(bundle.spec), "target")
    return TestSeries(
        terms.namespace, terms.test, served_model(flags) if target else terms.model,
        tuple(pod.name for pod in evidence.pods), has_one_engine=has_one_engine(flags),
        proven=frozenset(_matchers(bundle)) if _read_a_number(evidence) else frozenset())


def _matchers(bundle: Bundle) -> Iterator[Matcher]:
    for trigger in documents_at(bundle.provenance, "scaledObject", "spec", "triggers"):
        yield from _shared_by_pods(matchers_in(text_at(trigger, "metadata", "query") or ""))
    for index, metric in enumerate(documents_at(bundle.provenance, "autoscaler", "spec", "metrics")):
        for kind in ("pods", "object"):
            path = f"spec.metrics[{index}].{kind}.metric.selector"
            yield from _shared_by_pods(selector_matchers(path, document_at(metric, kind, "metric", "selector")))


def _shared_by_pods(matchers: Iterable[Matcher]) -> Iterator[Matcher]:
    return (matcher for matcher in matchers if matcher.label not in (NAMESPACE, POD))


def _read_a_number(evidence: Evidence) -> bool:
    return any(_is_above_zero(metric) for seen in evidence.autoscalers
               for metric in documents_at(seen.object, "status", "currentMetrics"))


def _is_above_zero(metric: Document) -> bool:
    current = [document_at(metric, kind, "current") for kind in _CURRENT]
    found = (text_at(one, field) for one in current for field in ("value", "averageValue"))
    try:
        return any(text is not None and milli_units(text) > 0 for text in found)
    except ValueError:
        return False
