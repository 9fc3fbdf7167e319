"""Reads streams with Locust's FastHttpUser, run by Locust itself: `locust --headless -f locust_client.py ...`.

`BENCH_READING=lines` uses the documented `iter_lines`, which waits for 1,024 bytes; `BENCH_READING=readline` uses the
private reader below it, which does not wait.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
from locust import FastHttpUser, events, task

PATH = "/v1/chat/completions"
REQUESTS = int(os.environ["BENCH_REQUESTS"])
OUT = Path(os.environ["BENCH_OUT"])
PRIVATE = os.environ["BENCH_READING"] == "readline"
BODY = json.dumps(
    {
        "model": "m",
        "messages": [{"role": "user", "content": "x" * 200}],
        "max_tokens": 100,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
).encode()
HEADERS = {"content-type": "application/json"}
IDLE_SECONDS = 3600
TTFT: list[float] = []
EVENTS = [0]
SENT = [0]
DONE = [0]


class Reader(FastHttpUser):
    """A closed-loop user; the run ends when the last request of all users has ended."""

    @task
    def ask(self) -> None:
        """Send one request; idle once all have been sent, since a task that returns is started again."""
        if SENT[0] >= REQUESTS:
            gevent.sleep(IDLE_SECONDS)
            return
        SENT[0] += 1
        sent_at, first_at = time.monotonic(), None
        for line in self._private_lines() if PRIVATE else self._lines():
            if line.startswith("data: {") and has_text(line[6:]):
                EVENTS[0] += 1
                if first_at is None:
                    first_at = time.monotonic()
                    TTFT.append(first_at - sent_at)
        DONE[0] += 1
        if DONE[0] == REQUESTS:
            gevent.spawn(self.environment.runner.quit)

    def _lines(self) -> Iterator[str]:
        yield from self.client.iter_lines(PATH, "POST", data=BODY, headers=HEADERS)

    def _private_lines(self) -> Iterator[str]:
        with self.client.post(PATH, data=BODY, headers=HEADERS, stream=True, catch_response=True) as response:
            while line := response._response.readline(b"\n"):
                yield line.decode()
            response.success()


def has_text(payload: str) -> bool:
    """True for an event with a piece of the answer."""
    choices = json.loads(payload)["choices"]
    return bool(choices and choices[0]["delta"].get("content"))


@events.quitting.add_listener
def write(**_: object) -> None:
    """Report when Locust quits."""
    OUT.write_text(json.dumps({"ttft": TTFT, "events": EVENTS[0]}))
