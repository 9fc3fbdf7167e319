"""The stand-in as a process: when its port answers, what SIGTERM does, what is left on the log."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ports import free_port

BRIEF = "import=0.3,config=0,weights=0.2,compile=0.1,profile=0,graphs=0,http=0"


class Process:
    """One server; everything it wrote is in `log`."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self.port = free_port()
        self._log = log
        command = [sys.executable, "-m", "elastometer_standin", "serve", "m", "--host", "127.0.0.1"]
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                [*command, "--port", str(self.port), f"--standin-startup={BRIEF}", *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "POD_NAME": "pod-b"},
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def listens(self) -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + 10
        while words not in self.log:
            assert time.monotonic() < deadline, f"{words!r} is not in the log:\n{self.log}"
            time.sleep(0.01)

    def post(self) -> bytes:
        """The reply to a short request."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
            head = b"POST /v1/completions HTTP/1.1\r\ncontent-type: application/json\r\nconnection: close\r\n"
            sock.sendall(head + b'content-length: 15\r\n\r\n{"prompt": "x"}')
            return all_of(sock)

    def stream(self) -> socket.socket:
        """A stream that would last minutes, after its first token."""
        body = json.dumps({"prompt": "x", "max_tokens": 9000, "ignore_eos": True, "stream": True}).encode()
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        sock.sendall(
            b"POST /v1/completions HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (len(body), body)
        )
        while b"data: " not in sock.recv(65536):
            pass
        return sock


def all_of(sock: socket.socket) -> bytes:
    parts = []
    while data := sock.recv(65536):
        parts.append(data)
    return b"".join(parts)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[type]:
    started: list[Process] = []

    class Launch(Process):
        def __init__(self, *arguments: str) -> None:
            super().__init__(tmp_path / f"log-{len(started)}", *arguments)
            started.append(self)

    yield Launch
    for process in started:
        process.popen.kill()
        process.popen.wait()


def test_the_port_refuses_until_start_up_is_over_and_then_serves(launch: type) -> None:
    process = launch()
    process.wait_for("vLLM server version 0.33.0")
    assert not process.listens()
    process.wait_for("Application startup complete.")
    assert process.listens()
    assert "Loading weights took 0.20 seconds" in process.log


def test_sigterm_aborts_streams_with_done_within_a_moment_and_exits_zero(launch: type) -> None:
    process = launch()
    process.wait_for("Application startup complete.")
    sock = process.stream()
    process.popen.send_signal(signal.SIGTERM)
    rest = all_of(sock)
    assert b'"finish_reason":"abort"' in rest
    assert rest.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert process.popen.wait(2) == 0
    assert "[shutdown] EngineCore: start mode=abort timeout=0s" in process.log
    assert "aborting in-flight requests count=1" in process.log


def test_a_drain_that_runs_out_of_time_aborts_what_is_left(launch: type) -> None:
    process = launch("--shutdown-timeout", "0.5")
    process.wait_for("Application startup complete.")
    sock = process.stream()
    started = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    assert b'"finish_reason":"abort"' in all_of(sock)
    assert process.popen.wait(3) == 0
    assert 0.4 < time.monotonic() - started < 1.5
    assert "draining in-flight requests count=1" in process.log


def test_sigterm_before_ready_ends_the_start_up_as_vllm_words_it(launch: type) -> None:
    process = launch("--standin-startup=import=0,weights=60")
    process.wait_for("Starting to load model")
    process.popen.send_signal(signal.SIGTERM)
    assert process.popen.wait(2) != 0
    assert "KeyboardInterrupt: terminated" in process.log


def test_a_second_signal_ends_a_drain_at_once(launch: type) -> None:
    process = launch("--shutdown-timeout", "60")
    process.wait_for("Application startup complete.")
    sock = process.stream()
    process.popen.send_signal(signal.SIGTERM)
    process.wait_for("draining in-flight requests count=1")
    process.popen.send_signal(signal.SIGINT)
    assert process.popen.wait(2) == 1
    sock.close()


def test_in_hang_mode_clients_hear_nothing_more_and_new_ones_are_refused(launch: type) -> None:
    process = launch("--standin-shutdown", "hang")
    process.wait_for("Application startup complete.")
    sock = process.stream()
    process.popen.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    while True:
        sock.settimeout(0.3)
        try:
            assert sock.recv(65536) != b"", "a FIN came"
        except TimeoutError:
            break
    assert not process.listens()
    sock.close()


def test_a_configuration_needs_no_content_type(launch: type) -> None:
    process = launch()
    process.wait_for("Application startup complete.")
    body = b'{"unhealthy": true}'
    form = b"content-type: application/x-www-form-urlencoded\r\nconnection: close\r\n"
    with socket.create_connection(("127.0.0.1", process.port), timeout=5) as sock:
        sock.sendall(b"POST /standin/config HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (form, len(body), body))
        assert b'"unhealthy":true' in all_of(sock)


def test_an_unknown_flag_is_an_error_that_names_it(launch: type) -> None:
    process = launch("--not-a-flag")
    assert process.popen.wait(5) == 2
    assert "--not-a-flag" in process.log


def test_a_flag_of_vllm_that_means_nothing_here_leaves_a_line(launch: type) -> None:
    process = launch("--dtype", "half")
    process.wait_for("argument --dtype is accepted and has no effect")


def test_a_port_that_refuses_on_demand_refuses_and_comes_back(launch: type) -> None:
    process = launch()
    process.wait_for("Application startup complete.")
    sock = socket.create_connection(("127.0.0.1", process.port), timeout=5)

    def configure(refuse: str) -> None:
        body = f'{{"refuse":{refuse}}}'.encode()
        sock.sendall(b"POST /standin/config HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        assert b"200 OK" in sock.recv(65536)

    def becomes(listening: bool) -> None:
        deadline = time.monotonic() + 3
        while process.listens() != listening:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    configure("true")
    becomes(False)
    configure("false")
    becomes(True)


def test_the_process_spends_the_cpu_that_its_tokens_are_said_to_cost(launch: type) -> None:
    process = launch("--standin-cpu-ms-per-token=4", "--standin-decode-ms-per-token=5")
    process.wait_for("Application startup complete.")
    ticks = os.sysconf("SC_CLK_TCK")

    def cpu() -> float:
        fields = Path(f"/proc/{process.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    before = cpu()
    body = json.dumps({"prompt": "x", "max_tokens": 50, "ignore_eos": True}).encode()
    with socket.create_connection(("127.0.0.1", process.port), timeout=5) as sock:
        head = b"POST /v1/completions HTTP/1.1\r\ncontent-type: application/json\r\nconnection: close\r\n"
        sock.sendall(head + b"content-length: %d\r\n\r\n%b" % (len(body), body))
        assert b'"completion_tokens":50' in all_of(sock)
    # The last token's share is spent after its reply has left; the kernel counts in hundredths of a second.
    assert 0.17 <= cpu() - before <= 0.40


def test_a_process_whose_engine_died_exits_as_vllms_does(launch: type) -> None:
    process = launch("--standin-engine-dead-rate=1", "--standin-engine-dead-when=injected<1,streams>=2")
    process.wait_for("Application startup complete.")
    sock = process.stream()
    for _ in range(2):
        asked = process.post()
        assert b"HTTP/1.1 500" in asked
        assert b"EngineCore encountered an issue." in asked
    assert all_of(sock).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert process.popen.wait(10) == 0
    assert "request" in process.log.partition("injected engine-dead (1 so far)")[0]


def test_only_the_first_start_downloads_what_its_folder_keeps(launch: type, tmp_path: Path) -> None:
    once = f"--standin-download-once={tmp_path / 'cache'}"
    for downloads in (True, False):
        process = launch(f"--standin-startup={BRIEF},download=0.6", once)
        process.wait_for("Application startup complete.")
        assert ("Time spent downloading weights" in process.log) == downloads
