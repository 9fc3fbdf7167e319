"""Exports against the packages of those who read them: llm-d's benchmark report and OpenTelemetry's protocol."""
from __future__ import annotations

import base64
import csv
import io
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from llmd_benchmark_report import load_benchmark_report
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.cli.main import main
from elastometer.interchange.benchmark_report import NoStageError, benchmark_reports
from elastometer.interchange.csv_tables import csv_tables
from elastometer.interchange.otlp import trace_request
from elastometer.interchange.spans import NoOriginError
from elastometer.model.bundle import Bundle
from elastometer.model.elasticity import SupplyKind
from elastometer.model.observation import ObjectKind, ObjectSeen, Sighting
from elastometer.model.report import Report
from elastometer.model.terms import Terms
from elastometer.render.json_report import plain
from elastometer.world.bundle_reader import load_bundle

RUNS = sorted((Path(__file__).parents[1] / "golden/runs").iterdir())
NO_TIMELINE: dict[str, Any] = {name: [] for name in (
    "seconds", "planned", "offered", "sent", "served", "failed", "inFlight", "windowStarts",
    "firstTokenP50Milliseconds", "firstTokenP95Milliseconds", "desired", "spec", "created", "ready", "serving",
    "curves")}
DEMO = next(run for run in RUNS if run.name == "honest-pods-a")


@pytest.fixture(scope="module")
def run() -> DerivedRun:
    return derive_run(load_bundle(DEMO))


@pytest.fixture(scope="module")
def report(run: DerivedRun) -> Report:
    return judge_run(run)


class TestBenchmarkReport:
    @pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
    def test_llm_ds_own_package_accepts_it(self, path: Path) -> None:
        run = derive_run(load_bundle(path))
        found = benchmark_reports(run, judge_run(run))
        assert len(found) == len(run.evidence.stages)
        for document in found.values():
            again = yaml.safe_load(yaml.safe_dump(document))
            assert load_benchmark_report(again).version == "0.2"

    def test_its_numbers_are_those_of_the_report(self, run: DerivedRun, report: Report) -> None:
        rows = {row.stage: row for row in report.load}
        for number, document in enumerate(benchmark_reports(run, report).values()):
            row = rows[run.evidence.stages[number].name]
            found = document["results"]["request_performance"]["aggregate"]
            assert found["requests"]["total"] == row.count
            assert found["latency"]["time_to_first_token"]["p50"] * 1000 == pytest.approx(
                row.time_to_first_token.p50, abs=0.06)
            assert found["latency"]["request_latency"]["max"] * 1000 == pytest.approx(row.latency.maximum, abs=0.06)
            assert found["throughput"]["output_token_rate"]["mean"] == pytest.approx(
                row.output_tokens_per_second, abs=0.06)

    def test_every_start_and_every_change_of_replicas_is_in_exactly_one_stage(
        self, run: DerivedRun, report: Report,
    ) -> None:
        found = [one["results"]["observability"] for one in benchmark_reports(run, report).values()]
        pods = [pod["name"] for one in found for pod in one.get("pod_startup_times", {}).get("pods", ())]
        assert sorted(pods) == sorted(set(pods))
        assert set(pods) <= {start.pod for start in report.cold_starts}
        ready = {snapshot["controllers"][0]["ready_replicas"] for one in found
                 for snapshot in one["replica_status"]["time_series"]}
        assert max(ready) == report.summary.peak_ready_replicas

    def test_the_elasticity_goes_where_the_format_allows_more_fields(self, run: DerivedRun, report: Report) -> None:
        documents = benchmark_reports(run, report).values()
        found = [document["results"]["observability"]["elastometer"]["scorecard"] for document in documents]
        ready = report.elasticity.of(SupplyKind.READY)
        assert [one["ready"]["theta_under"] for one in found] == [ready.score.theta_under] * len(documents)
        assert found[0]["demand_source"] == report.demand.source

    def test_a_gpu_of_unknown_type_is_not_given_a_name(self, run: DerivedRun, report: Report) -> None:
        for document in benchmark_reports(run, report).values():
            assert document["scenario"]["stack"][0]["standardized"]["kind"] == "generic"

    def test_a_gpu_of_known_type_makes_an_inference_engine(self, run: DerivedRun) -> None:
        bundle = replace(run.bundle, observations=(*run.bundle.observations, _node("NVIDIA-L4")))
        labelled = derive_run(bundle)
        document = next(iter(benchmark_reports(labelled, judge_run(labelled)).values()))
        load_benchmark_report(document)
        engine = document["scenario"]["stack"][0]["standardized"]
        assert (engine["kind"], engine["accelerator"]["model"]) == ("inference_engine", "NVIDIA-L4")
        assert engine["accelerator"]["count"] == engine["replicas"]

    def test_two_types_of_gpu_are_one_too_many(self, run: DerivedRun) -> None:
        bundle = replace(run.bundle, observations=(*run.bundle.observations, _node("NVIDIA-L4"), _node("NVIDIA-H100")))
        mixed = derive_run(bundle)
        document = next(iter(benchmark_reports(mixed, judge_run(mixed)).values()))
        assert document["scenario"]["stack"][0]["standardized"]["kind"] == "generic"

    def test_a_run_without_requests_has_no_benchmark_report(self) -> None:
        empty = derive_run(Bundle(terms=Terms()))
        with pytest.raises(NoStageError, match="requests: at least one stage"):
            benchmark_reports(empty, judge_run(empty))


