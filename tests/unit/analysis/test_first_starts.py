"""First and later starts: by what they had to fetch, with the phase that makes the difference."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.analysis.scaling.first_starts import first_starts
from elastometer.model.first_starts import Fetched
from elastometer.model.measurements import ColdStart, Duration, Origin, Phase, ScrapedStart
from elastometer.model.milestones import PHASE_ENDED_BY, Milestone
from elastometer.model.start_class import ClassifiedStart, Ingredient, Presence, StartClass, StartFact

DOWNLOAD, WEIGHTS = PHASE_ENDED_BY[Milestone.DOWNLOADED], PHASE_ENDED_BY[Milestone.WEIGHTS_LOADED]
AFTER = PHASE_ENDED_BY[Milestone.FIRST_SERVED]
NO_SCRAPE = ScrapedStart(None, None, None, None, None, "Prometheus was not queried")


def start(pod: str, seconds: Mapping[str, float], weights: Presence | None, *, ready: bool = True) -> ColdStart:
    """A start whose phases took so long; without `weights` nothing is known of what was there."""
    facts = () if weights is None else (
        StartFact(Ingredient.IMAGE, Presence.PRESENT, "already present (event)"),
        StartFact(Ingredient.WEIGHTS, weights, "log"),
        StartFact(Ingredient.COMPILATION, Presence.ABSENT, "log"))
    whole = sum(took for name, took in seconds.items() if name != AFTER)
    return ColdStart(
        pod=pod, node="n", origin=Origin.SCALE_OUT, scale_event=None, image=None, instants=(),
        phases=tuple(Phase(name, name, 0.0, 1000 * took, 1.0, "Log") for name, took in seconds.items()),
        cold_start=Duration(1000 * whole) if ready else Duration(at_least_milliseconds=9.0, reason="never Ready"),
        scale_out=None, first_token=Duration(), scraped=NO_SCRAPE,
        start_class=ClassifiedStart(StartClass.UNKNOWN, facts))


def test_a_download_that_later_starts_are_spared_makes_the_difference():
    rows = first_starts([
        start("a", {DOWNLOAD: 30, WEIGHTS: 8, AFTER: 99}, Presence.ABSENT),
        *(start(pod, {WEIGHTS: took}, Presence.PRESENT) for pod, took in (("b", 7), ("c", 8), ("d", 12)))])
    first, later = rows
    assert first.fetched == Fetched(Presence.PRESENT, Presence.ABSENT, Presence.ABSENT)
    assert (first.count, first.has_first, first.median_milliseconds) == (1, True, 38_000.0)
    assert (later.count, later.has_first) == (3, False)
    assert (later.median_milliseconds, later.least_milliseconds, later.most_milliseconds) == (8000.0, 7000.0, 12_000.0)
    assert first.difference is not None
    assert (first.difference.name, first.difference.milliseconds, first.difference.fastest_milliseconds) == (
        DOWNLOAD, 30_000.0, 0.0)
    assert later.difference is None


def test_starts_that_fetched_the_same_are_one_kind():
    row, = first_starts([start(pod, {WEIGHTS: 5}, Presence.PRESENT) for pod in "abc"])
    assert (row.count, row.has_first, row.difference) == (3, True, None)


def test_a_start_that_never_was_ready_is_counted_and_no_duration():
    row, = first_starts([start("a", {WEIGHTS: 5}, None), start("b", {WEIGHTS: 500}, None, ready=False)])
    assert (row.fetched, row.count, row.never_ready, row.most_milliseconds) == (Fetched(), 1, 1, 5000.0)


def test_a_kind_of_which_none_was_ready_has_no_numbers():
    row, = first_starts([start("a", {WEIGHTS: 5}, None, ready=False)])
    assert (row.count, row.never_ready, row.median_milliseconds, row.difference) == (0, 1, None, None)


def test_without_starts_there_are_no_rows():
    assert first_starts([]) == ()


def test_kinds_that_take_about_as_long_are_not_separated_by_a_phase():
    rows = first_starts([start("a", {WEIGHTS: 5.9}, Presence.ABSENT), start("b", {WEIGHTS: 5.0}, Presence.PRESENT)])
    assert [row.difference for row in rows] == [None, None]
