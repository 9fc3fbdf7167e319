"""`elastometer simulate` on tests whose server gets its flags in every way that people write them."""
from __future__ import annotations

import json

import pytest
import yaml

from elastometer.cli.base.exits import Exit
from elastometer.cli.main import main
from support.simulate_cases import CASES, Refused, Row, check

SERVER = "target.server"
ONLY_WEIGHTS = "--standin-startup=import=0,config=0,weights=6,compile=0,profile=0,graphs=0,http=0"
TIMES = "--standin-decode-ms-per-token=40, --standin-startup=weights=6, --shutdown_timeout=20"
VLLM = (f"{SERVER}.image=vllm/vllm-openai:v0.22.0",)
SLOTS: dict[str, tuple[int, tuple[str, ...]]] = {
    "underscores": (4, (f"{SERVER}.args[0]=--max_num_seqs=4",)),
    "two arguments": (4, (f"{SERVER}.args=[--max_num_seqs, '4', {TIMES}]",)),
    "the beginning of the name": (4, (f"{SERVER}.args[0]=--max-num-seq=4",)),
    "given twice": (4, (f"{SERVER}.args=[--max-num-seqs=256, --max_num_seqs=4, {TIMES}]",)),
    "beside a length with a unit": (4, (f"{SERVER}.args[1]=--max_model_len=4k",)),
    "in a command": (4, (
        f"{SERVER}.command=[elastometer-standin, serve, --max-num-seqs, '4']", f"{SERVER}.args=[{TIMES}]")),
    "in a script": (4, (f"{SERVER}.command=[sh, -c, exec elastometer-standin serve m --max_num_seqs=4]",)),
    "in the overlay": (4, (
        f"{SERVER}.args=[]", f"{SERVER}.podTemplate.spec.containers[0].args=[m, --port=8000, --max_num_seqs, '4']")),
    "in a variable": (4, (
        f"{SERVER}.args[0]=--max-num-seqs=$(COUNT)",
        f"{SERVER}.podTemplate.spec.containers[0].env=[{{name: COUNT, value: '4'}}]")),
    "none, and so the default": (256, (f"{SERVER}.args=[{TIMES}]",)),
    "vLLM with dashes": (4, (*VLLM, f"{SERVER}.args=[--max-num-seqs=4]")),
    "vLLM with underscores": (4, (*VLLM, f"{SERVER}.args=[--max_num_seqs=4]")),
}
GIVEN = ("--capacity", "prefillSeconds=0.02,prefillSecondsPerToken=0.00025,decodeSeconds=0.04", "--cold-start", "10")
PLACE = f"spec.{SERVER}.args[0]: "
REFUSED: dict[str, Row] = {
    "a script that cannot be read": ("hpa", (f"{SERVER}.command=[sh, /start.sh]",), Refused((
        f"capacity: must be given, since spec.{SERVER}.command[0]: runs a script, which cannot be read",))),
    "a shell whose script is in args, behind the model": ("hpa", (
        f"{SERVER}.command=[sh, -c]", f"{SERVER}.args=[exec elastometer-standin serve m --max-num-seqs=4]"), Refused((
            f"spec.{SERVER}.command: must contain the script of its shell",))),
    "such a shell in the overlay": ("hpa", (
        f"{SERVER}.podTemplate.spec.containers[0].command=[/bin/bash, -c]",), Refused((
            f"spec.{SERVER}.podTemplate.spec.containers[0].command: must contain the script of its shell",))),
    "words": ("hpa", (f"{SERVER}.args[0]=--max_num_seqs=four",), Refused((
        f"{PLACE}--max-num-seqs must be a whole number, is 'four'",))),
    "a unit, which vLLM takes for other flags only": ("hpa", (f"{SERVER}.args[0]=--max-num-seqs=1k",), Refused((
        f"{PLACE}--max-num-seqs must be a whole number, is '1k'",))),
    "zero": ("hpa", (f"{SERVER}.args[0]=--max-num-seqs=0",), Refused((
        f"{PLACE}--max-num-seqs must be at least 1, is 0",))),
    "no value": ("hpa", (f"{SERVER}.args[0]=--max-num-seqs",), Refused((f"{PLACE}--max-num-seqs must have a value",))),
    "a misspelt name": ("hpa", (f"{SERVER}.args[0]=--max-num-sqes=4",), Refused((
        f"{PLACE}--max-num-sqes must be a flag of the server; did you mean --max-num-seqs?",))),
    "another port than the test's": ("hpa", (f"{SERVER}.args[0]=--port=9000",), Refused((
        f"{PLACE}--port must be spec.target.server.port (8000)",))),
    "vLLM without a capacity": ("hpa", (*VLLM, f"{SERVER}.args=[--max_num_seqs=4]"), Refused((
        "capacity: must be given, since this server is not the stand-in",))),
}


@pytest.mark.parametrize("name", SLOTS)
def test_the_slots_are_those_of_the_server_however_they_are_written(
    name: str, capsys: pytest.CaptureFixture[str],
) -> None:
    slots, settings = SLOTS[name]
    options = [word for setting in settings for word in ("--set", setting)]
    code = main(["simulate", str(CASES / "hpa.yaml"), "--draws", "1", *options, *(GIVEN if name[:4] == "vLLM" else ())])
    said = capsys.readouterr()
    assert code in (Exit.PASSED, Exit.FAILED, Exit.INCONCLUSIVE), said.err
    assert f": {slots} requests at once" in said.out


@pytest.mark.parametrize(("probes", "shortest", "longest"), [
    ("{}", 6.75, 7.75), ("{readinessProbe: {initialDelaySeconds: 20}}", 20.75, 21.75),
    ("{startupProbe: {periodSeconds: 10}}", 6.75, 16.75), ("{startupProbe: null}", 6.75, 7.75),
    ("{startupProbe: null, readinessProbe: {periodSeconds: 5, successThreshold: 2}}", 11.75, 16.75)])
def test_a_replica_is_ready_when_its_probes_say_so(
    capsys: pytest.CaptureFixture[str], probes: str, shortest: float, longest: float,
) -> None:
    container = yaml.safe_load(probes) | {"name": "server"}
    settings = f"{SERVER}.podTemplate.spec.containers=[{json.dumps(container)}]", f"{SERVER}.args=['{ONLY_WEIGHTS}']"
    main(["simulate", str(CASES / "hpa.yaml"), "--draws", "1", *(word for one in settings for word in ("--set", one))])
    assert f"2 values from {shortest:g} to {longest:g} s" in capsys.readouterr().out


def test_a_hook_of_unknown_length_is_an_assumption(capsys: pytest.CaptureFixture[str]) -> None:
    hook = f"{SERVER}.podTemplate.spec.containers[0].lifecycle.preStop"
    for given, is_assumed in (("{exec: {command: [sh, -c, sleep 5]}}", False), ("{exec: {command: [/drain]}}", True)):
        main(["simulate", str(CASES / "hpa.yaml"), "--draws", "1", "--set", f"{hook}={given}"])
        said = capsys.readouterr().out
        assert ("the preStop hook of the container 'server' is assumed to take no time" in said) is is_assumed


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in REFUSED.items()])
def test_what_the_server_would_refuse_is_refused_with_its_place(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    check(row, capsys.readouterr)
