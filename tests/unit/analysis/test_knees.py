"""Knee searches next to the replicas that were Ready meanwhile."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from elastometer.analysis.analyze import judge
from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.requests.knees import knees
from elastometer.model.bundle import Bundle
from elastometer.model.knee import Knee, KneeEnding, KneeSeen, knee_from
from elastometer.model.observation import WatchGap
from elastometer.model.report import Report
from elastometer.model.units import SECOND
from elastometer.render.charts import chart_data
from elastometer.render.files import render_all
from elastometer.render.wording.knees import result, sentence
from elastometer.world.bundle_reader import load_bundle
from support.synthetic.answers import write_answers


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    found = load_bundle(write_answers(tmp_path_factory.mktemp("run")))
    assert [len(one.knees) for one in found.generators] == [1], "a run without a knee search proves nothing"
    return found


@pytest.fixture(scope="module")
def report(bundle: Bundle) -> Report:
    return judge(bundle)


@pytest.fixture
def knee(report: Report) -> Knee:
    (found,) = report.knees
    return found


def with_knees(bundle: Bundle, *knees: KneeSeen) -> Bundle:
    return replace(bundle, generators=(replace(bundle.generators[0], knees=knees),))


def test_each_step_has_the_fewest_and_the_most_ready_replicas_seen_within_it(knee: Knee):
    assert [(one.value, one.start_seconds, one.end_seconds, one.ready_minimum, one.ready_maximum)
            for one in knee.steps] == [(2, 30.0, 60.0, 1, 1), (4, 60.0, 90.0, 1, 3), (6, 90.0, 120.0, 3, 4)]
    assert knee.soak is not None
    assert (knee.soak.value, knee.soak.ready_minimum, knee.soak.ready_maximum) == (4, 4, 4)


def test_a_replica_that_comes_as_a_step_ends_belongs_to_the_next(bundle: Bundle):
    (found,) = knees(gather(bundle), Steps.of([(0.0, 1.0), (60.0, 2.0), (89.9, 3.0)]))
    assert [(one.ready_minimum, one.ready_maximum) for one in found.steps] == [(1, 1), (2, 3), (3, 3)]


def test_each_step_has_its_own_requests_and_what_the_load_generator_found(knee: Knee):
    assert [(one.count, one.success_percent, one.failed) for one in knee.steps] == [
        (67, 100.0, None), (142, 100.0, None), (180, 99.44, "RequestSuccess must be at least 100 %, was 99.44 %")]
    assert (knee.of, knee.good) == ("Rate", 4)


def test_the_sentence_names_the_last_good_step_its_replicas_and_the_soak(knee: Knee):
    assert sentence(knee) == "The last good step is 4 requests/s with 1–3 Ready. The soak of 30.0 s held."
    assert sentence(replace(knee, soak=None)).endswith("1–3 Ready. There was no soak.")
    assert knee.soak is not None
    lost = replace(knee, soak=replace(knee.soak, failed="RequestSuccess must be at least 99 %, was 97.00 %"))
    assert sentence(lost).endswith("The soak of 30.0 s failed: RequestSuccess must be at least 99 %, was 97.00 %.")


def recorded(bundle: Bundle, steps: int, *, good: int | None, inconclusive: str | None = None, **account: Any) -> Knee:
    """The synthetic knee search to 6 with only its first steps, none of which failed; the last may be inconclusive."""
    (search,) = bundle.generators[0].knees
    held = [replace(one, failed=None) for one in search.steps[:steps]]
    if inconclusive is not None:
        held[-1] = replace(held[-1], inconclusive=inconclusive)
    search = replace(search, good=good, steps=tuple(held), **{"soak": None, **account})
    (found,) = judge(with_knees(bundle, search)).knees
    return found


def test_a_knee_search_whose_last_planned_step_held_puts_the_knee_beyond_it(bundle: Bundle):
    knee = recorded(bundle, 3, good=6)
    assert (knee.ending, knee.maximum) == (KneeEnding.ALL_HELD, 6)
    assert sentence(knee) == (
        "The last good step is 6 requests/s with 3–4 Ready. No step failed: the knee lies beyond the last step. There "
        "was no soak."
    )


def test_a_stopped_knee_search_does_not_count_as_one_that_found_the_knee(bundle: Bundle):
    knee = recorded(bundle, 1, good=2)
    assert knee.ending is KneeEnding.STOPPED
    assert sentence(knee) == (
        "The last good step is 2 requests/s with 1 Ready. The knee was not found: the search was stopped before its "
        "last step of 6 requests/s. There was no soak."
    )


def test_a_knee_search_without_a_finished_step_says_nothing_about_the_knee(bundle: Bundle):
    knee = recorded(bundle, 0, good=None)
    assert knee.ending is KneeEnding.STOPPED
    assert sentence(knee) == (
        "The knee was not found: the search was stopped before any step had ended. There was no soak."
    )


def test_a_step_that_could_not_be_judged_neither_held_nor_failed(bundle: Bundle):
    knee = recorded(bundle, 2, good=2, inconclusive="no request was wanted in it")
    assert knee.ending is KneeEnding.STEP_INCONCLUSIVE
    assert [result(step) for step in knee.steps] == ["held", "could not be judged: no request was wanted in it"]
    assert sentence(knee) == (
        "The last good step is 2 requests/s with 1 Ready. The knee was not found: the step at 4 requests/s could not "
        "be judged. There was no soak."
    )
    first = sentence(recorded(bundle, 1, good=None, inconclusive="no request was wanted in it"))
    assert first == (
        "No step held. The knee was not found: the step at 2 requests/s could not be judged. There was no soak."
    )


@pytest.mark.parametrize("key", ["inconclusive", "untold"])
def test_a_step_that_could_not_be_judged_is_read_under_its_old_key_too(key: str):
    times = {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:30Z"}
    step = {"value": 4, **times, "failed": None, key: "no request was wanted in it"}
    seen = knee_from({"stage": "climb", "of": "Rate", "good": 2, "steps": [step]})
    assert seen is not None
    assert [(one.value, one.failed, one.inconclusive) for one in seen.steps] == [
        (4, None, "no request was wanted in it"),
    ]


def test_without_a_spec_a_knee_search_that_nothing_ended_may_have_been_stopped(bundle: Bundle):
    stages = tuple(replace(stage, maximum=None) for stage in bundle.terms.stages)
    knee = recorded(replace(bundle, terms=replace(bundle.terms, stages=stages)), 3, good=6)
    assert knee.ending is KneeEnding.UNKNOWN
    assert "whether the search reached its last step is not known" in sentence(knee)


def test_a_step_that_a_restart_cut_is_reported(bundle: Bundle):
    knee = recorded(bundle, 3, good=6, interrupted=(4,))
    assert sentence(knee).endswith("A restart of the worker interrupted 4 requests/s, which was repeated.")


def test_a_first_step_that_fails_leaves_no_good_one(knee: Knee):
    bad = replace(knee, good=None, steps=knee.steps[2:], soak=None)
    assert sentence(bad) == "No step held. The knee lies below the first step. There was no soak."


def test_of_two_incarnations_that_searched_for_the_knee_the_longer_record_counts(bundle: Bundle):
    (search,) = bundle.generators[0].knees
    part = replace(search, steps=search.steps[:1], soak=None)
    for records in ((part, search), (search, part)):
        (knee,) = judge(with_knees(bundle, *records)).knees
        assert ([step.value for step in knee.steps], knee.further_accounts) == ([2, 4, 6], 1)
        assert sentence(knee).endswith("Shorter reports by other incarnations of its worker, left out: 1.")


def test_replicas_that_were_not_watched_are_not_counted_as_zero(bundle: Bundle):
    (found,) = judge(replace(bundle, observations=())).knees
    assert {(one.ready_minimum, one.ready_maximum) for one in found.steps} == {(None, None)}


def test_a_gap_in_the_watch_is_reported_next_to_the_replicas_of_its_step(bundle: Bundle):
    assert bundle.start is not None
    gap = WatchGap(bundle.start + 70 * SECOND, "pods", bundle.start + 65 * SECOND, bundle.start + 70 * SECOND, "gone")
    (found,) = judge(replace(bundle, observations=(*bundle.observations, gap))).knees
    assert [one.note for one in found.steps] == [None, "a watch gap touches it (pods)", None]


def test_a_run_without_a_knee_has_no_section(bundle: Bundle):
    report = judge(with_knees(bundle))
    assert report.knees == ()
    files = render_all(report)
    assert b"Knee" not in files["report.md"]
    assert b'id="knee"' not in files["report.html"]
    assert chart_data(report)["steps"] == []


def test_a_knee_search_recorded_by_two_incarnations_of_a_worker_is_one(bundle: Bundle):
    (search,) = bundle.generators[0].knees
    assert len(judge(with_knees(bundle, search, search)).knees) == 1


def test_the_load_chart_marks_the_steps_and_the_soak(report: Report):
    shown = ((30.0, 60.0, 2, False), (60.0, 90.0, 4, False), (90.0, 120.0, 6, True), (120.0, 150.0, 4, False))
    assert chart_data(report)["steps"] == [
        dict(zip(("from", "to", "value", "failed"), one, strict=True)) for one in shown]


def test_a_torn_record_of_a_knee_search_gives_its_whole_steps():
    whole = {"value": 2, "startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:30Z", "failed": None}
    found = knee_from({"stage": "climb", "of": "Users", "good": 2, "steps": [whole, {"value": 4}, None], "soak": None,
                       "interrupted": [{"value": 4, "startTime": "2026-01-01T00:00:30Z"}, {}]})
    assert found is not None
    assert ([one.value for one in found.steps], found.soak, found.interrupted) == ([2], None, (4,))
    assert knee_from({"of": "Users"}) is None
