"""What each request says, drawn from the seed and the request's number alone.

So request 17 asks the same in every run with the same seed, however many workers share the schedule and
however often one of them was restarted. The draw is a hash, not a stream: no request's prompt depends on
another's.
"""

import struct
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Any

import orjson

from elastometer_loadgen.profile import Profile
from elastometer_loadgen.task import Endpoint, Message, Span, Task
from elastometer_loadgen.template import render

PATHS = {Endpoint.CHAT_COMPLETIONS: "/v1/chat/completions", Endpoint.COMPLETIONS: "/v1/completions"}
DRAWS = struct.Struct("<6QH")
RANGE = 2**64
SAMPLING_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request ready to be sent. `fingerprint` is 4 hex digits from the seed and the number."""

    task: str
    fingerprint: str
    body: bytes


class PromptSource:
    """Makes the body of any request of a profile; texts are rendered once per task and row."""

    def __init__(self, profile: Profile, model: str | None = None) -> None:
        self._seed = profile.seed
        self._model = model or profile.model
        self._tasks = profile.tasks
        self._weights = tuple(accumulate(task.weight for task in profile.tasks))
        self._questions = tuple(_questions(task, profile.endpoint) for task in profile.tasks)

    def task_of(self, request_id: int) -> str:
        """The name of the task that a request belongs to."""
        return self._tasks[self._task_index(self._draws(request_id)[0])].name

    def prompt(self, request_id: int) -> Prompt:
        """The request with this number."""
        draws = self._draws(request_id)
        index = self._task_index(draws[0])
        task, questions = self._tasks[index], self._questions[index]
        body: dict[str, Any] = {"model": self._model} if self._model is not None else {}
        body |= questions[draws[1] * len(questions) // RANGE]
        body["max_tokens"] = _integer(task.maximum_tokens, draws[2])
        for name, span, draw in (
            ("temperature", task.temperature, draws[3]),
            ("top_p", task.top_p, draws[4]),
            ("repetition_penalty", task.repetition_penalty, draws[5]),
        ):
            if span is not None:
                body[name] = _decimal(span, draw)
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
        return Prompt(task.name, f"{draws[6]:04x}", orjson.dumps(body))

    def _draws(self, request_id: int) -> tuple[int, ...]:
        digest = blake2b(f"{self._seed}/requests/{request_id}".encode(), digest_size=DRAWS.size).digest()
        return DRAWS.unpack(digest)

    def _task_index(self, draw: int) -> int:
        return bisect_right(self._weights, draw * self._weights[-1] // RANGE)


def _questions(task: Task, endpoint: Endpoint) -> tuple[dict[str, Any], ...]:
    rows = task.dataset or ({},)
    if endpoint is Endpoint.COMPLETIONS:
        return tuple({"prompt": render(task.messages[0].content, row)} for row in rows)
    return tuple({"messages": [_turn(message, row) for message in task.messages]} for row in rows)


def _turn(message: Message, row: Mapping[str, str]) -> dict[str, str]:
    return {"role": message.role.value, "content": render(message.content, row)}


def _integer(span: Span, draw: int) -> int:
    return int(span.low) + draw * (int(span.high) - int(span.low) + 1) // RANGE


def _decimal(span: Span, draw: int) -> float:
    return round(float(span.low + (span.high - span.low) * draw / RANGE), SAMPLING_DECIMALS)
