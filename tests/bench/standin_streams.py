"""Measures how evenly one stand-in process feeds many streams.

    python tests/bench/standin_streams.py 100 500 1000

A reader in this process holds N raw sockets and timestamps each read with CLOCK_MONOTONIC; the server runs in another
process. Prints the intervals between tokens of a stream against the configured step, and the server's share of a core
while all streams run.
"""

import argparse
import gc
import itertools
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

STEP_MS = 50.0
EVENT = b"data: "


@dataclass
class Stream:
    """One client; instants in seconds of CLOCK_MONOTONIC."""

    sock: socket.socket
    reads: list[tuple[float, int]] = field(default_factory=list)
    done: bool = False


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def start_server(port: int, streams: int) -> subprocess.Popen[bytes]:
    """A stand-in that listens; prefill costs next to nothing, so that every step is one decode step of STEP_MS."""
    phases = ",".join(f"{name}=0" for name in ("import", "config", "weights", "compile", "profile", "graphs", "http"))
    arguments = [
        "tiny", "--host", "127.0.0.1", "--port", str(port), "--max-num-seqs", str(streams),
        "--max-num-batched-tokens", "65536", "--num-gpu-blocks-override", "65536",
        f"--standin-startup={phases}", f"--standin-decode-ms-per-token={STEP_MS}",
        "--standin-prefill-tokens-per-second=10000000", "--standin-prefill-overhead-ms=0",
    ]
    server = subprocess.Popen([sys.executable, "-m", "elastometer_standin", *arguments], stdout=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.05)
    raise RuntimeError("the server did not listen within 10 s")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, in ticks of 10 ms."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        parts = stat.read().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def open_streams(port: int, count: int, tokens: int) -> list[Stream]:
    """Send all requests; the answers are read by `read_all`."""
    streams = []
    for number in range(count):
        body = (
            f'{{"model":"tiny","prompt":"stream {number}","max_tokens":{tokens},"ignore_eos":true,"stream":true}}'
        ).encode()
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(
            b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        sock.setblocking(False)
        streams.append(Stream(sock))
    return streams


def read_all(streams: list[Stream], pid: int) -> tuple[float, float]:
    """Read to the end; returns (server CPU seconds, wall seconds) of the middle third, when all streams run."""
    gc.disable()  # pauses of the reader would look like pauses of the server
    selector = selectors.EpollSelector()
    for stream in streams:
        selector.register(stream.sock, selectors.EVENT_READ, stream)
    marks: list[tuple[float, float]] = []
    left = len(streams)
    while left:
        for key, _ in selector.select(1.0):
            stream = key.data
            data = stream.sock.recv(65536)
            now = time.monotonic()
            events = data.count(EVENT)
            if events:
                stream.reads.append((now, events))
            if data.endswith(b"0\r\n\r\n") or not data:
                selector.unregister(stream.sock)
                left -= 1
        if not marks or time.monotonic() - marks[-1][0] > 0.5:
            marks.append((time.monotonic(), cpu_seconds(pid)))
    first, last = marks[len(marks) // 3], marks[2 * len(marks) // 3]
    return last[1] - first[1], last[0] - first[0]


def measure(count: int, seconds: float) -> None:
    """Print one line of the table."""
    tokens = int(seconds * 1000 / STEP_MS)
    port = free_port()
    server = start_server(port, count)
    try:
        streams = open_streams(port, count, tokens)
        cpu, wall = read_all(streams, server.pid)
    finally:
        server.terminate()
        server.wait()
    gaps: list[float] = []
    events = 0
    for stream in streams:
        instants = [now for now, _ in stream.reads[1:-1]]  # the first and the last event do not keep the rhythm
        gaps += [(b - a) * 1000 for a, b in itertools.pairwise(instants)]
        events += sum(n for _, n in stream.reads)
    gaps.sort()
    lengths = [stream.reads[-1][0] - stream.reads[0][0] for stream in streams]
    print(
        f"| {count} | {count * 1000 / STEP_MS:.0f} | {statistics.median(gaps):.1f} | "
        f"{gaps[int(len(gaps) * 0.99)]:.1f} | {gaps[-1]:.1f} | "
        f"{statistics.mean(lengths) / (tokens - 1) * 1000:.2f} | {100 * cpu / wall:.0f} % | "
        f"{events - count} of {count * tokens} |",
        flush=True,
    )


def main() -> None:
    """Prints a Markdown table, the one of docs/standin.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", nargs="*", type=int, default=[100, 500, 1000], help="numbers of streams")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each stream")
    options = parser.parse_args()
    print("| streams | tokens/s | gap p50 ms | p99 ms | max ms | mean step ms | server CPU | events |")
    print("|---|---|---|---|---|---|---|---|")
    for count in options.streams:
        measure(count, options.seconds)


if __name__ == "__main__":
    main()
