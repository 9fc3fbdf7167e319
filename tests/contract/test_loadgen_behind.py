"""A load that no single core can send is called the generator's fault, and not a slow server's."""

import asyncio
import multiprocessing
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import uvloop

from elastometer_loadgen.worker.process import ExitCode

# Eight million events in a second: no interpreter reads one in an eighth of a microsecond.
PROFILE = """
endpoint: Completions
tasks: [{name: t, prompt: x, maximumTokens: 1}]
stages: [{name: s, type: Rate, durationSeconds: 1, endRequestsPerSecond: "2000", arrivals: Constant}]
"""
EVENT = b'data: {"choices":[{"text":"a","finish_reason":null}]}\n\n'
EVENTS = 4000 * EVENT + EVENT.replace(b"null", b'"stop"') + b"data: [DONE]\n\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (len(EVENTS), EVENTS)


class Quick(asyncio.Protocol):
    """A server that is faster than any client: it answers what it has not read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)  # type: ignore[attr-defined]


def serve(sock: socket.socket) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Quick, sock=sock, backlog=4096)
        await server.serve_forever()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(forever())


@pytest.fixture
def quick_server() -> Iterator[str]:
    sock = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(sock,), daemon=True)
    server.start()
    yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    server.terminate()
    server.join()
    sock.close()


@pytest.mark.timeout(90)
def test_a_profile_beyond_one_core_is_called_fallen_behind(quick_server: str, tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text(PROFILE)
    command = [sys.executable, "-m", "elastometer_loadgen", "run", str(profile), "--target", quick_server]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == ExitCode.FELL_BEHIND, done.stderr
    summary = orjson.loads((tmp_path / "out" / "summary.json").read_bytes())
    assert summary["fellBehind"] is True
    assert summary["planned"] == summary["sent"] == summary["records"] == 2_000
    assert summary["total"]["lateness"]["p99Milliseconds"] > summary["boundMilliseconds"] == 50
    assert summary["late"] > 20
    assert summary["generators"][0]["openSockets"] >= 1
