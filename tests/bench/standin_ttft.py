"""Compares the time to first token of an idle stand-in with its formula, and times a scrape while streams run."""

import json
import socket
import statistics
import subprocess
import sys
import time

from elastometer_standin.settings import Pace
from elastometer_standin.tokens import count_text_tokens

PACE = Pace(prefill_tokens_per_second=8000, prefill_overhead_ms=15, decode_ms_per_token=50)
PROMPT_CHARACTERS = (4, 800, 8000)
REPEATS = 40
STREAMS = 500


def start() -> tuple[subprocess.Popen[bytes], int]:
    """A stand-in that listens, and its port."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = int(sock.getsockname()[1])
    phases = ",".join(f"{name}=0" for name in ("import", "config", "weights", "compile", "profile", "graphs", "http"))
    arguments = [
        "m", "--host", "127.0.0.1", "--port", str(port), f"--standin-startup={phases}", "--max-num-seqs", "512",
        f"--standin-prefill-tokens-per-second={PACE.prefill_tokens_per_second}",
        f"--standin-prefill-overhead-ms={PACE.prefill_overhead_ms}",
        f"--standin-decode-ms-per-token={PACE.decode_ms_per_token}", "--num-gpu-blocks-override", "65536",
    ]
    server = subprocess.Popen([sys.executable, "-m", "elastometer_standin", *arguments], stdout=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return server, port
        time.sleep(0.05)
    raise RuntimeError("the server did not listen within 10 s")


def ask(port: int, prompt: str, max_tokens: int) -> socket.socket:
    """Send one request on a new connection; the answer is left unread."""
    body = {"prompt": prompt, "max_tokens": max_tokens, "ignore_eos": True, "stream": True}
    data = json.dumps(body).encode()
    sock = socket.create_connection(("127.0.0.1", port))
    head = f"POST /v1/completions HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    sock.sendall(head.encode() + data)
    return sock


def ttft_ms(port: int, prompt: str) -> float:
    """Time to first token in milliseconds, connection set-up included."""
    started = time.perf_counter()
    sock = ask(port, prompt, 1)
    received = b""
    while b"data: " not in received:
        received += sock.recv(65536)
    sock.close()
    return (time.perf_counter() - started) * 1000


def scrape_ms(port: int) -> float:
    """How long a whole scrape of /metrics takes, in milliseconds."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nconnection: close\r\n\r\n")
        while sock.recv(65536):
            pass
    return (time.perf_counter() - started) * 1000


def main() -> None:
    """Prints the table of docs/standin.md and one line about scrapes."""
    server, port = start()
    print("| prompt tokens | formula ms | p50 ms | max of 40 ms |\n|---|---|---|---|")
    for characters in PROMPT_CHARACTERS:
        prompt = "x" * characters
        measured = sorted(ttft_ms(port, prompt) for _ in range(REPEATS))
        tokens = count_text_tokens(prompt)
        expected = PACE.prefill_seconds(tokens, begins=True) * 1000
        print(f"| {tokens} | {expected:.1f} | {statistics.median(measured):.1f} | {measured[-1]:.1f} |")
    streams = [ask(port, f"s{n}", 400) for n in range(STREAMS)]
    time.sleep(1)  # by then every stream has begun, and none of them has ended
    scrapes = sorted(scrape_ms(port) for _ in range(REPEATS))
    print(f"scrape while {STREAMS} streams run: p50 {statistics.median(scrapes):.1f} ms, max {scrapes[-1]:.1f} ms")
    for stream in streams:
        stream.close()
    server.terminate()
    server.wait()


if __name__ == "__main__":
    main()
