"""What the operator's log prints: the fields of each record, in both formats, by the set-up that the process uses."""
from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kopf
import orjson
import pytest

from elastometer.model.errors import WorldError
from elastometer.world import log_lines

PODS = "/api/v1/namespaces/team/pods"
FORMATS = [pytest.param("text", id="text"), pytest.param("json", id="json")]
# The real process on ports of the kernel's choice; the address is one where nobody listens.
PROCESS = "import elastometer.controller.__main__ as m; m.RECEIVER_PORT = m.HEALTH_PORT = 0; m.main()"
KUBECONFIG = {
    "apiVersion": "v1", "kind": "Config", "current-context": "c",
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {"token": "kubeconfig-secret"}}],
    "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
}


def read(line: str) -> dict[str, Any]:
    """The fields of one line of either format."""
    if line.startswith("{"):
        fields: dict[str, Any] = orjson.loads(line)
        return fields
    return dict(word.split("=", 1) for word in shlex.split(line))


@pytest.fixture(params=FORMATS)
def log_format(request: pytest.FixtureRequest) -> Iterator[str]:
    """Either format, set up as the process does; the root logger is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield request.param
    root.handlers[:], root.level = handlers, level


def configured(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    log_lines.configure(log_format, "info")
    capsys.readouterr()


async def test_a_broken_watch_is_printed_with_its_resource_reason_and_test(
    log_format: str, world: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(log_format, capsys)
    world.api.refused[PODS] = 503
    async with world.recording() as recorder:
        await world.until(lambda: "pods" in recorder.broken)
    lines = [read(line) for line in capsys.readouterr().err.splitlines()]
    broken = [line for line in lines if line["message"] == "watch broken"]
    assert broken
    assert {key: broken[0][key] for key in ("namespace", "test", "resource", "reason", "severity", "logger")} == {
        "namespace": "team", "test": "shop", "resource": "pods", "reason": "Unavailable: HTTP 503: no",
        "severity": "warning", "logger": "elastometer.world.recorder",
    }


def test_no_value_can_look_like_another_field_or_line(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configured(log_format, capsys)
    forged = 'no"\nseverity=error test="other" \x1b[31m'
    logging.getLogger("x").warning("one", extra={"test": "shop", "reason": forged, "number": 3, "empty": ""})
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "\x1b" not in printed
    text, as_json = (" reason=", ' number=3 empty=""'), ('"reason":', ',"number":3,"empty":""')
    before, after = text if log_format == "text" else as_json
    assert json.loads(printed.split(before)[1].split(after)[0]) == forged


def test_a_traceback_is_printed_without_secrets(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configured(log_format, capsys)
    try:
        raise WorldError("refused: --api-key=sk-1 and http://me:sk-2@host/, HF_TOKEN=sk-3, Bearer sk-4sk-4sk-4")
    except WorldError:
        logging.getLogger("x").exception("it failed with --hf-token sk-5", extra={"api_key": "sk-6", "test": "shop"})
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "WorldError: refused: --api-key=(struck out)" in printed
    assert "sk-" not in printed
    assert "shop" in printed


def test_what_kopf_logs_about_a_test_carries_the_same_fields(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(log_format, capsys)
    meta = {"namespace": "team", "name": "shop", "uid": "u"}
    body = kopf.Body({"apiVersion": "elastometer.dev/v1alpha1", "kind": "ElasticityTest", "metadata": meta})
    kopf.ObjectLogger(body=body, settings=kopf.OperatorSettings()).info("Daemon %r is invoked.", "elasticitytest")
    fields = read(capsys.readouterr().err.strip())
    assert fields.pop("time").endswith("Z")
    assert fields == {"severity": "info", "logger": "kopf.objects", "namespace": "team", "test": "shop",
                      "message": "Daemon 'elasticitytest' is invoked."}


@pytest.mark.parametrize("log_format", FORMATS)
async def test_the_process_prints_its_own_records_and_kopfs_in_the_format_that_is_asked_for(
    log_format: str, tmp_path: Path
) -> None:
    (tmp_path / "kubeconfig").write_text(json.dumps(KUBECONFIG))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KUBERNETES_")}
    environment |= {"KUBECONFIG": str(tmp_path / "kubeconfig"), "ELASTOMETER_DATA": str(tmp_path),
                    "ELASTOMETER_LOG_FORMAT": log_format}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, env=environment, stderr=asyncio.subprocess.PIPE)
    seen: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(60):
            while not any(fields["logger"] == "elastometer.controller" for fields in seen):
                assert process.stderr is not None
                line = (await process.stderr.readline()).decode()
                assert line, f"the process ended after {seen}"
                if line.startswith(("{", "time=")):
                    seen.append(read(line))
    finally:
        process.kill()
        await process.wait()
    assert (seen[-1]["message"], seen[-1]["severity"]) == ("cannot list the ElasticityTests", "warning")
    assert "127.0.0.1" in seen[-1]["reason"]
    assert any(fields["logger"].startswith("kopf") for fields in seen)
    assert "kubeconfig-secret" not in str(seen)


def test_an_unknown_format_ends_the_process_with_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    from elastometer.controller.__main__ import main

    monkeypatch.setenv("ELASTOMETER_LOG_FORMAT", "xml")
    with pytest.raises(SystemExit, match=r"ELASTOMETER_LOG_FORMAT.*must be one of text, json, is 'xml'"):
        main()
