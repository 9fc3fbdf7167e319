"""The capacity of one replica from three sources, on the real stand-in and the real load generator over loopback.

    python tests/bench/demand_standin.py          # three loads side by side, about three minutes

For each load a calibration (users in steps) and a run through overload; the table says how far the formula of the
stand-in's settings, the calibration and the fit are apart. tests/unit/analysis/test_demand_standin.py does the same in
virtual time, without a machine that may be busy.
"""
from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson
import yaml
import zstandard

from elastometer.analysis.capacity.calibration import calibration_of
from elastometer.analysis.demand.demand import demand_of
from elastometer.analysis.requests.knees import knees
from elastometer.analysis.run import DerivedRun, derive_run
from elastometer.model.calibration import CALIBRATION
from elastometer.model.elasticity import DemandAccount
from elastometer.model.request import RecordedRequest, generator_from, request_from
from elastometer.model.units import parse_instant
from elastometer.render.json_report import plain
from elastometer_standin.settings import Pace
from support.ports import free_port
from support.price_worlds import START, Replica, run_of, spec
from support.standin_runs import saturated

SLOTS = 16
PACE = Pace(prefill_tokens_per_second=8000.0, prefill_overhead_ms=5.0, decode_ms_per_token=20.0, decode_slowdown=0.01)
INSTANTS = ("intended", "send", "connect", "first_byte", "first_token", "last_token", "end")
STEP_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Load:
    name: str
    tokens: tuple[tuple[int, int], ...]
    rate: float


LOADS = (Load("short answers", ((8, 24),), 19.0), Load("long answers", ((200, 400),), 2.2),
         Load("mixed", ((8, 24), (200, 400)), 3.9))


def serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    phases = ",".join(f"{phase}=0" for phase in ("import", "config", "weights", "compile", "profile", "graphs", "http"))
    options = [
        "--host=127.0.0.1", f"--port={port}", f"--standin-startup={phases}", f"--max-num-seqs={SLOTS}",
        f"--standin-prefill-tokens-per-second={PACE.prefill_tokens_per_second:g}",
        f"--standin-prefill-overhead-ms={PACE.prefill_overhead_ms:g}", "--standin-answer-tokens=4000",
        f"--standin-decode-ms-per-token={PACE.decode_ms_per_token:g}",
        f"--standin-decode-slowdown={PACE.decode_slowdown}",
    ]
    server = subprocess.Popen([sys.executable, "-m", "elastometer_standin", "serve", *options],
                              stdout=(folder / "standin.log").open("wb"), stderr=subprocess.STDOUT)
    time.sleep(4)
    return server


def run_load(folder: Path, port: int, name: str, load: Load, stages: list[dict[str, Any]]) -> tuple[list[Any], Any]:
    """(records, summary)"""
    words = " ".join(["word"] * 120)
    tasks = [{"name": f"t{number}", "messages": [{"role": "user", "content": words}],
              "maximumTokens": {"minimum": low, "maximum": high}} for number, (low, high) in enumerate(load.tokens)]
    profile, out = folder / f"{name}.yaml", folder / name
    profile.write_text(yaml.safe_dump({"seed": 3, "timeoutSeconds": 120, "tasks": tasks, "stages": stages}))
    subprocess.run([sys.executable, "-m", "elastometer_loadgen", "run", str(profile), f"--out={out}",
                    f"--target=http://127.0.0.1:{port}"], check=False, stderr=(folder / f"{name}.log").open("wb"))
    lines = zstandard.ZstdDecompressor().stream_reader((out / "requests.jsonl.zst").open("rb")).read().splitlines()
    return [orjson.loads(line) for line in lines], orjson.loads((out / "summary.json").read_bytes())


