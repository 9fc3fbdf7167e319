"""Findings from levels, inputs and errors: each in a world in which it fires, and in one like it where it must not."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest

from elastometer.analysis.analyze import judge_run
from elastometer.analysis.findings.errors import of_stages
from elastometer.model.findings import FindingName
from elastometer.model.in_short import Question
from elastometer.model.report import Finding, Report
from elastometer.model.request import RecordedRequest
from elastometer.model.resources_used import WindowKind
from elastometer.model.saturation import SaturationRow
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.stages.stage import StageType
from support.levels import Level, Takes, lost, run_of

Change = Callable[[int, RecordedRequest], RecordedRequest]


def level(of: Change = lambda _, one: one, *, takes: Takes = lambda *_: 2.0, seconds: float = 300.0,
          **window: object) -> Level:
    """Four in flight, 2 s each: 600 requests in 300 s."""
    return Level("level", 4, 0.0, seconds, takes, of, window)


def report_on(*levels: Level, bounds: Sequence[int] = ()) -> Report:
    run = run_of(levels)
    terms = replace(run.evidence.terms, input_character_bounds=tuple(bounds))
    return judge_run(replace(run, evidence=replace(run.evidence, terms=terms)))


def found(report: Report, name: FindingName) -> Finding | None:
    return next((one for one in report.findings if one.name is name), None)


def failing(*numbers: int, status: int = 500, again: bool = False) -> Change:
    def of(number: int, one: RecordedRequest) -> RecordedRequest:
        if number not in numbers:
            return one
        if again:
            return replace(one, first_attempt=Outcome.SERVER_ERROR, first_status=status)
        return lost(one, Outcome.SERVER_ERROR, status)
    return of


def test_three_errors_at_the_begin_are_found_with_their_chance_and_what_a_retry_brought() -> None:
    finding = found(report_on(level(failing(0, 5, 25, again=True))), FindingName.ERRORS_AT_START)
    assert finding is not None
    assert "'level': 3 of 3 failed requests (ServerError 500) were due in its first 15 s" in finding.evidence
    assert "a second attempt served 3 of them" in finding.evidence
    assert "`load.retries` hides it" in finding.advice


@pytest.mark.parametrize("numbers", [(100, 300, 500), (0,), (0, 200, 400, 599)])
def test_as_many_errors_spread_over_the_stage_are_not_at_its_begin(numbers: tuple[int, ...]) -> None:
    report = report_on(level(failing(*numbers)))
    assert len(report.errors_in_time) == 1
    assert found(report, FindingName.ERRORS_AT_START) is None


def test_a_short_stage_whose_first_requests_fail_is_found_although_15_s_are_half_of_it() -> None:
    finding = found(report_on(level(failing(0, 1, 2), seconds=30.0)), FindingName.ERRORS_AT_START)
    assert finding is not None
    assert found(report_on(level(failing(0, 20, 27), seconds=30.0)), FindingName.ERRORS_AT_START) is None


def test_an_outage_that_begins_with_the_stage_is_no_cold_start() -> None:
    """Everything fails until +15 s, against 8 of the first 16."""
    report = report_on(level(failing(*range(30))))
    assert sum(kind.count for kind in report.errors_in_time) == 30
    assert found(report, FindingName.ERRORS_AT_START) is None
    assert found(report_on(level(failing(*range(0, 16, 2)))), FindingName.ERRORS_AT_START) is not None


def test_servers_that_turn_requests_away_are_overloaded() -> None:
    """A tenth of 600, by 503."""
    finding = found(report_on(level(failing(*range(5, 600, 10), status=503))), FindingName.OVERLOADED)
    assert finding is not None
    assert "'level': 60 of 600 (7.85 % to 12.66 %)" in finding.evidence
    assert "No resource was full by what was recorded" in finding.advice


def test_what_was_full_in_a_stage_is_not_taken_from_one_whose_name_begins_alike() -> None:
    rows = [SaturationRow(name, WindowKind.STAGE, 30.0, (), None)
            for name in ("level-1", "level-10", "climb 50", "climb")]
    assert [row.name for row in of_stages(rows, ["level-1", "climb"])] == ["level-1", "climb 50", "climb"]


@pytest.mark.parametrize("change", [failing(*range(5, 600, 10), status=500), failing(*range(5, 600, 80), status=503)])
def test_other_errors_and_a_few_rejections_are_no_overload(change: Change) -> None:
    report = report_on(level(change))
    assert report.errors_in_time
    assert found(report, FindingName.OVERLOADED) is None


def lengths(worse: Change = lambda _, one: one, seed: int = 1) -> Level:
    """Messages of 1 to 120 characters, with noise of 5 % in what they take."""
    draw = Random(seed)
    sizes, noise = [draw.randint(1, 120) for _ in range(900)], [draw.uniform(1.9, 2.1) for _ in range(900)]

    def of(number: int, one: RecordedRequest) -> RecordedRequest:
        return worse(number, replace(one, input_characters=sizes[number]))
    return Level("lengths", 4, 0.0, 300.0, lambda number, _: noise[number], of)


def later(number: int, one: RecordedRequest) -> RecordedRequest:
    """A second more beyond 60 characters."""
    return replace(one, end=(one.end or 0) + 10**9) if (one.input_characters or 0) > 60 else one


def worse_answers(number: int, one: RecordedRequest) -> RecordedRequest:
    bad = (one.input_characters or 0) > 60 and number % 3 == 0
    return replace(one, checks={"Label": "NoLabel" if bad else None})


def timing_out(number: int, one: RecordedRequest) -> RecordedRequest:
    return lost(one, Outcome.TIMED_OUT, None) if (one.input_characters or 0) > 60 and number % 2 else one


@pytest.mark.parametrize(("change", "words"), [
    (later, "lengths leads to expect"), (worse_answers, "answers fail a check"), (timing_out, "of them timed out")])
def test_the_length_from_which_requests_are_slow_or_worse_or_lost_is_named(change: Change, words: str) -> None:
    finding = found(report_on(lengths(change), bounds=(15, 30, 45, 60, 90)), FindingName.INPUT_TOO_LONG)
    assert finding is not None
    assert "from 61 characters on (up to 60 all is well)" in finding.evidence
    assert words in finding.evidence


def of_another_task(number: int, one: RecordedRequest) -> RecordedRequest:
    """A third of the answers beyond 60 characters, by chance, have the form of another task's."""
    bad = (one.input_characters or 0) > 60 and number % 3 == 0
    return replace(one, checks={"Label": "UnknownLabel" if bad else None, "Crosstalk": "OtherTask" if bad else None})


