"""Whatever was found in the answers, the tables account for each of them exactly once."""
from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from elastometer.analysis.requests.answer_ends import answer_end_rows
from elastometer.analysis.requests.isolation import isolation_rows
from elastometer.analysis.requests.recall import recall_of
from elastometer.analysis.requests.structured import ASPECTS, structured_rows
from elastometer.model.answer_tables import Aspect
from elastometer.model.request import RecordedRequest
from support.answered import answered, conversation, evidence_of, recall_task

CHAT = {"name": "chat", "prompt": "{{ canary }} Hello", "checks": [{"type": "Crosstalk"}, {"type": "JSONSchema"}]}
POEM = {"name": "poem", "prompt": "Write."}
VERDICTS = (None, "OtherTask", "ForeignCanary", "UnknownCanary")
STAGES = st.sampled_from(["calm", "busy", "late"])


@st.composite
def requests(draw: st.DrawFn) -> list[RecordedRequest]:
    """Some answers of two tasks in three stages, each with its findings, its end and its tokens."""
    found = []
    for number in range(draw(st.integers(1, 25))):
        checks: dict[str, str | None] = {}
        if draw(st.booleans()):
            checks["Crosstalk"] = draw(st.sampled_from(VERDICTS))
        if draw(st.booleans()):
            checks["JSONSchema"] = draw(st.none() | st.sampled_from([*ASPECTS, "MissingField:name", "Later:name"]))
        more = {"finishReason": draw(st.sampled_from(["stop", "length", "abort", None])),
                "outcome": draw(st.sampled_from(["Success", "Success", "Aborted", "Truncated", "TimedOut"])),
                "requestedTokens": draw(st.none() | st.integers(1, 100)),
                "completionTokens": draw(st.none() | st.integers(0, 100))}
        found.append(answered(number, checks or None, stage=draw(STAGES), task=draw(st.sampled_from(["chat", "poem"])),
                              **more))
    return found


@settings(max_examples=60, deadline=None)
@given(requests())
def test_every_whole_answer_is_somebodys_or_not_attributed(drawn: list[RecordedRequest]) -> None:
    rows = isolation_rows(evidence_of(drawn, CHAT, POEM), ())
    for row in rows:
        attributed = row.answers - row.unattributed
        assert 0 <= row.own <= attributed <= row.answers
        if row.other_task is not None and row.foreign_mark is not None:
            assert row.own + row.other_task.hits + row.foreign_mark.hits == attributed
            assert row.other_task.count == row.foreign_mark.count == attributed
        assert {"otherTask": row.other_task, "foreignMark": row.foreign_mark}.keys() >= set(row.missing)
    if len(rows) > 1:
        assert rows[-1].level is None
        assert rows[-1].answers == sum(row.answers for row in rows[:-1])


@settings(max_examples=60, deadline=None)
@given(requests())
def test_every_answer_was_ended_by_one(drawn: list[RecordedRequest]) -> None:
    rows = answer_end_rows(evidence_of(drawn, CHAT, POEM))
    for row in rows:
        assert sum(row.ended_by.values()) == row.answers
        assert sum(row.early_by.values()) == (0 if row.early is None else row.early.hits)
        assert all(row.early_by[who] <= row.ended_by[who] for who in row.early_by)
        assert (row.made is None) == ("made" in row.missing)
    known = sum(one.outcome.value != "TimedOut" for one in drawn)
    assert sum(row.answers for row in rows) <= known


@settings(max_examples=60, deadline=None)
@given(requests())
def test_a_structured_answer_is_right_or_wrong_in_one_aspect(drawn: list[RecordedRequest]) -> None:
    for row in structured_rows(evidence_of(drawn, CHAT, POEM), ()):
        assert row.whole is not None
        wrong = {aspect: 0 if found is None else found.count - found.hits for aspect, found in row.aspects.items()}
        later = row.failures.get("Later:name", 0)
        if not row.other_failures:
            assert sum(wrong.values()) + later == row.whole.count - row.whole.hits
        syntax = row.aspects[Aspect.SYNTAX]
        assert syntax is not None
        assert all(found is None or found.count == syntax.hits for aspect, found in row.aspects.items()
                   if aspect is not Aspect.SYNTAX)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 5)), min_size=1, max_size=4, unique_by=lambda one: one[0]))
def test_forgetting_begins_where_every_longer_distance_is_below_its_bound(cases: list[tuple[int, int]]) -> None:
    drawn = [request for distance, kept in cases for number in range(5)
             for request in conversation(10 * distance + number, distance, forgotten=number >= kept)]
    found = recall_of(evidence_of(drawn, *(recall_task(distance) for distance, _ in cases)))
    assert found is not None
    lost = {distance: 20 * kept < 90 for distance, kept in cases}
    begin = None if found.forgets is None else found.forgets.turns
    assert all(lost[distance] for distance in lost if begin is not None and distance >= begin)
    before = [distance for distance in lost if begin is None or distance < begin]
    assert not before or not lost[max(before)]
