"""How the exchange of one request ended, and the outcome that follows from it. Pure."""

from enum import Enum

from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.wire.answer import Answer


class Ending(Enum):
    """How the exchange of bytes ended, whatever they contain."""

    COMPLETE = "the answer's last byte arrived"
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
        return (Outcome.SERVER_ERROR if status >= 500 else Outcome.CLIENT_ERROR), error or f"status {status}"
    if ending is Ending.MALFORMED or status != 200:
        return Outcome.MALFORMED, error or answer.malformed or f"status {status} is not an answer"
    if answer.malformed is not None:
        return Outcome.MALFORMED, answer.malformed
    if answer.error is not None:
        return Outcome.SERVER_ERROR, answer.error
    if answer.finish_reason == "abort":
        return Outcome.ABORTED, "finish reason abort"
    return _of_stream(ending, answer, error)


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
    how = f": {error}" if error else ""
    return Outcome.TRUNCATED, f"stream ended after {answer.chunks} chunks without [DONE]{how}"
