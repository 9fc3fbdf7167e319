"""A server that rejects every request is named by the first line, the last one, the exit code and the results."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

STREAM = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
BODY = b'{"detail":"Not Found"}'
STAGES = {
    "open": '{name: s, type: Rate, durationSeconds: 1, endRequestsPerSecond: "12", arrivals: Constant}',
    "closed": "{name: s, type: Concurrency, concurrency: 3, requests: 12}",
    "knee": "{name: s, type: Knee, of: Users, start: 1, step: 1, stepSeconds: 1, maximum: 2, maximumRequests: 20}",
    "trace": "{name: s, type: Trace, file: t.jsonl, format: Mooncake}",
}
TRACE = "".join(f'{{"timestamp": {at}, "input_length": 5, "output_length": 5}}\n' for at in range(0, 60, 5))


@contextmanager
def serving(answer: Callable[[int], int]) -> Iterator[str]:
    """A server that answers the n-th request with this status."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(self.path)
            status = answer(len(seen)) if self.path.count("/v1") < 2 else 404
            body = STREAM if status == 200 else BODY
            self.send_response(status)
            self.send_header("content-type", "text/event-stream" if status == 200 else "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def load(folder: Path, *arguments: str, stages: str = STAGES["open"]) -> tuple[int, list[str]]:
    (folder / "t.jsonl").write_text(TRACE)
    # A host that is busy sends late, which has an exit code of its own and is not the question here.
    (folder / "p.yaml").write_text(f"latenessBoundMilliseconds: 10000\nstages: [{stages}]\n")
    done = subprocess.run([sys.executable, "-m", "elastometer_loadgen", *arguments], cwd=folder, capture_output=True,
                          text=True, check=False, timeout=60)
    return done.returncode, [line for line in done.stderr.splitlines() if "WARNING" not in line]


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((folder / "out/summary.json").read_bytes())
    return found


@pytest.mark.parametrize("kind", sorted(STAGES))
def test_a_doubled_v1_is_named_at_the_first_answer_and_ends_the_run_with_an_error(tmp_path: Path, kind: str) -> None:
    with serving(lambda _: 200) as url:
        code, lines = load(tmp_path, "run", "p.yaml", "--target", f"{url}/v1", "--out", "out", stages=STAGES[kind])
    hint = f"--target must not end in /v1, which is added to it: give {url}"
    assert code == 5
    assert lines[0] == (f"elastometer-load: ERROR: {url}/v1/v1/chat/completions rejected a request with status 404: "
                        f"{BODY.decode()}; {hint}")
    found = summary(tmp_path)
    count = found["records"]
    assert count
    said = (f"every request ({count} of {count}) was rejected by {url}/v1/v1/chat/completions with status 404: "
            f"{BODY.decode()}; {hint}")
    assert lines[-1] == f"error: {said}"
    assert found["rejection"] == {"message": said, "requests": count, "statuses": {"404": count}}
    assert next(iter(found)) == "rejection"
    page = (tmp_path / "out/report.html").read_text()
    assert page.index("EveryRequestRejected") < page.index("<svg")


@pytest.mark.parametrize("status", [400, 401, 404, 422, 307, 429])
def test_every_status_that_rejects_everything_ends_with_exit_code_5(tmp_path: Path, status: int) -> None:
    with serving(lambda _: status) as url:
        code, lines = load(tmp_path, "run", "p.yaml", "--target", url, "--out", "out")
    assert code == 5
    assert f"with status {status}: " in lines[-1]
    assert lines[-1].startswith("error: every request (12 of 12) was rejected by ")


def test_mixed_rejections_count_together_and_one_success_makes_an_ordinary_run(tmp_path: Path) -> None:
    with serving(lambda number: 404 if number % 3 else 401) as url:
        code, lines = load(tmp_path, "run", "p.yaml", "--target", url, "--out", "out")
    assert (code, "with status 404 (8), 401 (4): " in lines[-1]) == (5, True)
    assert sum("ERROR" in line for line in lines) == 2
    with serving(lambda number: 404 if number > 1 else 200) as url:
        code, lines = load(tmp_path, "run", "p.yaml", "--target", url, "--out", "once")
    assert (code, lines[-1].startswith("error")) == (0, False)
    assert sum("ERROR" in line for line in lines) == 1


def test_merged_workers_are_judged_together(tmp_path: Path) -> None:
    with serving(lambda _: 404) as url:
        for worker in ("0", "1", "2"):
            share = ("--workers", "3", "--worker", worker)
            assert load(tmp_path, "run", "p.yaml", "--target", url, "--out", f"w{worker}", *share)[0] == 5
    code, lines = load(tmp_path, "merge", "w0", "w1", "w2", "--out", "out")
    assert (code, lines[0].startswith(f"error: every request (12 of 12) was rejected by {url}/v1/chat")) == (5, True)


def test_a_doubtful_trace_is_warned_of_before_it_is_sent_and_in_the_results(tmp_path: Path) -> None:
    with serving(lambda _: 200) as url:
        load(tmp_path, "run", "p.yaml", "--target", url, "--out", "out", stages=STAGES["trace"])
    (warning,) = summary(tmp_path)["warnings"]
    assert warning.startswith("the times of t.jsonl are read as Milliseconds, but look like Seconds")
    assert warning in (tmp_path / "out/report.html").read_text()
    done = subprocess.run([sys.executable, "-m", "elastometer_loadgen", "plan", "p.yaml"], cwd=tmp_path,
                          capture_output=True, text=True, check=True)
    assert done.stderr == f"elastometer-load: WARNING: {warning}\n"
