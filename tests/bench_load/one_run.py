"""Runs one client on one workload against a fresh server: what it cost, and what it reported against the truth."""

import json
import math
import os
import resource
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contenders import Contender, Reported
from environments import scratch
from process_costs import cpu_seconds, family, on_core, peak_megabytes
from workloads import Workload

SERVER_CORE, CLIENT_CORE = 0, 1
"""A core each, so that neither takes time from the other; a client of several processes has one core for them all."""
MAX_RUN_SECONDS = 120.0
MAX_TAIL_SECONDS = 60.0


class Failed(Exception):
    """A run that gives no numbers, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run. CPU time of the load is from the first request to the last answer; start and end are separate."""

    cpu_us_per_event: float
    cpu_us_per_request: float
    events_per_second: float
    requests_per_second: float
    ttft_p50_ms: float
    ttft_p99_ms: float
    true_ttft_p50_ms: float
    true_ttft_p99_ms: float
    ttft_error_p50_ms: float
    ttft_error_p99_ms: float
    peak_mb: float
    start_seconds: float
    start_cpu_seconds: float
    end_cpu_seconds: float


class Server:
    """The server process, on its own core."""

    def __init__(self, load: Workload, truth: Path) -> None:
        script = Path(__file__).with_name("sse_server.py")
        pace = ["--tokens", str(load.tokens), "--gap-ms", str(load.gap_ms), "--wait-ms", str(load.wait_ms)]
        command = [sys.executable, str(script), *pace, "--requests", str(load.requests), "--truth", str(truth)]
        self._truth = truth
        self._process = subprocess.Popen(
            on_core(SERVER_CORE, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.url = f"http://127.0.0.1:{int(self.await_line('listening', 10.0, None))}"

    def await_line(self, word: str, seconds: float, client: "subprocess.Popen[bytes] | None") -> float:
        """The value in the server's next line, which must begin with `word`; raises Failed if the client ends first."""
        out: IO[bytes] | None = self._process.stdout
        assert out is not None
        until = time.monotonic() + seconds
        while not select.select([out], [], [], 0.2)[0]:
            if time.monotonic() > until:
                raise Failed(f"no `{word}` within {seconds:g} s")
            if client is not None and _has_ended(client.pid):
                raise Failed(f"ended before `{word}`")
        first_word, _, value = out.readline().decode().partition(" ")
        if first_word != word:
            raise Failed(f"the server printed {first_word!r} instead of {word!r}")
        return float(value)

    def close(self) -> dict[str, list[float]]:
        """End the server if it still runs; returns what it recorded, which is empty where it wrote nothing."""
        if self._process.returncode is None:
            self._process.communicate()
        return json.loads(self._truth.read_text()) if self._truth.exists() else {}


def measure(contender: Contender, load: Workload) -> tuple[Measured, Path]:
    """Run a client; the directory holds what it wrote. Raises Failed, and Missing where the client is not installed."""
    load = load.for_slow() if contender.is_slow else load
    out = scratch()
    server = Server(load, out / "truth.json")
    client, truth = None, None
    try:
        start = contender.begin(load, server.url, out)
        log = (out / "log.txt").open("wb")
        spawned = time.monotonic()
        client = subprocess.Popen(
            on_core(CLIENT_CORE, start.command),
            env={**os.environ, **start.environment},
            cwd=out, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
        first = server.await_line("first", MAX_RUN_SECONDS, client)
        # Finding a process's descendants takes a while, in which it goes on working: its own clock is read before.
        cpu_first = cpu_seconds([client.pid])
        children = [pid for pid in family(client.pid) if pid != client.pid]
        cpu_first += cpu_seconds(children)
        last = server.await_line("last", MAX_RUN_SECONDS, client)
        cpu_last = cpu_seconds([client.pid, *children])
        peak = peak_megabytes([client.pid, *children])
        # Processes that appeared during the load count whole: they did nothing before it.
        later = [pid for pid in family(client.pid) if pid not in (client.pid, *children)]
        cpu_last += cpu_seconds(later)
        peak += peak_megabytes(later)
        usage = _end(client)
        truth = server.close()
    except Failed as failed:
        raise Failed(f"{failed}; {log_tail(out)}") from failed
    finally:
        if client is not None:
            _kill(client)
        server.close()
        # The caller reads and removes the directory, except after a failure, when it never gets to know it.
        if not truth:
            shutil.rmtree(out, ignore_errors=True)
    reported = contender.read(out)
    _check(reported, load)
    cpu = cpu_last - cpu_first
    ttft, true = sorted(reported.ttft), sorted(truth["ttft"])
    errors = [(rank(ttft, percent) - rank(true, percent)) * 1000 for percent in (50, 99)]
    return Measured(
        cpu_us_per_event=cpu * 1e6 / (load.requests * load.tokens),
        cpu_us_per_request=cpu * 1e6 / load.requests,
        events_per_second=load.requests * load.tokens / (last - first),
        requests_per_second=load.requests / (last - first),
        ttft_p50_ms=rank(ttft, 50) * 1000,
        ttft_p99_ms=rank(ttft, 99) * 1000,
        true_ttft_p50_ms=rank(true, 50) * 1000,
        true_ttft_p99_ms=rank(true, 99) * 1000,
        ttft_error_p50_ms=errors[0],
        ttft_error_p99_ms=errors[1],
        peak_mb=peak,
        start_seconds=first - spawned,
        start_cpu_seconds=cpu_first,
        end_cpu_seconds=max(usage.ru_utime + usage.ru_stime - cpu_last, 0.0),
    ), out


def rank(ordered: Sequence[float], percent: float) -> float:
    """The percentile of sorted values by nearest rank."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def _check(reported: Reported, load: Workload) -> None:
    """Raise Failed for a client that lost or invented requests or events: its numbers would mean nothing."""
    if len(reported.ttft) != load.requests:
        raise Failed(f"reports {len(reported.ttft)} of {load.requests} first tokens")
    if reported.events not in (None, load.requests * load.tokens):
        raise Failed(f"reports {reported.events} of {load.requests * load.tokens} events")


def log_tail(out: Path) -> str:
    """The last line that a client printed, in words."""
    log = (out / "log.txt").read_text(errors="replace").split("\n") if (out / "log.txt").exists() else []
    return "its last output: " + (next((line.strip() for line in reversed(log) if line.strip()), "none"))[:200]


def _has_ended(pid: int) -> bool:
    """Whether a child has exited. WNOWAIT leaves it to be waited for by `_end`, which needs its resource usage."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(client: "subprocess.Popen[bytes]") -> resource.struct_rusage:
    """Wait until the client ends by itself; returns its resource usage, that of children it waited for included."""
    until = time.monotonic() + MAX_TAIL_SECONDS
    while not _has_ended(client.pid):
        if time.monotonic() > until:
            raise Failed(f"did not end within {MAX_TAIL_SECONDS:g} s of the last answer")
        time.sleep(0.05)
    _, _, usage = os.wait4(client.pid, 0)
    client.returncode = 0  # wait4 reaped it, so Popen must not try to
    return usage


def _kill(client: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of a client and of everything that it started."""
    if client.returncode is None:
        for pid in family(client.pid):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        client.wait()
