"""What the checks found in the answers, as the report counts it. Numbers of intervals are Newcombe's method 3."""
from __future__ import annotations

from dataclasses import replace

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.requests.answers import answer_rows, failed_share
from elastometer.cli.base.summary import answer_lines
from elastometer.model.answers import AnswerRow, FailureRate
from elastometer.model.bundle import Bundle
from elastometer.model.estimates import Interval, Rate
from elastometer.model.prediction_basis import PredictionBasis
from elastometer.model.report import Report
from elastometer.model.request import RecordedRequest, request_from
from elastometer.model.request_table import table_of
from elastometer.model.terms import Terms, terms_from
from elastometer.render.files import render_all
from elastometer.render.json_report import plain
from elastometer.render.shapes import tiles
from elastometer.world.bundle_reader import load_bundle
from elastometer_loadgen.checks.rate import CheckTally
from support.synthetic.answers import write_answers

TASKS = {"spec": {"load": {"tasks": [{"name": "extract", "checks": [{"type": "JSONSchema"}, {"type": "Recall"}]}]}}}


def record(number: int, checks: dict[str, str | None] | None, stage: str = "calm", task: str = "extract",
           **more: object) -> RecordedRequest:
    found = request_from({
        "id": number, "stage": stage, "task": task, "intendedTime": f"2026-01-01T00:00:{number % 60:02d}Z",
        "outcome": "Success", "fingerprint": f"{number:04x}", "checks": checks, **more})
    assert found is not None
    return found


def rows(*records: RecordedRequest, terms: Terms | None = None) -> tuple[AnswerRow, ...]:
    return answer_rows(gather(Bundle(terms=terms or Terms(), requests=records)))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    found = load_bundle(write_answers(tmp_path_factory.mktemp("run")))
    assert sum(bool(one.checks) for one in found.requests) == 621, "a run whose answers nobody judged proves nothing"
    return found


@pytest.fixture(scope="module")
def report(bundle: Bundle) -> Report:
    return judge(bundle)


def test_a_row_has_what_was_judged_what_failed_and_how_sure_the_rate_is():
    broken = [record(number, {"JSONSchema": "NotJSON"}) for number in range(15)]
    whole = [record(number, {"JSONSchema": None}) for number in range(15, 148)]
    row, total = rows(*broken, *whole)
    assert (row.stage, row.task, row.check, row.judged, row.failed) == ("calm", "extract", "JSONSchema", 148, 15)
    assert row.rate == FailureRate(10.1351, 6.2386, 16.0487)
    assert row.failures == {"NotJSON": 15}
    assert (total.stage, total.task, total.judged, total.rate) == (None, None, 148, row.rate)


def test_an_answer_that_a_check_could_not_judge_is_in_no_rate():
    row, _ = rows(record(1, {"JSONSchema": None}), record(2, None), record(3, {"Crosstalk": None}))[:2]
    assert (row.check, row.requests, row.judged, row.failed) == ("JSONSchema", 3, 1, 0)


def test_an_answer_that_failed_several_checks_counts_once():
    table = table_of([record(1, {"JSONSchema": "NotJSON", "Repetition": "Repeats"}), record(2, {"JSONSchema": None}),
                      record(3, None)])
    assert failed_share(table) == Rate(1, 2, 50.0, Interval(9.4531, 90.5469))
    assert failed_share(table.head(0)) is None


def test_a_check_that_judged_nothing_has_no_data_rather_than_no_failures(report: Report):
    recall = [one for one in report.answers if one.check == "Recall"]
    assert [(one.stage, one.requests, one.judged, one.failed, one.rate) for one in recall] == [
        ("calm", 23, 0, None, None), ("climb", 427, 0, None, None), ("drop", 18, 0, None, None),
        (None, 468, 0, None, None)]
    files = {name: content.decode() for name, content in render_all(report).items()}
    assert "| `total` |  | `Recall` | NoData | – | – | 0 of 468 |" in files["report.md"]
    assert '<td>Recall<td class="n rate">NoData<td class="n">–<td class="n">–' in files["report.html"]
    assert 'value="NoData: none of 468 requests could be judged"' in files["junit.xml"]
    assert "  ? answers, Recall: NoData, no answer could be judged" in answer_lines(plain(report.answers))


def test_a_check_of_a_run_without_any_request_is_no_data():
    found = rows(terms=terms_from(TASKS))
    assert [(one.stage, one.check, one.requests, one.rate) for one in found] == [
        (None, "JSONSchema", 0, None), (None, "Recall", 0, None)]


def test_without_checks_there_is_nothing_about_answers_anywhere():
    report = judge(Bundle(terms=Terms(test="bare"), requests=(record(1, None),)))
    assert report.answers == ()
    assert (report.summary.judged_answer_count, report.summary.failed_answer_count) == (None, None)
    for name, content in render_all(report).items():
        assert name == "report.json" or b"nswers" not in content.split(b"<script>")[0].split(b"</style>")[-1], name