def one_bad_text(_: int, one: RecordedRequest) -> RecordedRequest:
    """Of the texts beyond 90 characters, the same one is answered wrongly each time."""
    size = {True: 100 if (one.input_characters or 0) % 2 else 110}.get((one.input_characters or 0) > 90)
    return replace(one, input_characters=size or one.input_characters,
                   checks={"Label": "NoLabel" if size == 100 else None})


@pytest.mark.parametrize("change", [of_another_task, one_bad_text])
def test_answers_that_are_not_their_own_and_a_single_bad_text_say_nothing_of_the_length(change: Change) -> None:
    report = report_on(lengths(change), bounds=(15, 30, 45, 60, 90))
    assert any(row.failed_checks is not None and row.failed_checks.hits > 20 for row in report.by_input)
    assert found(report, FindingName.INPUT_TOO_LONG) is None


@pytest.mark.parametrize("seed", range(3))
def test_lengths_that_are_served_alike_are_none_too_long(seed: int) -> None:
    report = report_on(lengths(seed=seed), bounds=(15, 30, 45, 60, 90))
    assert len(report.by_input) == 6
    assert found(report, FindingName.INPUT_TOO_LONG) is None


def test_in_short_answers_what_was_lost_and_when() -> None:
    report = report_on(level(failing(0, 5, 25, again=True)))
    (errors,) = [one for one in report.in_short if one.question is Question.ERRORS]
    assert errors.text == ("0 of 600 requests were lost, 0 % (0 to 0.64 %); of 3 failed first attempts 3 were due in "
                           "the first 15 s of a stage; a second attempt served 3")
    (none,) = [one for one in report_on(level()).in_short if one.question is Question.ERRORS]
    assert none.text == "None of 600 requests was lost, so that the share is at most 0.64 %"


@pytest.mark.parametrize(("every", "said"), [
    (1, "600 of 600 requests were lost, 100 % (99.4 to 100 %)"),
    (4, "150 of 600 requests were lost, 25 % (21.7 to 28.6 %)"),
    (600, "1 of 600 requests was lost, 0.17 % (0.029 to 0.94 %)")])
def test_in_short_states_any_share_that_was_lost_in_plain_digits(every: int, said: str) -> None:
    report = report_on(level(failing(*range(0, 600, every))))
    (errors,) = [one for one in report.in_short if one.question is Question.ERRORS]
    assert errors.text.startswith(f"{said}; of ")


def test_in_short_claims_no_effect_of_the_input_within_noise_and_no_digits_beyond_it() -> None:
    draw = Random(3)
    takes, sizes = [draw.uniform(1.0, 3.0) for _ in range(900)], [draw.randint(1, 40) for _ in range(900)]
    noisy = Level("lengths", 4, 0.0, 300.0, lambda number, _: takes[number],
                  lambda number, one: replace(one, input_characters=sizes[number]))
    (said,) = [one for one in report_on(noisy, bounds=(15, 30)).in_short if one.question is Question.INPUT_LENGTH]
    assert said.text.startswith("The latency in 'lengths' shows no effect of the length of the input beyond noise (")
    assert "." not in said.text


def test_in_short_says_how_response_times_change_and_that_no_limit_is_known_without_objectives() -> None:
    report = report_on(Level("a", 2, 0.0, 60.0, lambda *_: 1.0), Level("b", 8, 60.0, 120.0, lambda *_: 2.0))
    found_in = {one.question: one for one in report.in_short}
    assert found_in[Question.RESPONSE_TIMES].text == (
        "From 2 to 8 in flight, P50 of the latency goes from 1.00 s (1.00 s to 1.00 s) to 2.00 s (2.00 s to 2.00 s), "
        "and the rate from 2.0 ± 0.0 to 4.0 ± 0.0 requests/s")
    assert found_in[Question.LIMIT].missing == "an objective on requests that holds for every stage"


def test_in_short_compares_no_levels_with_other_tasks() -> None:
    levels = [Level("long", 1, 0.0, 60.0, lambda *_: 9.0, window={"tasks": ("article",)}),
              *(Level(f"l{size}", size, 60.0 * size, 60.0 * size + 60.0, lambda *_: 2.0, window={"tasks": ("sized",)})
                for size in (2, 4))]
    (times,) = [one for one in report_on(*levels).in_short if one.question is Question.RESPONSE_TIMES]
    assert times.text.startswith("From 2 to 4 in flight, P50 of the latency goes from 2.00 s")


def test_a_run_without_levels_asks_nothing_of_them() -> None:
    report = report_on(Level("a", 2, 0.0, 60.0, lambda *_: 1.0, window={"type": StageType.RATE}))
    assert {one.question for one in report.in_short} & {Question.LIMIT, Question.RESPONSE_TIMES} == set()
