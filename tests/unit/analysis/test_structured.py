"""Structured answers: what was wrong with them, by aspect and field, and how many it takes to show an objective."""
from __future__ import annotations

import pytest

from elastometer.analysis.requests.latency import load_rows
from elastometer.analysis.requests.structured import ASPECTS, structured_rows
from elastometer.model.answer_tables import Aspect, StructuredRow
from elastometer.model.request import RecordedRequest
from elastometer.statistics.rates import answers_needed, rate
from elastometer_loadgen.checks.check import Failure
from elastometer_loadgen.checks.rate import wilson_interval
from support.answered import answered, evidence_of

TASK = {"name": "chat", "prompt": "…", "checks": [{"type": "JSONSchema"}]}
OBJECTIVE = {"name": "json", "indicator": "AnswerCheck", "checkType": "JSONSchema", "minimumPercent": 95}
# 100 answers as the document on the limits of a small model has them: 97 valid, of these 2 names, 1 array, 1 type.
HUNDRED = ["NotJSON"] * 2 + ["UnfinishedJSON"] + ["FieldCase:name"] * 2 + ["StringForArray:skills", "QuotedNumber:age"]


def judged(failures: list[str], of: int = 100, check: str = "JSONSchema", **more: object) -> list[RecordedRequest]:
    found: list[str | None] = [*failures, *[None] * (of - len(failures))]
    return [answered(number, {check: failure}, **more) for number, failure in enumerate(found)]  # type: ignore[arg-type]


def rows(requests: list[RecordedRequest], *objectives: dict[str, object]) -> tuple[StructuredRow, ...]:
    evidence = evidence_of(requests, TASK, objectives=objectives)
    return structured_rows(evidence, load_rows(evidence))


def shares(row: StructuredRow) -> dict[str, str]:
    return {aspect.value: "–" if found is None else f"{found.hits} of {found.count}"
            for aspect, found in row.aspects.items()}


def test_each_aspect_has_its_share_of_the_answers_in_which_it_can_be_seen():
    (row,) = rows(judged(HUNDRED))
    assert shares(row) == {"Syntax": "97 of 100", "Fields": "97 of 97", "Names": "95 of 97", "Arrays": "96 of 97",
                           "Types": "96 of 97", "Values": "97 of 97"}
    assert row.whole == rate(93, 100)
    assert row.failures == {"FieldCase:name": 2, "NotJSON": 2, "QuotedNumber:age": 1, "StringForArray:skills": 1,
                            "UnfinishedJSON": 1}


def test_a_check_of_json_alone_knows_no_fields():
    (row,) = rows(judged(["NotJSON"], check="JSON"))
    assert shares(row) == {"Syntax": "99 of 100", "Fields": "–", "Names": "–", "Arrays": "–", "Types": "–",
                           "Values": "–"}
    assert row.missing["aspects"] == "the check JSON knows no fields; JSONSchema does"


def test_without_a_document_its_fields_have_no_share():
    (row,) = rows(judged(["NotJSON"] * 3, of=3))
    assert shares(row)["Syntax"] == "0 of 3"
    assert shares(row)["Fields"] == "–"


def test_alone_stands_before_under_load_and_both_together_last():
    alone = [answered(number, {"JSONSchema": None}, stage="json-alone", at=2 * number) for number in range(10)]
    busy = [answered(100 + number, {"JSONSchema": "NotJSON" if number < 3 else None}, stage="json-busy",
                     at=30 + number / 10, lasts=5) for number in range(10)]
    found = rows([*busy, *alone])
    assert [(row.stage, row.whole and row.whole.hits, row.judged) for row in found] == [
        ("json-alone", 10, 10), ("json-busy", 7, 10), (None, 17, 20)]


def test_97_of_100_do_not_show_95_percent_and_457_would():
    (row,) = rows(judged(["NotJSON"] * 3), OBJECTIVE)
    assert row.whole is not None
    assert (row.whole.interval.low, row.whole.interval.high) == (91.5481, 98.9745)
    assert (row.bound_percent, row.bound_is_shown, row.answers_needed) == (95.0, False, 457)
    (row,) = rows(judged(["NotJSON"] * 30, of=1000), OBJECTIVE)
    assert row.bound_is_shown is True


def test_a_share_below_its_bound_is_never_shown():
    (row,) = rows(judged(["NotJSON"] * 6), OBJECTIVE)
    assert (row.bound_is_shown, row.answers_needed) == (False, None)


@pytest.mark.parametrize("other", [{"taskName": "poem"}, {"stageName": "soak"}, {"checkType": "JSON"}])
def test_an_objective_on_other_answers_sets_no_bound(other: dict[str, str]):
    (row,) = rows(judged([]), {**OBJECTIVE, **other})
    assert (row.bound_percent, row.bound_is_shown, row.answers_needed) == (None, None, None)


def test_answers_that_no_check_of_json_judged_have_no_rows():
    assert rows([answered(1, {"Label": None}), answered(2)]) == ()


def test_a_failure_that_only_a_later_version_knows_is_in_no_aspect_and_still_counts():
    (row,) = rows(judged(["Sideways:name"], of=2))
    assert (row.whole and row.whole.hits, shares(row)["Syntax"]) == (1, "2 of 2")


def test_every_failure_of_the_checks_of_json_belongs_to_an_aspect():
    names = list(Failure)
    first, last = names.index(Failure.UNFINISHED_JSON), names.index(Failure.WRONG_VALUE)
    assert set(ASPECTS) == set(names[first:last + 1])
    assert set(ASPECTS.values()) == set(Aspect)


@pytest.mark.parametrize(("percent", "bound"), [(97.0, 95.0), (100.0, 95.0), (99.0, 98.0), (60.0, 50.0), (100.0, 99.9)])
def test_so_many_answers_show_a_bound_and_fewer_do_not(percent: float, bound: float):
    count = answers_needed(percent, bound)
    assert count is not None
    # A share of so many answers need not be whole: the interval's formula takes it as it is.
    assert wilson_interval(percent / 100 * count, count)[0] >= bound / 100 - 1e-12  # type: ignore[arg-type]
    assert wilson_interval(percent / 100 * (count - 1), count - 1)[0] < bound / 100  # type: ignore[arg-type]


@pytest.mark.parametrize(("percent", "bound"), [(95.0, 95.0), (94.0, 95.0), (100.0, 100.0)])
def test_no_number_of_answers_shows_a_bound_that_is_not_exceeded(percent: float, bound: float):
    assert answers_needed(percent, bound) is None
