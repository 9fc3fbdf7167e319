"""What a run was made with, as people read it: no JSON, no quantity that only Kubernetes reads."""
from __future__ import annotations

import json
from dataclasses import replace

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.run import derive_run
from elastometer.analysis.verdict.provenance import MAX_VALUE_CHARACTERS, provenance
from elastometer.model.bundle import Bundle
from elastometer.model.terms import Terms
from elastometer.render.wording import numbers
from elastometer.render.wording.provenance import provenance_rows

NODE = {"name": "node-1", "allocatable": {"cpu": "7910m", "memory": "24632892Ki", "nvidia.com/gpu": "8", "pods": "110"},
        "nodeInfo": {"kubeletVersion": "v1.35.4", "bootID": "7", "osImage": "Debian 12", "architecture": "arm64"}}
HPA = {"minReplicas": 1, "maxReplicas": 4,
       "metrics": [{"type": "Pods", "pods": {"metric": {"name": "waiting"},
                                             "target": {"type": "AverageValue", "averageValue": "2500m"}}},
                   {"type": "Resource", "resource": {"name": "cpu",
                                                     "target": {"type": "Utilization", "averageUtilization": 80}}}],
       "behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 15},
                                             {"type": "Percent", "value": 100, "periodSeconds": 15}],
                                "selectPolicy": "Max", "stabilizationWindowSeconds": 5},
                    "scaleDown": {"selectPolicy": "Disabled"}}}


@pytest.mark.parametrize(("quantity", "read"), [
    ("9666m", "9.67"), ("12500m", "12.5"), ("250m", "0.25"), ("1m", "0.001"), ("99950m", "100"),
    ("1234500m", "1,234.5"), ("7", "7"), ("0", "0"), ("24632892Ki", "23.5 Gi"), ("512Mi", "512 Mi"),
    ("1048576Ki", "1 Gi"), ("10k", "10k"),
    ("m", "m"), ("", ""), ("96 %", "96 %"),
])
def test_a_quantity_is_read_as_a_number(quantity: str, read: str) -> None:
    assert numbers.quantity(quantity) == read


@pytest.mark.parametrize(("line", "read"), [
    ("waiting 9666m (target 2)", "waiting 9.67 (target 2)"), ("waiting 6 (target 2500m)", "waiting 6 (target 2.5)"),
    ("waiting 12500m", "waiting 12.5"), ("cpu 96 % (target 80 %)", "cpu 96 % (target 80 %)"),
    ("requests_5m 3 (target 2)", "requests_5m 3 (target 2)"), ("5m 3 (target 2)", "5m 3 (target 2)"),
])
def test_only_the_amounts_of_a_metric_are_changed(line: str, read: str) -> None:
    assert numbers.metric(line) == read


def rows(**documents: object) -> list[tuple[str, str]]:
    report = judge(Bundle(terms=Terms(test="demo"), provenance=documents))
    return provenance_rows(report)


def test_documents_become_rows_without_a_brace() -> None:
    found = rows(kubernetes={"gitVersion": "v1.35.4", "platform": "linux/amd64"}, nodes=[NODE],
                 images=[["standin:1", "sha256:ab"]], model={"name": "qwen", "revision": None},
                 prometheus={"url": "http://p", "scrapePeriodSeconds": 2}, controllerFlags="not readable",
                 extra={"a": {"b": [1, 2.5, True, None]}})
    assert found == [
        ("Flags of the autoscaler's controller", "not readable"), ("Extra", "a b 1, 2.5, true"),
        ("Image and digest", "standin:1, sha256:ab"), ("Kubernetes", "v1.35.4 linux/amd64"), ("Model", "qwen"),
        ("Node", "node-1: nvidia.com/gpu 8, CPU 7.91, memory 23.5 GiB, kubelet v1.35.4, Debian 12, arm64"),
        ("Prometheus", "http://p, scraped every 2 s"),
    ]


def test_an_autoscaler_is_described_by_what_decides() -> None:
    report = replace(judge(Bundle(terms=Terms(test="demo"))), provenance=(("autoscaler as served", json.dumps(HPA)),))
    assert provenance_rows(report) == [
        ("Autoscaler as served: replicas", "1 to 4"),
        ("Autoscaler as served: metric", "Pods waiting, AverageValue 2.5"),
        ("Autoscaler as served: metric", "Resource cpu, Utilization 80 %"),
        ("Autoscaler as served: scaleUp",
         "4 Pods per 15 s, 100 % per 15 s, selectPolicy Max, stabilization window 5 s"),
        ("Autoscaler as served: scaleDown", "selectPolicy Disabled"),
    ]


def test_the_nodes_of_a_large_cluster_are_cut_between_two_nodes() -> None:
    run = derive_run(Bundle(terms=Terms(), provenance={"nodes": [{**NODE, "name": f"node-{n}"} for n in range(200)]}))
    found = dict(provenance(run))
    kept = json.loads(found["nodes"])
    assert 2 < len(kept) < 200
    assert len(found["nodes"]) <= MAX_VALUE_CHARACTERS
    assert found["nodes, left out"] == f"{200 - len(kept)} of 200; all are in provenance.json"


@pytest.mark.parametrize("text", ["{", '{"a": ', "[1, 2", "{not json}"])
def test_a_text_that_only_begins_like_a_document_is_shown_as_it_is(text: str) -> None:
    report = replace(judge(Bundle(terms=Terms(test="demo"))), provenance=(("note", text),))
    assert provenance_rows(report) == [("Note", f"{text}…")]


@pytest.mark.parametrize("text", ["[" * 4000, "[" * 900 + "]" * 900, '{"a":' * 600 + "1" + "}" * 600])
def test_a_document_nested_too_deeply_to_read_is_shown_and_keeps_no_report_from_being_written(text: str) -> None:
    report = replace(judge(Bundle(terms=Terms(test="demo"))), provenance=(("note", text),))
    assert [name for name, _ in provenance_rows(report)] in (["Note"], [])
