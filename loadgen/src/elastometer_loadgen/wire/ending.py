"""How the exchange of one request ended, and the outcome that follows from it. Pure."""

from enum import Enum

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.rejection import TOO_MANY
from elastometer_loadgen.wire.answer import Answer

# What an error is taken for whose status the server does not give.
UNSTATED = 500
# Finish reasons that say that the server broke off, in lower case: of OpenRouter and Mistral, of GLM, of DeepSeek, of
# TensorRT-LLM.
BROKEN = frozenset({"error", "network_error", "insufficient_system_resource", "timeout"})
ABORTED = frozenset({"abort", "aborted", "cancelled", "canceled"})


class Ending(Enum):
    """How the exchange of bytes ended, whatever they contain."""

    COMPLETE = "the answer's last byte arrived"
    LEFT_OPEN = "the answer was over, and its body was not ended"
    UNREACHABLE = "no connection"
    LOST = "the connection broke"
    STALLED = "silent for too long"
    TIMED_OUT = "took too long"
    MALFORMED = "not HTTP"


def classify(
    ending: Ending, status: int | None, answer: Answer, error: str | None
) -> tuple[Outcome, str | None]:
    """The outcome of a request and a text for its error, from how it ended and what had arrived by then."""
    # From the outside in: without a status nothing was answered, and an error status says more than how its body ended.
    if status is None:
        return _without_status(ending), error or ending.value
    if status >= 400:
        return _of_error(status), error or f"status {status}"
    if status != 200 or (ending is Ending.MALFORMED and answer.over_at is None):
        return Outcome.MALFORMED, error or answer.malformed or f"status {status} is not an answer"
    if answer.malformed is not None:
        return Outcome.MALFORMED, answer.malformed
    if answer.error is not None:
        return _of_error(answer.error.status or UNSTATED), answer.error.text
    reason = (answer.finish_reason or "").lower()
    if reason in ABORTED or reason in BROKEN:
        return Outcome.ABORTED if reason in ABORTED else Outcome.SERVER_ERROR, f"finish reason {answer.finish_reason}"
    return _of_stream(ending, answer, error)


def _of_error(status: int) -> Outcome:
    """A 429 asks the client for less, which is neither its mistake nor the server's failure."""
    if status == TOO_MANY:
        return Outcome.THROTTLED
    return Outcome.SERVER_ERROR if status >= 500 else Outcome.CLIENT_ERROR


def _without_status(ending: Ending) -> Outcome:
    match ending:
        case Ending.UNREACHABLE:
            return Outcome.REFUSED
        case Ending.STALLED:
            return Outcome.STALLED
        case Ending.TIMED_OUT:
            return Outcome.TIMED_OUT
        case Ending.MALFORMED:
            return Outcome.MALFORMED
        case _:
            return Outcome.RESET_BEFORE_ANSWER


def _of_stream(ending: Ending, answer: Answer, error: str | None) -> tuple[Outcome, str | None]:
    # A stream that said [DONE] is complete, even if the connection broke right after it.
    if answer.done and (answer.chunks or answer.finish_reason):
        return Outcome.SUCCESS, None
    if answer.done:
        return Outcome.MALFORMED, "the stream ended without any text or finish reason"
    if ending is Ending.TIMED_OUT:
        return Outcome.TIMED_OUT, error
    if ending is Ending.STALLED:
        return Outcome.STALLED, error
    how = "".join(f": {words}" for words in (error, answer.stray) if words)
    return Outcome.TRUNCATED, f"stream ended after {answer.chunks} chunks without [DONE]{how}"
