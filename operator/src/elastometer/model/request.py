"""One request as the load generator recorded it. Times are of the generator's clock, microseconds."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from elastometer.model.document import Document, document_at, documents_at, instant_at, number_at, text_at, whole_at
from elastometer.model.knee import KneeSeen, knee_from
from elastometer.model.units import Instant
from elastometer_loadgen.base.record import KEYS, REPEAT_KEYS, Outcome, Repeat

_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_QUARTERS = 4
# No number of a record is this large: columns hold 64 bits.
_LARGEST = 2**62
_NOTHING_JUDGED: Mapping[str, str | None] = {}


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A line of the load generator's `RequestRecord` as analysis needs it: the same fields by the same names, instants
    in nanoseconds as everywhere in the operator (there: microseconds), and of a first attempt its outcome, its status
    and its error.

    What is None was not observed; `intended` is when the schedule wanted the request sent, `send` when it was. `checks`
    is check -> what was wrong with the answer, or None; a check that could not judge is not in it. `first_attempt` is
    None when there was only one. `first_chunks` and the fields after it are None in records of earlier versions.
    """

    id: int
    worker: int
    stage: str
    task: str
    intended: Instant
    send: Instant | None
    connect: Instant | None
    first_byte: Instant | None
    first_token: Instant | None
    last_token: Instant | None
    end: Instant | None
    chunks: int
    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    status: int | None
    outcome: Outcome
    error: str | None
    pod: str | None
    address: str | None
    fingerprint: str | None = None
    checks: Mapping[str, str | None] = field(default_factory=lambda: _NOTHING_JUDGED)
    first_attempt: Outcome | None = None
    first_chunks: int | None = None
    input_characters: int | None = None
    group: str | None = None
    requested_tokens: int | None = None
    received: int | None = None
    repeat: Repeat | None = None
    output_characters: int | None = None
    first_status: int | None = None
    first_error: str | None = None

    @property
    def mark(self) -> str:
        """As the request is called in the load generator's own lines, and in the prompts that carry a mark; in those of
        a conversation's further turns its first one is."""
        return f"REQ-{self.fingerprint or 'unknown'}-{self.id}"


def request_from(line: Document) -> RecordedRequest | None:
    """The record, or None when it lacks what no record can lack: id, intended time and outcome."""
    number, intended = whole_at(line, KEYS["id"]), instant_at(line, KEYS["intended"])
    outcome = _OUTCOMES.get(text_at(line, KEYS["outcome"]) or "")
    if number is None or intended is None or outcome is None:
        return None
    return RecordedRequest(
        id=number, worker=whole_at(line, KEYS["worker"]) or 0,
        stage=text_at(line, KEYS["stage"]) or "", task=text_at(line, KEYS["task"]) or "",
        intended=intended, send=instant_at(line, KEYS["send"]), connect=instant_at(line, KEYS["connect"]),
        first_byte=instant_at(line, KEYS["first_byte"]), first_token=instant_at(line, KEYS["first_token"]),
        last_token=instant_at(line, KEYS["last_token"]), end=instant_at(line, KEYS["end"]),
        chunks=whole_at(line, KEYS["chunks"]) or 0, prompt_tokens=whole_at(line, KEYS["prompt_tokens"]),
        completion_tokens=whole_at(line, KEYS["completion_tokens"]),
        finish_reason=text_at(line, KEYS["finish_reason"]), status=whole_at(line, KEYS["status"]), outcome=outcome,
        error=text_at(line, KEYS["error"]), pod=text_at(line, KEYS["pod"]), address=text_at(line, KEYS["address"]),
        fingerprint=text_at(line, KEYS["fingerprint"]), checks=_checks(document_at(line, KEYS["checks"])),
        first_attempt=_OUTCOMES.get(text_at(line, KEYS["first_attempt"], KEYS["outcome"]) or ""),
        first_chunks=whole_at(line, KEYS["first_chunks"]),
        input_characters=whole_at(line, KEYS["input_characters"]), group=text_at(line, KEYS["group"]),
        requested_tokens=whole_at(line, KEYS["requested_tokens"]), received=whole_at(line, KEYS["received"]),
        repeat=repeat_from(document_at(line, KEYS["repeat"])),
        output_characters=whole_at(line, KEYS["output_characters"]),
        first_status=whole_at(line, KEYS["first_attempt"], KEYS["status"]),
        first_error=text_at(line, KEYS["first_attempt"], KEYS["error"]),
    )


def _checks(found: Document) -> Mapping[str, str | None]:
    """Most records have none and share one empty mapping: a run may have half a million of them."""
    return {name: what for name, what in found.items() if what is None or isinstance(what, str)} or _NOTHING_JUDGED


def repeat_from(found: Document) -> Repeat | None:
    """What a record says of repetition; None unless all of it is there, as numbers."""
    share, count = number_at(found, REPEAT_KEYS["share"]), whole_at(found, REPEAT_KEYS["ngram_count"])
    given = found.get(REPEAT_KEYS["quarters"])
    quarters = tuple(number_at({"": one}, "") for one in given) if isinstance(given, list) else ()
    known = tuple(one for one in quarters if one is not None)
    if share is None or count is None or abs(count) >= _LARGEST or len(quarters) != _QUARTERS or known != quarters:
        return None
    return Repeat(share, count, known)


@dataclass(frozen=True, slots=True)
class Interruption:
    """While a worker was away: from the end of its last request before, None when it had recorded nothing."""

    start: Instant | None
    end: Instant


@dataclass(frozen=True, slots=True)
class GeneratorSummary:
    """A worker's own account of itself at its end. `unsent` holds the `unsent_turns`, which a lost turn explains."""

    worker: int
    incarnation: str
    planned: int | None
    sent: int | None
    skipped: int | None
    records: int | None
    fell_behind: bool
    lateness_p99_milliseconds: float | None
    lateness_maximum_milliseconds: float | None
    bound_milliseconds: float | None
    cpu_share: float | None
    knees: tuple[KneeSeen, ...] = ()
    unsent: int | None = None
    unsent_turns: int | None = None
    capped_users: int | None = None
    interruptions: tuple[Interruption, ...] = ()


def generator_from(line: Document) -> GeneratorSummary:
    """A summary with whatever fields the worker gave."""
    lateness = document_at(line, "lateness")
    return GeneratorSummary(
        worker=whole_at(line, "worker") or 0, incarnation=text_at(line, "incarnation") or "",
        planned=whole_at(line, "planned"), sent=whole_at(line, "sent"), skipped=whole_at(line, "skipped"),
        records=whole_at(line, "records"), fell_behind=line.get("fellBehind") is True,
        lateness_p99_milliseconds=number_at(lateness, "p99Milliseconds"),
        lateness_maximum_milliseconds=number_at(lateness, "maximumMilliseconds"),
        bound_milliseconds=number_at(line, "boundMilliseconds"), cpu_share=number_at(line, "cpuShare"),
        knees=tuple(knee for item in documents_at(line, "knees") if (knee := knee_from(item)) is not None),
        unsent=whole_at(line, "unsent"), unsent_turns=whole_at(line, "unsentTurns"),
        capped_users=whole_at(line, "cappedUsers"),
        interruptions=tuple(_interruptions(documents_at(line, "interruptions"))),
    )


def _interruptions(found: Iterable[Document]) -> Iterator[Interruption]:
    for item in found:
        if (end := instant_at(item, "toTime")) is not None:
            yield Interruption(instant_at(item, "fromTime"), end)
