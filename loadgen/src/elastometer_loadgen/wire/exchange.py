"""One request in flight: its timestamps (monotonic seconds), its answer so far, and how it ended."""

import errno
import socket
from collections.abc import Mapping

from elastometer_loadgen.base.clock import Clock
from elastometer_loadgen.base.record import KEYS, MAX_ERROR_CHARACTERS, Outcome, Repeat, RequestRecord, format_instant
from elastometer_loadgen.base.turns import conversation_of, turn_of
from elastometer_loadgen.plan.prompts import Prompt
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.wire.answer import Answer
from elastometer_loadgen.wire.ending import Ending, classify
from elastometer_loadgen.wire.stated_error import stated_error

EVENT_STREAM = "text/event-stream"
# Errors that say that this machine ran out of something: the generator, not the server, was the limit.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})
MAX_ERROR_BODY_BYTES = 4096
NO_HEADERS: dict[bytes, bytes] = {}


class Exchange:
    """Filled in by the connection that carries it. It is settled once, and what arrives later is ignored."""

    __slots__ = (
        "address", "answer", "arrival", "attempt", "client_exhausted", "connect_at", "content_type", "encoding",
        "end_at", "error", "error_body", "first_attempt", "first_byte_at", "intended_at", "last_body_at", "outcome",
        "pod", "prompt", "received", "retry_headers", "send_at", "status",
    )

    def __init__(self, arrival: Arrival, prompt: Prompt, intended_at: float, send_at: float) -> None:
        self.arrival = arrival
        self.prompt = prompt
        self.intended_at = intended_at
        self.send_at = send_at
        self.connect_at: float | None = None
        self.first_byte_at: float | None = None
        self.last_body_at: float | None = None
        self.end_at: float | None = None
        self.status: int | None = None
        self.content_type: str | None = None
        self.encoding: str | None = None
        """How the body is compressed, though no request asks for that; None where it is not."""
        self.pod: str | None = None
        self.address: str | None = None
        self.received = 0
        """Bytes that were read from the connection for it."""
        self.retry_headers: dict[bytes, bytes] = NO_HEADERS
        """When the server wants the request again, if it said so."""
        self.answer = Answer(keeps_text=prompt.keeps_text)
        self.error_body = b""
        self.error: str | None = None
        self.outcome: Outcome | None = None
        self.client_exhausted = False
        self.attempt = 1
        self.first_attempt: Exchange | None = None

    def next_attempt(self, send_at: float) -> "Exchange":
        """The same request once more; this attempt is over."""
        other = Exchange(self.arrival, self.prompt, self.intended_at, send_at)
        other.attempt = self.attempt + 1
        other.first_attempt = self.first_attempt or self
        other.client_exhausted = self.client_exhausted
        return other

    def take_body(self, data: bytes, at: float) -> None:
        """Takes bytes of the response's body, read at this instant."""
        self.last_body_at = at
        is_stream = self.content_type is None or self.content_type.startswith(EVENT_STREAM)
        if self.status == 200 and is_stream and self.encoding is None:
            self.answer.feed(data, at)
        # An error, or something that is not a stream: its beginning becomes the record's `error`.
        elif len(self.error_body) < MAX_ERROR_BODY_BYTES:
            self.error_body += data[:MAX_ERROR_BODY_BYTES]

    def settle(self, ending: Ending, at: float, error: str | None = None) -> bool:
        """Sets the outcome; False when it was set before. An answer that was over by then ended when it was over."""
        if self.outcome is not None:
            return False
        self.answer.finish(at)
        if self.status is not None and self.error_body:
            error = self._body_text()
            if self.status == 200 and (stated := stated_error(self.error_body)) is not None:
                self.answer.fail(stated, at)
            elif self.status == 200:
                ending, error = Ending.MALFORMED, f"answer is {self.content_type}, not a stream: {error}"
        self.end_at = at if self.answer.over_at is None else self.answer.over_at
        self.outcome, self.error = classify(ending, self.status, self.answer, error)
        return True

    def _body_text(self) -> str:
        if self.encoding is not None:
            return f"its body is compressed by {self.encoding}, which no request asks for"
        return " ".join(self.error_body.decode("utf-8", "replace").split())

    def settle_unreachable(self, cause: OSError, at: float) -> bool:
        """Sets the outcome of a request whose connection could not be made."""
        # A gaierror's errno is a code of the resolver (EAI_...), which may equal one of these by accident.
        exhausted = cause.errno in EXHAUSTED and not isinstance(cause, socket.gaierror)
        self.client_exhausted |= exhausted
        prefix = "client out of resources: " if exhausted else ""
        return self.settle(Ending.UNREACHABLE, at, f"{prefix}{cause.strerror or cause}")

    def record(
        self, clock: Clock, worker: int, checks: Mapping[str, str | None] | None = None, repeat: Repeat | None = None,
        characters: int | None = None,
    ) -> RequestRecord:
        """The record of a settled exchange, with what the checks found in its answer and how long that was."""
        if self.outcome is None or self.end_at is None:
            raise RuntimeError(f"request {self.arrival.id} is still in flight")
        answer, first = self.answer, self.first_attempt
        instants = clock.instants((
            self.intended_at, self.send_at if first is None else first.send_at, self.connect_at, self.first_byte_at,
            answer.first_token_at, answer.last_token_at, self.end_at,
        ))
        number, prompt = self.arrival.id, self.prompt
        # By position, in the order of the record's fields: by name it would take twice as long.
        return RequestRecord._make((
            number, worker, self.arrival.stage, prompt.task, *instants, answer.chunks, answer.prompt_tokens,
            answer.completion_tokens, answer.finish_reason, self.status, self.outcome,
            None if self.error is None else self.error[:MAX_ERROR_CHARACTERS], self.pod, self.address,
            prompt.fingerprint, checks, self.attempt, None if first is None else first._as_first_attempt(clock),
            conversation_of(number) if prompt.further else None, turn_of(number) if prompt.further else None,
            answer.joint_chunks or None, prompt.input_characters, prompt.group, prompt.requested_tokens, self.received,
            repeat, characters,
        ))

    def _as_first_attempt(self, clock: Clock) -> dict[str, str | int | None]:
        """The first of several attempts, as part of the record."""
        ended = clock.instant(self.send_at if self.end_at is None else self.end_at)
        return {
            KEYS["outcome"]: None if self.outcome is None else self.outcome.value,
            KEYS["status"]: self.status,
            KEYS["error"]: None if self.error is None else self.error[:MAX_ERROR_CHARACTERS],
            KEYS["pod"]: self.pod,
            KEYS["address"]: self.address,
            KEYS["end"]: format_instant(ended),
        }