def bundle_run(records: list[Any], summary: Any, test: dict[str, Any], provenance: dict[str, Any]) -> DerivedRun:
    """The run on one replica that is Ready throughout, moved to the start of a made run."""
    begin = parse_instant(summary["startTime"])
    assert begin is not None
    found = [_moved(one, START - begin) for line in records if (one := request_from(line)) is not None]
    end = max((one.end or one.intended) - START for one in found) / 1e9 + 1
    made = run_of([Replica(-40, -39, -20)], end, sizes=[(-40, 1)], test=test, requests=found)
    by = START - begin
    workers = tuple(replace(worker, knees=tuple(replace(search, soak=None, steps=tuple(
        replace(step, start=step.start + by, end=step.end + by) for step in search.steps)) for search in worker.knees))
        for worker in map(generator_from, summary["generators"]))
    return derive_run(replace(made.bundle, generators=workers, provenance=provenance))


def _moved(one: RecordedRequest, by: int) -> RecordedRequest:
    return replace(one, stage=one.stage, pod=None, **{
        name: None if getattr(one, name) is None else getattr(one, name) + by for name in INSTANTS})


def document(kind: str, demand: dict[str, Any] | None = None) -> dict[str, Any]:
    test = spec()
    test["spec"]["target"]["server"]["args"] = [f"--max-num-seqs={SLOTS}"]
    test["spec"]["autoscaler"] = {"type": "None"}
    test["spec"]["objectives"] = []
    test["spec"]["load"]["stages"] = [
        {"name": kind, "type": "Rate", "durationSeconds": 150, "endRequestsPerSecond": "1"}]
    if demand is not None:
        test["spec"]["demand"] = demand
    return test


def formula(account: DemandAccount) -> float:
    """The saturated rate by the stand-in's settings, for the tokens that the run had."""
    capacity = account.capacity
    assert capacity is not None, account.reason
    prompt, output = capacity.mean_prompt_tokens or 0.0, capacity.mean_output_tokens or 1.0
    return saturated(prompt, output, SLOTS, PACE)


def compared(load: Load) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        server = serve(folder, port)
        try:
            stage = {"name": "knee", "type": "Knee", "of": "Users", "start": 1, "step": 8, "maximum": 25,
                     "stepSeconds": STEP_SECONDS, "thinkTimeSeconds": {"minimum": "0", "maximum": "0"},
                     "objectives": [{"indicator": "RequestSuccess", "minimumPercent": 99}]}
            search = bundle_run(*run_load(folder, port, "calibration", load, [stage]), document("knee"), {})
            low, middle, high = (f"{share * load.rate:.3f}" for share in (0.3, 0.6, 1.3))
            ramp = [{"name": "calm", "type": "Rate", "durationSeconds": 20, "endRequestsPerSecond": low},
                    {"name": "busy", "type": "Rate", "durationSeconds": 90, "startRequestsPerSecond": middle,
                     "endRequestsPerSecond": high}]
            records, summary = run_load(folder, port, "run", load, ramp)
        finally:
            server.kill()
            server.wait()
    result = calibration_of(search, knees(search.evidence, search.replicas.ready))
    assert result is not None
    assert result.found is not None, result.reason
    found = plain(result.found)
    assert isinstance(found, dict)
    fitted = demand_of(bundle_run(records, summary, document("all"), {})).account
    reference = document("all", {"calibrationRef": {"name": "c"}})
    calibrated = demand_of(bundle_run(records, summary, reference, {CALIBRATION: found})).account
    rates = [formula(fitted), *(one.capacity.requests_per_second if one.capacity else float("nan")
                                for one in (calibrated, fitted))]
    apart = 100 * (max(rates) / min(rates) - 1)
    return f"| {load.name} | {rates[0]:.2f} | {rates[1]:.2f} | {rates[2]:.2f} | {apart:.1f} % |"


if __name__ == "__main__":
    chosen = [load for load in LOADS if not sys.argv[1:] or load.name in sys.argv[1:]]
    with ThreadPoolExecutor(len(chosen)) as pool:
        print("| load | Given: formula | Calibrated | Fitted | apart |\n|---|---|---|---|---|")
        for row in pool.map(compared, chosen):
            print(row, flush=True)
