"""One client, one workload, one fresh server: what it cost and what it saw, beside what the server knows."""

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
LONGEST_SECONDS = 120.0
TAIL_SECONDS = 60.0


class Failed(Exception):
    """A run that gives no numbers, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run. The load's CPU time is from the first request to the last answer; what lies around it is apart."""

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
        self.url = f"http://127.0.0.1:{int(self.hear('listening', 10.0, None))}"

    def hear(self, word: str, seconds: float, client: "subprocess.Popen[bytes] | None") -> float:
        """The value of the next line, which must begin with the word; raises Failed when the client ends before."""
        out: IO[bytes] | None = self._process.stdout
        assert out is not None
        until = time.monotonic() + seconds
        while not select.select([out], [], [], 0.2)[0]:
            if time.monotonic() > until:
                raise Failed(f"no `{word}` within {seconds:g} s")
            if client is not None and _has_ended(client.pid):
                raise Failed(f"ended before `{word}`")
        said, _, value = out.readline().decode().partition(" ")
        if said != word:
            raise Failed(f"the server said {said!r} instead of {word!r}")
        return float(value)

    def close(self) -> dict[str, list[float]]:
        """Ends the server, if it has not ended; what it knows."""
        if self._process.returncode is None:
            self._process.communicate()
        return json.loads(self._truth.read_text()) if self._truth.exists() else {}


def measure(contender: Contender, load: Workload) -> tuple[Measured, Path]:
    """Runs it; the directory holds what the client wrote. Raises Failed, and Missing where the client is not there."""
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
        )  # fmt: skip
        first = server.hear("first", LONGEST_SECONDS, client)
        # Looking for a family takes a while, in which its head goes on: his clock is read before.
        cpu_first = cpu_seconds([client.pid])
        children = [pid for pid in family(client.pid) if pid != client.pid]
        cpu_first += cpu_seconds(children)
        last = server.hear("last", LONGEST_SECONDS, client)
        cpu_last = cpu_seconds([client.pid, *children])
        peak = peak_megabytes([client.pid, *children])
        born = [pid for pid in family(client.pid) if pid not in (client.pid, *children)]
        cpu_last += cpu_seconds(born)
        peak += peak_megabytes(born)
        usage = _end(client)
        truth = server.close()
    except Failed as failed:
        raise Failed(f"{failed}; {last_words(out)}") from failed
    finally:
        if client is not None:
            _kill(client)
        server.close()
        # What a run left is looked at by the caller, unless there is nothing to look at.
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
    """Nearest rank of sorted values."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]


def _check(reported: Reported, load: Workload) -> None:
    """Numbers of a client that lost or made up something would be worth nothing."""
    if len(reported.ttft) != load.requests:
        raise Failed(f"reports {len(reported.ttft)} of {load.requests} first tokens")
    if reported.events not in (None, load.requests * load.tokens):
        raise Failed(f"reports {reported.events} of {load.requests * load.tokens} events")


def last_words(out: Path) -> str:
    """The end of what a client printed."""
    said = (out / "log.txt").read_text(errors="replace").split("\n") if (out / "log.txt").exists() else []
    return "its last words: " + (next((line.strip() for line in reversed(said) if line.strip()), "none"))[:200]


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(client: "subprocess.Popen[bytes]") -> resource.struct_rusage:
    """Waits for the end by itself; what its whole life took, that of children that it waited for included."""
    until = time.monotonic() + TAIL_SECONDS
    while not _has_ended(client.pid):
        if time.monotonic() > until:
            raise Failed(f"did not end within {TAIL_SECONDS:g} s of the last answer")
        time.sleep(0.05)
    _, _, usage = os.wait4(client.pid, 0)
    client.returncode = 0
    return usage


def _kill(client: "subprocess.Popen[bytes]") -> None:
    """Ends what is left of a client and all that it started."""
    if client.returncode is None:
        for pid in family(client.pid):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue
        client.wait()
