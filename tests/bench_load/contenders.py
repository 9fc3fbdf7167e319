"""The clients of the benchmark: how each is started for a workload, and how to read what it reports."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import zstandard
from environments import Missing, Peer
from workloads import Workload

from elastometer_lab.vllm import install

HERE = Path(__file__).parent
LOCUST = Peer("locust", "2.47.0")
AIPERF = Peer("aiperf", "0.13.0")
MODEL = "m"


@dataclass(frozen=True, slots=True)
class Start:
    """A command, and variables to add to its environment."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reported:
    """What a client reports: seconds to the first token of each request, and events with text where it counts them."""

    ttft: list[float]
    events: int | None


@dataclass(frozen=True, slots=True)
class Contender:
    """A client. `begin` raises Missing where it is not installed."""

    name: str
    begin: Callable[[Workload, str, Path], Start]
    read: Callable[[Path], Reported]
    is_slow: bool = False
    """It answers so few short requests a second that it gets fewer of them."""


def _own(load: Workload, url: str, out: Path) -> Start:
    (out / "profile.yaml").write_text(json.dumps(own_profile(load)))
    program = Path(sys.executable).with_name("elastometer-load")
    arguments = ["run", str(out / "profile.yaml"), "--target", url, "--out", str(out / "run")]
    return Start([str(program), *arguments])


def own_profile(load: Workload) -> dict[str, object]:
    """The workload as a load profile; JSON is YAML."""
    stage: dict[str, object] = {"name": "bench"}
    if load.rate:
        stage |= {"type": "Rate", "arrivals": "Constant", "endRequestsPerSecond": str(load.rate)}
        stage |= {"durationSeconds": round(load.requests / load.rate)}
    else:
        stage |= {"type": "Concurrency", "concurrency": load.streams, "requests": load.requests}
    task = {"name": "bench", "messages": [{"role": "user", "content": "x" * 200}], "maximumTokens": load.tokens}
    return {"model": MODEL, "tasks": [task], "stages": [stage], "latenessBoundMilliseconds": 60_000}


def _read_own(out: Path) -> Reported:
    good = [record for record in own_records(out) if record["outcome"] == "Success"]
    ttft = [_seconds(record["firstTokenTime"]) - _seconds(record["sendTime"]) for record in good]
    return Reported(ttft, sum(record["chunks"] for record in good))


def own_records(out: Path) -> list[dict[str, Any]]:
    """The request records of a run of elastometer-load, compressed or plain."""
    plain, packed = out / "run" / "requests.jsonl", out / "run" / "requests.jsonl.zst"
    if packed.exists():
        lines = zstandard.ZstdDecompressor().stream_reader(packed.read_bytes()).read().splitlines()
    else:
        lines = plain.read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


def _plain(script: str) -> Callable[[Workload, str, Path], Start]:
    def begin(load: Workload, url: str, out: Path) -> Start:
        command = [sys.executable, str(HERE / "clients" / script), "--url", url, "--requests", str(load.requests)]
        command += ["--tokens", str(load.tokens)]
        pace = ["--rate", str(load.rate)] if load.rate else ["--concurrency", str(load.streams)]
        return Start([*command, *pace, "--out", str(out / "seen.json")])

    return begin


def _read_plain(out: Path) -> Reported:
    seen = json.loads((out / "seen.json").read_text())
    return Reported(seen["ttft"], seen["events"])


def _locust(reading: str) -> Callable[[Workload, str, Path], Start]:
    def begin(load: Workload, url: str, out: Path) -> Start:
        command = [str(LOCUST.program()), "--headless", "-f", str(HERE / "clients" / "locust_client.py")]
        # Locust has users and no rate: as many as the rate keeps open, started over the length of one stream.
        users = ["-u", str(load.streams), "-r", str(load.streams / 2 if load.rate else load.streams)]
        quiet = ["--host", url, "--only-summary", "--loglevel", "WARNING", "--exit-code-on-error", "0"]
        orders = {"BENCH_REQUESTS": str(load.requests), "BENCH_OUT": str(out / "seen.json"), "BENCH_READING": reading}
        return Start([*command, *users, *quiet], environment=orders)

    return begin


def _aiperf(load: Workload, url: str, out: Path) -> Start:
    (out / "prompts.jsonl").write_text(json.dumps({"text": "x" * 200}) + "\n")
    command = [str(AIPERF.program()), "profile", "-m", MODEL, "--url", url, "--endpoint-type", "chat", "--streaming"]
    command += ["--tokenizer", str(_tokenizer()), "--use-server-token-count", "--request-count", str(load.requests)]
    command += ["--input-file", str(out / "prompts.jsonl"), "--custom-dataset-type", "single_turn"]
    command += ["--ui", "none", "--artifact-dir", str(out / "artifacts"), "--export-level", "records"]
    command += ["--no-server-metrics", "--no-gpu-telemetry"]
    rate = ["--request-rate", str(load.rate), "--arrival-pattern", "constant"]
    return Start([*command, *(rate if load.rate else ["--concurrency", str(load.streams)])])


def _tokenizer() -> Path:
    """A tokenizer for AIPerf, made once: it insists on one even where the server counts the tokens."""
    home = AIPERF.home / "tokenizer"
    if not home.exists():
        script = str(HERE / "clients" / "byte_tokenizer.py")
        subprocess.run([str(AIPERF.home / "bin" / "python"), script, str(home)], check=True, capture_output=True)
    return home


def _read_aiperf(out: Path) -> Reported:
    (export,) = (out / "artifacts").rglob("profile_export.jsonl")
    records = [json.loads(line) for line in export.open()]
    values = [record["metrics"].get("time_to_first_token") for record in records if not record.get("error")]
    return Reported([value["value"] / 1000 for value in values if value], None)


def _vllm_python() -> Path:
    try:
        return install.python()
    except install.NoVllm as missing:
        raise Missing(str(missing)) from missing


def _vllm(load: Workload, url: str, out: Path) -> Start:
    command = [str(_vllm_python()), str(HERE / "clients" / "vllm_bench.py"), "--backend", "openai-chat"]
    command += ["--endpoint", "/v1/chat/completions", "--base-url", url, "--model", MODEL]
    command += ["--tokenizer", str(install.MODEL), "--dataset-name", "random", "--random-input-len", "50"]
    command += ["--random-output-len", str(load.tokens), "--num-prompts", str(load.requests), "--disable-tqdm"]
    command += ["--save-result", "--save-detailed", "--result-dir", str(out), "--result-filename", "vllm.json"]
    # Gaps are gamma-distributed; a large burstiness makes them nearly constant, which is the pace of the other clients.
    rate = ["--request-rate", str(load.rate), "--burstiness", "1000"]
    pace = rate if load.rate else ["--max-concurrency", str(load.streams)]
    return Start([*command, *pace], {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"})


def _read_vllm(out: Path) -> Reported:
    return Reported(json.loads((out / "vllm.json").read_text())["ttfts"], None)


OURS = Contender("elastometer-load", _own, _read_own)
AIOHTTP = Contender("aiohttp", _plain("aiohttp_client.py"), _read_plain)
CONTENDERS = (
    OURS,
    Contender("raw httptools", _plain("raw_client.py"), _read_plain),
    AIOHTTP,
    Contender("Locust iter_lines", _locust("lines"), _read_plain),
    Contender("Locust readline", _locust("readline"), _read_plain),
    Contender("vllm bench", _vllm, _read_vllm, is_slow=True),
    Contender("AIPerf", _aiperf, _read_aiperf, is_slow=True),
)
