"""The requests of a recorded run as arrivals: when each was due, and its tokens."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.errors import SpecError
from elastometer.model.request import RecordedRequest
from elastometer.model.units import SECOND
from elastometer.twin.scenario import Arrival
from elastometer_loadgen.base.record import Outcome


def recorded_arrivals(evidence: Evidence) -> tuple[tuple[Arrival, ...], list[str]]:
    """(every request at its intended time, notes). A request that failed reported no tokens and gets the median of its
    stage. Raises SpecError if there is none to replay, or none that reports its tokens."""
    if not evidence.requests:
        raise SpecError("requests: the run must have request records, which are the load to replay; it has none")
    stages = {stage.name: number for number, stage in enumerate(evidence.terms.stages)}
    by_stage: dict[str, list[RecordedRequest]] = defaultdict(list)
    for record in evidence.requests:
        by_stage[record.stage].append(record)
    usual = {stage: _usual(records, evidence.requests) for stage, records in by_stage.items()}
    guessed = sum(not _has_tokens(record) for record in evidence.requests)
    notes = [f"{guessed} of {len(evidence.requests)} requests reported no tokens; they are given the medians of their "
             "stage"] if guessed else []
    return tuple(
        Arrival((record.intended - evidence.origin) / SECOND,
                usual[record.stage][0] if record.prompt_tokens is None else record.prompt_tokens,
                record.completion_tokens if _has_tokens(record) and record.completion_tokens
                else usual[record.stage][1],
                stages.get(record.stage, 0), record.task, _is_judged(record, evidence))
        for record in evidence.requests
    ), notes


def _is_judged(record: RecordedRequest, evidence: Evidence) -> bool:
    return not any(one.stage == record.stage and one.start <= record.intended < one.end for one in evidence.warm_ups)


def _has_tokens(record: RecordedRequest) -> bool:
    """Whether the server reported the output tokens of the whole answer; a request that was cut off had fewer."""
    return record.completion_tokens is not None and record.outcome is Outcome.SUCCESS


def _usual(records: Sequence[RecordedRequest], every: Sequence[RecordedRequest]) -> tuple[int, int]:
    known = [record for record in records if _has_tokens(record)] or [
        record for record in every if _has_tokens(record)]
    if not known:
        raise SpecError("requests: at least one must report its tokens (usage in the last chunk), none does")
    return (round(median(record.prompt_tokens or 0 for record in known)),
            round(median(record.completion_tokens or 1 for record in known)))