class TestTraces:
    @pytest.mark.parametrize("path", RUNS, ids=lambda path: path.name)
    def test_opentelemetrys_own_messages_parse_it(self, path: Path) -> None:
        document = trace_request(judge_run(derive_run(load_bundle(path))))
        parsed = json_format.ParseDict(_with_base64_ids(document), ExportTraceServiceRequest())
        spans = parsed.resource_spans[0].scope_spans[0].spans
        assert len(spans) == len(_spans(document)) > 0
        assert all(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in spans)
        assert all(span.end_time_unix_nano >= span.start_time_unix_nano > 0 for span in spans)

    def test_there_is_one_trace_for_each_scale_out_and_each_cold_start(self, report: Report) -> None:
        roots = [span["name"] for span in _spans(trace_request(report)) if "parentSpanId" not in span]
        out = [event for event in report.scale_events if event.to_replicas > event.from_replicas]
        assert sum(name.startswith("scale-out") for name in roots) == len(out)
        assert sum(name.startswith("cold start") for name in roots) == len(report.cold_starts)

    def test_every_bar_of_a_start_is_a_span_with_its_source(self, report: Report) -> None:
        spans = _spans(trace_request(report))
        for start in report.cold_starts:
            root = next(span for span in spans if span["name"] == f"cold start {start.pod}" and
                        "parentSpanId" not in span)
            bars = [span for span in spans if span.get("parentSpanId") == root["spanId"]]
            assert [span["name"] for span in bars] == [phase.label for phase in start.phases]
            assert [_attribute(span, "elastometer.source") for span in bars] == [one.source for one in start.phases]
            assert sum(_length(span) for span in bars) == pytest.approx(_length(root), abs=2e6)

    def test_the_bars_of_a_scale_out_up_to_its_decision_are_spans_of_its_trace(self, report: Report) -> None:
        spans = _spans(trace_request(report))
        roots = [span for span in spans if span["name"].startswith("scale-out")]
        assert len(roots) == len(report.scale_outs) > 0
        decided = [event.seen.seconds for event in report.scale_events if event.to_replicas > event.from_replicas]
        for root, one, seconds in zip(roots, report.scale_outs, decided, strict=True):
            before = [bar for bar in one.bars if bar.start_seconds < seconds]
            mine = [span for span in spans if span.get("parentSpanId") == root["spanId"]]
            assert [span["name"] for span in mine][:len(before)] == [bar.label for bar in before]
            assert [_length(span) for span in mine][:len(before)] == [bar.milliseconds * 10**6 for bar in before]
            assert _attribute(root, "elastometer.total.begin") == one.begin.value

    def test_ids_are_unique_in_a_run_and_the_same_in_every_export(self, report: Report) -> None:
        first, again = _spans(trace_request(report)), _spans(trace_request(report))
        assert first == again
        assert len({span["spanId"] for span in first}) == len(first)

    def test_every_parent_is_in_the_same_trace(self, report: Report) -> None:
        spans = _spans(trace_request(report))
        trace_of = {span["spanId"]: span["traceId"] for span in spans}
        assert all(trace_of[span["parentSpanId"]] == span["traceId"] for span in spans if "parentSpanId" in span)

    def test_without_the_start_of_the_load_nothing_has_a_time(self) -> None:
        with pytest.raises(NoOriginError, match=r"start\.json"):
            trace_request(judge_run(derive_run(Bundle(terms=Terms()))))