def test_stages_tasks_and_checks_keep_the_order_of_the_run(bundle: Bundle):
    found = answer_rows(gather(bundle))
    assert [(one.stage, one.task, one.check) for one in found[:4]] == [
        ("calm", "extract", "JSONSchema"), ("calm", "extract", "Crosstalk"), ("calm", "extract", "Recall"),
        ("calm", "poem", "MinimumTokens")]
    assert [one.stage for one in found if one.check == "MinimumTokens"] == ["calm", "climb", "drop", None]


def test_the_counts_and_rates_are_those_of_the_load_generator(bundle: Bundle):
    tally = CheckTally()
    for one in bundle.requests:
        tally.add(one.stage, one.task, one.checks)
    theirs = {(row["stage"], row["task"], row["check"]): row for row in tally.rows(with_rates=True)}
    mine = {(one.stage, one.task, one.check): one for one in answer_rows(gather(bundle)) if one.stage and one.judged}
    assert len(theirs) == 9
    assert set(mine) == set(theirs)
    for key, row in theirs.items():
        assert (mine[key].judged, mine[key].failed, mine[key].failures) == (
            row["judged"], row["failed"], row["failures"])
        assert mine[key].rate == FailureRate(*(round(100 * row["failureRate"][name], 4)
                                               for name in ("value", "low", "high")))


def test_a_model_that_invents_names_cannot_make_a_row_endless():
    found = rows(*(record(number, {"JSONSchema": f"WrongType:{'x' * number}"}) for number in range(50)),
                 record(50, {"JSONSchema": "WrongType:x"}))[0]
    assert (len(found.failures), found.other_failures, found.failed) == (6, 44, 51)
    assert found.failures["WrongType:x"] == 2


def test_examples_show_the_first_of_each_failure_before_more_of_the_same():
    many = [record(number, {"JSONSchema": "NotJSON"}) for number in range(5)]
    found = rows(*many, record(7, {"JSONSchema": "UnfinishedJSON"}), record(9, {"JSONSchema": None}))[0]
    assert [(one.request, one.failure, one.seconds) for one in found.examples] == [
        ("REQ-0000-0", "NotJSON", 0.0), ("REQ-0007-7", "UnfinishedJSON", 7.0), ("REQ-0001-1", "NotJSON", 1.0)]


def test_one_failed_answer_in_very_many_is_not_shown_as_zero():
    found = rows(*(record(number, {"JSONSchema": "NotJSON" if number == 0 else None}) for number in range(30_000)))
    report = replace(judge(Bundle(terms=Terms())), answers=found)
    assert "| 0.003 % | 0.0006 – 0.02 % | 1 | 30,000 |" in render_all(report)["report.md"].decode()


def test_a_record_of_an_earlier_version_was_judged_by_no_check():
    found = request_from({"id": 1, "intendedTime": "2026-01-01T00:00:00Z", "outcome": "Success"})
    assert found is not None
    assert (dict(found.checks), found.first_attempt, found.mark) == ({}, None, "REQ-unknown-1")


def test_a_prediction_says_nothing_of_answers():
    basis = PredictionBasis(tool="t", capacity="c", cold_starts="s", autoscaler="a", seed=1, draws=1, assumptions=())
    assert judge(Bundle(terms=terms_from(TASKS), predicted=basis)).answers == ()


def test_the_terminal_names_the_checks_that_failed_and_no_other(report: Report):
    lines = answer_lines(plain(report.answers))
    assert lines[0] == ("  ! answers, JSONSchema: 142 of 466 failed (30.47 %, 95 % interval 26.47 to 34.80 %): "
                        "UnfinishedJSON 57, MissingField:works 56, QuotedNumber:items[].price 29")
    assert len(lines) == 4
    assert answer_lines(plain(rows(record(1, {"JSONSchema": None})))) == []


def test_the_first_numbers_of_the_page_include_failed_answers(report: Report):
    (tile,) = (one for one in tiles(report) if one.name == "Not served")
    assert (tile.value, tile.note) == ("2", "of 623 requests; 180 of 621 answers failed a check")
    assert "| Answers that failed a check | 180 of 621 judged |" in render_all(report)["report.md"].decode()


def test_an_answer_is_counted_once_however_many_checks_it_failed():
    report = judge(Bundle(terms=Terms(), requests=(
        record(1, {"JSONSchema": "NotJSON", "Crosstalk": "OtherTask"}), record(2, {"JSONSchema": None}),
        record(3, None))))
    assert (report.summary.judged_answer_count, report.summary.failed_answer_count) == (2, 1)
