"""Compares the TTFT that clients report with what the stand-in measures, at 1, 50 and 500 concurrent streams."""

import json
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from contenders import AIOHTTP, OURS, Contender
from environments import scratch
from one_run import CLIENT_CORE, SERVER_CORE, Failed, log_tail, rank
from process_costs import on_core
from workloads import Workload

from elastometer_standin.settings import Pace

PACE = Pace(prefill_tokens_per_second=100_000, prefill_overhead_ms=15, decode_ms_per_token=50)
# Every client sends one message of 200 characters: 50 tokens, and 4 + 1 + 3 for message, role and template.
PROMPT_TOKENS = 58
# With a prefill in nearly every step, a step lasts 65 ms and 30 tokens take 1.95 s.
LOADS = (
    Workload("1 stream", 5, 50, 15, 36, 1, rate=3),
    Workload("50 streams", 30, 50, 15, 250, 50, rate=25),
    Workload("500 streams", 30, 50, 15, 2000, 500, rate=250),
)
PHASES = ("import", "config", "weights", "compile", "profile", "graphs", "http")
MAX_RUN_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One run of one client; milliseconds. The error is the client's percentile minus the server's."""

    streams: int
    client: str
    true_p50: float
    true_p99: float
    error_p50: float
    error_p99: float


def compare_with_standin() -> list[Truth]:
    """Measure both clients in turn, at each number of streams."""
    formula = PACE.prefill_seconds(PROMPT_TOKENS, begins=True) * 1000
    print(f"stand-in: a first token takes {formula:.1f} ms while nothing else runs", flush=True)
    truths = []
    for load in LOADS:
        for contender in (OURS, AIOHTTP):
            truth = _compare(contender, load)
            truths.append(truth)
            print(
                f"stand-in, {load.name}: {contender.name:<18} p50 {truth.error_p50:+.2f} ms, "
                f"p99 {truth.error_p99:+.2f} ms off {truth.true_p50:.1f} and {truth.true_p99:.1f} ms",
                flush=True,
            )
    return truths


def _compare(contender: Contender, load: Workload) -> Truth:
    out = scratch()
    try:
        server, url = _standin(out)
        try:
            _run(contender, load, url, out)
        finally:
            server.terminate()
            server.wait()
        reported = sorted(contender.read(out).ttft)
        true = sorted(json.loads((out / "truth.json").read_text())["ttft"])
    finally:
        shutil.rmtree(out, ignore_errors=True)
    if not len(reported) == len(true) == load.requests:
        raise Failed(
            f"{contender.name} reports {len(reported)} first tokens and the stand-in {len(true)} of {load.requests}"
        )
    p50, p99 = rank(true, 50) * 1000, rank(true, 99) * 1000
    return Truth(
        streams=load.streams,
        client=contender.name,
        true_p50=p50,
        true_p99=p99,
        error_p50=rank(reported, 50) * 1000 - p50,
        error_p99=rank(reported, 99) * 1000 - p99,
    )


def _run(contender: Contender, load: Workload, url: str, out: Path) -> None:
    command = on_core(CLIENT_CORE, contender.begin(load, url, out).command)
    with (out / "log.txt").open("wb") as log:
        try:
            ended = subprocess.run(command, cwd=out, stdout=log, stderr=log, timeout=MAX_RUN_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{contender.name} had not finished after {MAX_RUN_SECONDS:g} s") from error
    if ended.returncode:
        raise Failed(f"{contender.name} exited with {ended.returncode}; {log_tail(out)}")


def _standin(out: Path) -> tuple["subprocess.Popen[bytes]", str]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    command = [
        sys.executable, str(Path(__file__).with_name("stamped_standin.py")), str(out / "truth.json"),
        "m", "--host", "127.0.0.1", "--port", str(port), "--max-num-seqs", "1024", "--max-num-batched-tokens", "65536",
        "--num-gpu-blocks-override", "65536", f"--standin-startup={','.join(f'{name}=0' for name in PHASES)}",
        # Natural answers are longer than any request's limit, so that each has exactly as many tokens as requested.
        "--standin-answer-tokens=4000",
        f"--standin-prefill-tokens-per-second={PACE.prefill_tokens_per_second}",
        f"--standin-prefill-overhead-ms={PACE.prefill_overhead_ms}",
        f"--standin-decode-ms-per-token={PACE.decode_ms_per_token}",
    ]
    server = subprocess.Popen(on_core(SERVER_CORE, command), stdout=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return server, f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    server.kill()
    raise Failed("the stand-in did not listen within 20 s")