class TestCsv:
    def test_every_list_of_the_report_is_a_table_with_as_many_rows(self, report: Report) -> None:
        document: Any = plain(report)
        tables = csv_tables(document)
        for name in ("objectives", "scaleEvents", "coldStarts", "load", "findings", "scaleIns", "stages"):
            assert len(_rows(tables[f"{name}.csv"])) == len(document[name])
        phases = _rows(tables["coldStarts.phases.csv"])
        assert len(phases) == sum(len(start["phases"]) for start in document["coldStarts"])
        assert phases[-1]["row"] == str(len(document["coldStarts"]) - 1)

    def test_an_absent_value_is_an_empty_cell_and_not_zero(self, report: Report) -> None:
        table = _rows(csv_tables(plain(report))["coldStarts.csv"])  # type: ignore[arg-type]
        first = next(row for row in table if row["origin"] == "Initial")
        assert first["scaleEvent"] == ""

    def test_every_column_has_a_value_in_some_row(self, report: Report) -> None:
        tables = csv_tables(plain(report))  # type: ignore[arg-type]
        columns = [(name, column) for name, content in tables.items() for column in _rows(content)[0]]
        assert len(columns) > 200
        assert [(name, column) for name, column in columns
                if not any(row[column] for row in _rows(tables[name]))] == []

    def test_a_value_of_zero_or_false_is_a_value(self) -> None:
        document = {"zero": 0, "no": False, "nothing": None, "empty": "", "timeline": NO_TIMELINE}
        rows = _rows(csv_tables(document)["run.csv"])
        assert rows == [{"zero": "0", "no": "False"}]

    def test_a_spreadsheet_computes_no_name(self, report: Report) -> None:
        document: Any = plain(replace(report, test="=HYPERLINK(\"http://x\")", model="\tcmd"))
        row = _rows(csv_tables(document)["run.csv"])[0]
        assert (row["test"], row["model"]) == ("'=HYPERLINK(\"http://x\")", "'\tcmd")

    def test_a_negative_number_stays_a_number(self, report: Report) -> None:
        document: Any = plain(report)
        seconds = [float(row["seconds"]) for row in _rows(csv_tables(document)["timeline.replicas.csv"])]
        assert min(seconds) < 0


@dataclass
class Collector:
    """An OTLP endpoint that gives the scripted answers, then 200, and keeps what it was sent."""

    url: str
    answers: list[tuple[int, bytes]]
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector("", [])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.seen.append((self.path, dict(self.headers), body))
            status, content = found.answers.pop(0) if found.answers else (200, b"{}")
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()


class TestEndpoint:
    def _send(self, collector: Collector, *more: str) -> int:
        return main(["export", str(DEMO), "--format", "otlp", "--endpoint", collector.url, *more])

    def test_traces_go_to_the_path_for_traces_with_the_headers(self, collector: Collector) -> None:
        assert self._send(collector, "--header", "Authorization=Bearer k=1") == 0
        path, headers, body = collector.seen[0]
        assert (path, headers["Content-Type"], headers["Authorization"]) == (
            "/v1/traces", "application/json", "Bearer k=1")
        assert _spans(json.loads(body))

    def test_an_endpoint_that_is_busy_is_asked_again(self, collector: Collector) -> None:
        collector.answers = [(503, b""), (429, b"")]
        assert self._send(collector) == 0
        assert len(collector.seen) == 3

    def test_a_refusal_is_an_error_and_not_repeated(
        self, collector: Collector, capsys: pytest.CaptureFixture[str],
    ) -> None:
        collector.answers = [(401, b"")]
        assert self._send(collector, "--header", "x-key=secret") == 4
        said = capsys.readouterr().err
        assert "answered 401" in said
        assert "secret" not in said
        assert len(collector.seen) == 1

    def test_rejected_spans_are_an_error(self, collector: Collector, capsys: pytest.CaptureFixture[str]) -> None:
        collector.answers = [(200, b'{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "too old"}}')]
        assert self._send(collector) == 4
        assert "rejected 3 spans: too old" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "said"), [
    (["--format", "csv"], "--out: must be given; it says where"),
    (["--format", "otlp"], "--out: must be given, or --endpoint"),
    (["--format", "csv", "--endpoint", "http://x"], "--endpoint: must be given with --format otlp only"),
    (["--format", "otlp", "--endpoint", "ftp://x"], "--endpoint: must be a URL that begins with http"),
    (["--format", "otlp", "--out", "o", "--header", "a=b"], "--header: must be given with --endpoint"),
    (["--format", "otlp", "--endpoint", "http://x", "--header", "novalue"], "--header: must be NAME=VALUE"),
])
def test_wrong_usage_names_the_option_and_the_rule(
    words: Sequence[str], said: str, capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["export", str(DEMO), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_path_that_holds_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), "--format", "csv", "--out", str(tmp_path / "out")]) == 2
    assert "must be the directory or the .tar.zst of a run" in capsys.readouterr().err


def _node(product: str) -> ObjectSeen:
    labels = {"nvidia.com/gpu.product": product}
    document = {"kind": "Node", "metadata": {"name": product, "uid": product, "labels": labels}}
    return ObjectSeen(received=0, kind=ObjectKind.NODE, sighting=Sighting.LISTED, object=document)


def _spans(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    return found


def _length(span: dict[str, Any]) -> int:
    return int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])


def _attribute(span: dict[str, Any], key: str) -> object:
    return next(next(iter(item["value"].values())) for item in span["attributes"] if item["key"] == key)


def _with_base64_ids(document: dict[str, Any]) -> dict[str, Any]:
    """OTLP's JSON has ids as hexadecimal, where protobuf's own JSON has base64."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    for span in _spans(copy):
        for key in ("traceId", "spanId", "parentSpanId"):
            if key in span:
                span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    return copy


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
