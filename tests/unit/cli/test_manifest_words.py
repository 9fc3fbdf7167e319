"""What the commands read and print: one test a file, refusals a line each, no control characters, right exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException
from rich.console import Console

from elastometer.cli.base import junit
from elastometer.cli.base.exits import CliError, Exit, exit_of_status
from elastometer.cli.base.manifest_file import read_test
from elastometer.cli.base.summary import as_json, in_words
from elastometer.cli.base.text import columns, printable
from elastometer.cli.cluster.api_errors import is_kind_missing, refusal
from elastometer.cli.cluster.progress import PlainLines, facts, panel
from elastometer.cli.main import COMMANDS, main

HEAD = "apiVersion: elastometer.dev/v1alpha1\nkind: ElasticityTest\n"


def status(succeeded: str, verdict: str | None = None, reason: str = "RunCompleted", **more: Any) -> dict[str, Any]:
    condition = {"type": "Succeeded", "status": succeeded, "reason": reason, "message": "why"}
    return {"conditions": [condition], **({"verdict": verdict} if verdict else {}), **more}


def finished(**given: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "staging", "name": "demo", "uid": "u"}, "status": status(**given)}


@pytest.mark.parametrize(("given", "code"), [
    (status("True", "Pass"), Exit.PASSED), (status("True", "NotJudged"), Exit.PASSED),
    (status("True", "Fail"), Exit.FAILED), (status("True", "Inconclusive"), Exit.INCONCLUSIVE),
    (status("True"), Exit.INCONCLUSIVE), (status("False", reason="ReadyDeadlineExceeded"), Exit.NOT_CARRIED_OUT),
    (status("False", "Fail", reason="LoadJobFailed"), Exit.NOT_CARRIED_OUT), ({}, Exit.NOT_CARRIED_OUT),
    *((status("False", reason=reason), Exit.SPEC_OR_USAGE) for reason in (
        "SpecInvalid", "LoadFilesMissing", "LoadFilesInvalid", "APIKeyMissing", "APIKeyInvalid")),
])
def test_the_exit_code_distinguishes_verdict_spec_and_world(given: dict[str, Any], code: Exit):
    assert exit_of_status(given) is code


@pytest.mark.parametrize(("text", "flaw"), [
    ("", "exactly one YAML document, contains 0"),
    (f"{HEAD}metadata: {{name: a}}\n---\n{HEAD}", "exactly one YAML document, contains 2"),
    ("- a", "must contain a mapping, is ['a']"), ("a: [", "must be YAML"), ("a: 1\na: 2", "'a' is given twice"),
    ("kind: ElasticityTest", "`apiVersion` must be 'elastometer.dev/v1alpha1', is absent"),
    (HEAD, "`metadata.name` must be given"),
    (f"{HEAD}metadata: {{name: 7}}", "`metadata.name` must be given as a string"),
    (f"{HEAD}metadata: {{name: a, namespace: 7}}", "`metadata.namespace` must be a string"),
    ("a: &a [*a]", "must be YAML"), ("? [a]\n: b", "must be"), ("a\0b", "must be YAML"),
])
def test_a_file_that_is_not_one_test_is_refused_in_words(tmp_path: Path, text: str, flaw: str):
    path = tmp_path / "test.yaml"
    path.write_text(text)
    with pytest.raises(CliError) as caught:
        read_test(str(path))
    assert flaw in str(caught.value)
    assert caught.value.code is Exit.SPEC_OR_USAGE


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "latin").write_bytes(b"a: \xff")
    for name in ("absent", "latin", "."):
        with pytest.raises(CliError, match="cannot read"):
            read_test(str(tmp_path / name))


def api_error(code: int, **body: Any) -> ApiException:
    error = ApiException(status=code, reason="x")
    error.body = json.dumps(body)
    return error


def test_each_flaw_that_the_api_server_names_is_a_line_with_its_field():
    causes = [{"field": "spec.load", "message": "Required value"}, {"field": "spec.load", "message": "Required value"},
              {"field": "<nil>", "message": "some validation rules were not checked"}]
    assert refusal(api_error(422, message="long", details={"causes": causes})) == ["spec.load: Required value"]


def test_unknown_fields_are_a_line_each():
    said = 'cannot be handled: strict decoding error: unknown field "spec.a", unknown field "spec.b"'
    assert refusal(api_error(400, message=said)) == ['unknown field "spec.a"', 'unknown field "spec.b"']


def test_an_answer_that_is_no_json_is_still_an_answer():
    error = ApiException(status=502, reason="Bad Gateway")
    error.body = "<html>"
    assert refusal(error) == ["Bad Gateway"]


def test_a_missing_kind_is_distinguished_from_a_missing_object():
    assert is_kind_missing(api_error(404, message="404 page not found"))
    assert not is_kind_missing(api_error(404, details={"name": "demo", "kind": "elasticitytests"}))


def test_what_comes_from_a_cluster_is_printed_without_control_characters():
    hostile = "a\x1b[31mred\nnext\rback\x00\u202eend"
    assert printable(hostile) == "a [31mred next back  end"
    shown = "\n".join(in_words(finished(succeeded="False", reason="X\x1b[2J"), None))
    assert "\x1b" not in shown


def test_the_summary_leaves_out_what_was_not_measured_and_keeps_zero():
    numbers = {"failedRequestCount": 0, "coldStartMilliseconds": 9800}
    text = "\n".join(in_words(finished(succeeded="True", verdict="Pass", summary=numbers), Path("out")))
    assert "failed requests         0" in text
    assert "9.80 s" in text
    assert "scale-out" not in text
    assert "report: out/report.html" in text


def test_a_run_that_was_not_carried_out_says_why_and_claims_no_verdict():
    first, second, *_ = in_words(finished(succeeded="False", verdict="Pass", reason="Unschedulable"), None)
    assert first == "staging/demo: could not be carried out"
    assert second == "  Unschedulable: why"


def test_the_json_result_carries_the_exit_code():
    assert as_json(finished(succeeded="True", verdict="Fail"), None)["exitCode"] == 1


def version(**progress: Any) -> dict[str, Any]:
    test = finished(succeeded="Unknown")
    test["status"].update(phase="Loading", progress=progress)
    return test


def test_plain_lines_come_on_change_and_else_once_in_fifteen_seconds():
    clock, stream = [0.0], io.StringIO()
    lines = PlainLines(stream, now=lambda: clock[0])
    for second in range(31):
        clock[0] = float(second)
        lines.show(version(stage="ramp" if second < 20 else "plateau", replicas="1/4", requestCount=second))
    printed = stream.getvalue().splitlines()
    assert printed[0] == "Succeeded=Unknown RunCompleted: why"
    assert [line.split("requests ")[1] for line in printed[1:]] == ["0", "15", "20"]


def test_what_is_not_known_has_no_row_and_zero_has_one():
    assert facts({}) == []
    assert facts({"requestCount": 0, "failedRequestCount": 0}) == [("requests", "0"), ("failed", "0")]


def test_a_run_shows_users_rates_latencies_and_how_requests_were_lost():
    lost = [{"outcome": "ServerError", "statusCode": 503, "count": 12}, {"outcome": "TimedOut", "count": 1}]
    assert facts({"users": 50, "load": "50 users", "servedRequestsPerSecond": "36.1", "latencyP50Milliseconds": 1380,
                  "latencyP95Milliseconds": 1540, "failedRequestCount": 13, "lost": lost}) == [
        ("users", "50"), ("offered", "50 users"), ("served", "36.1/s"), ("latency p50", "1.38 s"),
        ("latency p95", "1.54 s"), ("failed", "13"), ("lost", "ServerError 503: 12, TimedOut: 1"),
    ]
    assert facts({"lost": []}) == []


def test_time_that_is_left_is_a_bound_where_a_stage_ends_when_its_requests_do():
    assert facts({"remainingSeconds": 90, "remainingSecondsAreExact": True}) == [("time left", "1 min 30 s")]
    assert facts({"remainingSeconds": 90, "remainingSecondsAreExact": False}) == [("time left", "at most 1 min 30 s")]
    assert facts({"remainingSeconds": 90}) == [("time left", "1 min 30 s")]


def test_the_live_panel_shows_steps_and_never_reads_markup():
    console = Console(file=io.StringIO(), width=100, record=True)
    test = version(stage="[bold]ramp[/bold]", replicas="2/4")
    test["status"]["conditions"].append({"type": "Accepted", "status": "True", "reason": "x", "message": "[red]"})
    console.print(panel(test))
    text = console.export_text()
    assert "✓  spec and cluster checked" in text
    assert "[bold]ramp[/bold]" in text


def test_columns_line_up():
    assert columns([("a", "1"), ("long", "2")]) == ["  a     1", "  long  2"]


def test_a_run_without_a_report_still_makes_a_junit_file_that_fails(tmp_path: Path):
    test = finished(succeeded="False", reason="Unsched<ulable>&")
    junit.write(tmp_path / "deep/out.xml", test, None)
    text = (tmp_path / "deep/out.xml").read_text()
    assert 'errors="1"' in text
    assert "Unsched&lt;ulable&gt;&amp;: why" in text


def test_the_bundle_s_own_junit_file_is_taken(tmp_path: Path):
    (tmp_path / "junit.xml").write_text("<testsuite/>")
    junit.write(tmp_path / "out.xml", finished(succeeded="True", verdict="Pass"), tmp_path)
    assert (tmp_path / "out.xml").read_text() == "<testsuite/>"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["fetch", "demo"], ["run", "a", "--attach", "--replace"],
                                       ["run", "a", "--timeout", "0"], ["run", "a", "--timeout", "nan"]])
def test_wrong_usage_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: " in capsys.readouterr().err


@pytest.mark.parametrize("command", [name for name, *_ in COMMANDS])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert "exit codes" in capsys.readouterr().out


def test_the_version_is_printed_for_programs_too(capsys: pytest.CaptureFixture[str]):
    assert main(["version", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["apiVersion"] == "elastometer.dev/v1alpha1"


def test_a_missing_cluster_ends_with_words_and_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sample = Path(__file__).parents[3] / "manifests/samples/demo.yaml"
    assert main(["run", str(sample), "--kubeconfig", str(tmp_path / "absent")]) == 2
    assert "cannot use the kubeconfig" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"\x00\xff\xfe", b"[1, 2]", b"a: [", b"clusters: 5\ncontexts: x\n", b"5", b""])
def test_a_file_that_is_no_kubeconfig_ends_with_words_and_two(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str],
):
    sample = Path(__file__).parents[3] / "manifests/samples/demo.yaml"
    (tmp_path / "config").write_bytes(content)
    assert main(["run", str(sample), "--kubeconfig", str(tmp_path / "config")]) == 2
    assert "cannot use the kubeconfig" in capsys.readouterr().err
