"""Where the metrics of a HorizontalPodAutoscaler come from, through the metrics APIs that manifests/stack installs."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from elastometer.hpa.settings import Metric, MetricType, TargetType
from elastometer.model.document import Document, document_at, documents_at, text_at
from elastometer.model.errors import SpecError
from elastometer.model.names import SERVER
from elastometer.model.selectors import SelectorOperator, selector_flaws
from elastometer.promql.series import Matcher, MatchOperator, TestSeries, select
from elastometer.promql.tree import NONE, Aggregation, Aggregator, Series
from elastometer.twin.sources import METRICS, Asked, Nowhere, Signal, Source

CPU = "cpu"
_NAMES: dict[str, str] = {
    spelled: name for name in METRICS for bare in (name.partition(":")[2],) for spelled in (bare, f"vllm_{bare}", name)}
_KNOWN = "vllm_num_requests_waiting, vllm_num_requests_running, vllm_kv_cache_usage_perc, or cpu"
Containers = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class HpaSources:
    """One source per metric, and what a reader should know about them."""

    sources: tuple[Source | None, ...]
    notes: tuple[str, ...]


def hpa_sources(
    document: Document, metrics: Sequence[Metric], series: TestSeries, containers: Containers | None, *,
    has_triggers: bool = False,
) -> HpaSources:
    """The sources of the metrics of an HPA's spec. `containers` are those of the Pod with what they request. With
    `has_triggers`, KEDA serves the External metrics, and their sources are None. Raises SpecError for a metric that has
    no model."""
    reader = _Reader(series, containers, has_triggers, [])
    written = documents_at(document, "metrics") or [{} for _ in metrics]
    sources = tuple(reader.source(f"spec.metrics[{index}]", source, metric)
                    for index, (source, metric) in enumerate(zip(written, metrics, strict=True)))
    return HpaSources(sources, tuple(reader.notes))


@dataclass(slots=True)
class _Reader:
    series: TestSeries
    containers: Containers | None
    has_triggers: bool
    notes: list[str]

    def source(self, path: str, written: Document, metric: Metric) -> Source | None:
        match metric.type:
            case MetricType.RESOURCE | MetricType.CONTAINER_RESOURCE:
                return self.resource(path, metric)
            case MetricType.PODS:
                return self.selected(f"{path}.pods", document_at(written, "pods"), metric)
            case MetricType.OBJECT:
                return self.whole(f"{path}.object", document_at(written, "object"), metric)
            case MetricType.EXTERNAL if self.has_triggers:
                return None
        raise SpecError(f"{path}.external: must be a metric of KEDA to be simulated, since no other one shows what it "
                        f"measures; is {metric.name!r}")

    def resource(self, path: str, metric: Metric) -> Source:
        kind = metric.type.value[0].lower() + metric.type.value[1:]
        if metric.name != CPU:
            raise SpecError(f"{path}.{kind}.name: must be cpu, as {metric.name} is not modelled; is {metric.name!r}")
        container, known = metric.container, self.containers
        if container is not None and known is not None and container not in known:
            why = f"{path}.{kind}.container: the Pod has no container {container!r} (it has {', '.join(known)})"
            self.notes.append(f"{why}: {_failed(metric)}")
            return Nowhere(why)
        if container not in (None, SERVER):
            raise SpecError(f"{path}.{kind}.container: must be {SERVER}, since the use of other containers is not "
                            f"modelled; is {container!r}")
        self.notes += self.about_use(path, metric)
        return Signal.CPU

    def about_use(self, path: str, metric: Metric) -> Iterator[str]:
        known = self.containers or {}
        counted = [name for name in known if metric.container in (None, name)]
        without = [name for name in counted if metric.name not in known[name]]
        if metric.target_type is TargetType.UTILIZATION and without:
            yield (f"{path}: the container {without[0]!r} requests no {metric.name}, so there is nothing to take a "
                   f"percentage of: {_failed(metric)}")
        others = [name for name in counted if name != SERVER]
        if others:
            yield f"{path}: containers other than {SERVER} ({', '.join(others)}) are assumed to use no {metric.name}"

    def selected(self, path: str, written: Document, metric: Metric) -> Source:
        """A metric of the custom metrics API, if its selector selects the series of the test."""
        name = _NAMES.get(metric.name)
        if name is None:
            raise SpecError(f"{path}.metric.name: must be a metric that the simulator models ({_KNOWN}), is "
                            f"{metric.name!r}")
        self.notes += self.about_name(f"{path}.metric.name", metric.name, name)
        if name in self.series.unexported:
            self.notes.append(f"{path}.metric.name: {name} is no metric of this server: {_failed(metric)}")
            return Nowhere(f"{path}.metric.name: is no metric of this server")
        place, selector = f"{path}.metric.selector", document_at(written, "metric", "selector")
        if unread := list(selector_flaws(selector, place)):
            self.notes += [f"{flaw}: {_failed(metric)}" for flaw in unread]
            return Nowhere(f"{place}: cannot be read")
        found = select(place, list(selector_matchers(place, selector)), self.series)
        self.notes += [note if found.selects else f"{note}: {_failed(metric)}" for note in found.notes]
        return METRICS[name] if found.selects else Nowhere(f"{place}: selects nothing of this test")

    def about_name(self, path: str, given: str, name: str) -> Iterator[str]:
        served = f"vllm_{name.partition(':')[2]}"
        if given != served and not self.series.pods:
            yield f"{path}: {given} is read as the metric that the adapter of manifests/stack serves as {served}"

    def whole(self, path: str, written: Document, metric: Metric) -> Source:
        """A metric of the namespace, whose name the controller does not read; the adapter adds up counts, and averages
        shares."""
        described = document_at(written, "describedObject")
        kind, version = text_at(described, "kind"), text_at(described, "apiVersion") or "v1"
        if (kind, version) != ("Namespace", "v1"):
            raise SpecError(f"{path}.describedObject: must be the Namespace to be simulated, since the metrics adapter "
                            f"of manifests/stack serves metrics of Pods and namespaces only; is {kind} "
                            f"{text_at(described, 'name')!r}")
        source = self.selected(path, written, metric)
        if source is Signal.KV_CACHE:
            return Asked(f"avg({_NAMES[metric.name]})",
                         Aggregation(Aggregator.AVERAGE, Series(_NAMES[metric.name], True), NONE))
        return source


def _failed(metric: Metric) -> str:
    return f"the HPA reports FailedGet{metric.type.value}Metric and does not scale by this metric"


def selector_matchers(path: str, selector: Document) -> Iterator[Matcher]:
    """The selector as the adapter writes it into its query."""
    for label, value in document_at(selector, "matchLabels").items():
        yield Matcher(label, MatchOperator.EQUAL, str(value))
    for index, one in enumerate(documents_at(selector, "matchExpressions")):
        listed = one.get("values")
        values = "|".join(re.escape(str(value)) for value in listed) if isinstance(listed, list) else ""
        label, operator = text_at(one, "key") or "", text_at(one, "operator")
        match operator:
            case SelectorOperator.IN:
                yield Matcher(label, MatchOperator.REGEX, values)
            case SelectorOperator.NOT_IN:
                yield Matcher(label, MatchOperator.NOT_REGEX, values)
            case SelectorOperator.EXISTS:
                yield Matcher(label, MatchOperator.NOT_EQUAL, "")
            case SelectorOperator.DOES_NOT_EXIST:
                yield Matcher(label, MatchOperator.EQUAL, "")
            case _:
                raise SpecError(f"{path}.matchExpressions[{index}].operator: must be one of "
                                f"{', '.join(SelectorOperator)}, is {operator!r}")
