"""A real vLLM on this machine's CPU, where `make vllm` made one: a tiny random model, the protocol vLLM's own.

It listens on loopback alone, has one thread, and is ended with all its processes whatever happens.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.ports import free_port

START_SECONDS, END_SECONDS = 300.0, 30.0
LIGHT = {"OMP_NUM_THREADS": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
OPTIONS = ["--enforce-eager", "--max-num-seqs=8", "--max-model-len=4096", "--served-model-name=tiny"]


@dataclass(frozen=True)
class Vllm:
    """A server that answers."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def page(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def counters(self) -> Counter[str]:
        """Values of the whole process by the sample's name; `request_success_total` also by reason."""
        found: Counter[str] = Counter()
        for family in text_string_to_metric_families(self.page()):
            for sample in family.samples:
                if "le" not in sample.labels:
                    found[sample.name] += sample.value
                if reason := sample.labels.get("finished_reason"):
                    found[reason] += sample.value if sample.name == "vllm:request_success_total" else 0
        return found


@pytest.fixture(scope="session")
def made() -> list[str]:
    """The Python and the model; skips, and says how to get them."""
    found = subprocess.run([sys.executable, "-m", "elastometer_lab.vllm", "--where"], capture_output=True, text=True,
                           timeout=30)
    if found.returncode:
        pytest.skip(f"NO VLLM: {found.stderr.strip()}")
    return found.stdout.splitlines()


@pytest.fixture(scope="session")
def serve(made: list[str]) -> Callable[..., AbstractContextManager[Vllm]]:
    """Starts a vLLM that logs to a file, with further options."""
    python, model = made

    @contextmanager
    def started(log: Path, *arguments: str) -> Iterator[Vllm]:
        port = free_port()
        command = [python, "-m", "vllm.entrypoints.openai.api_server", f"--model={model}", "--host=127.0.0.1"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, f"--port={port}", *OPTIONS, *arguments],
                stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **LIGHT}, start_new_session=True,
            )
        try:
            server = Vllm(port, process, log)
            _wait_until_healthy(server)
            yield server
        finally:
            _end(process)

    return started


def _wait_until_healthy(server: Vllm) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        last = server.log.read_text(errors="replace")[-3000:]
        assert server.process.poll() is None, f"vLLM ended before it answered:\n{last}"
        try:
            urllib.request.urlopen(f"{server.url}/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"vLLM did not answer within {START_SECONDS:g} s:\n{last}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The engine is a process of its own in the same group, which is ours alone."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
