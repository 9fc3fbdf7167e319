"""A step of a Knee holds, fails or could not be judged: which of the three, and in which words."""

from decimal import Decimal

import pytest

from elastometer_loadgen.stages.objectives import (
    GOOD,
    KneeIndicator,
    KneeObjective,
    Sample,
    Statistic,
    StepVerdict,
    judge,
)

SUCCESS = KneeObjective(KneeIndicator.REQUEST_SUCCESS, 95, None, 99)
LATENCY = KneeObjective(KneeIndicator.REQUEST_LATENCY, 95, 1000, None)
PER_TOKEN = KneeObjective(KneeIndicator.TIME_PER_OUTPUT_TOKEN, 95, 50, None)
QUICK, SLOW, LOST = Sample(succeeded=True, latency=400.0), Sample(succeeded=True, latency=1400.0), Sample()
PACED, SLOWER = (Sample(succeeded=True, per_token=pace) for pace in (20.0, 80.0))
BUFFERED = Sample(succeeded=True, is_buffered=True)
YOUNG, OLD = Sample(age=900.0), Sample(age=1100.0)


@pytest.mark.parametrize(
    ("objectives", "samples", "verdict"),
    [
        ([SUCCESS, LATENCY], [QUICK], GOOD),
        ([SUCCESS], [QUICK, LOST], StepVerdict(failed="RequestSuccess must be at least 99 %, was 50.00 %")),
        ([LATENCY], [SLOW], StepVerdict(failed="RequestLatency p95 must be at most 1000 ms, was 1400 ms")),
        ([LATENCY], [LOST], StepVerdict(failed="RequestLatency p95 must be at most 1000 ms, was never seen")),
        ([LATENCY], [OLD], StepVerdict(failed="RequestLatency p95 must be at most 1000 ms, was 1100 ms")),
        ([SUCCESS, LATENCY], [], StepVerdict(inconclusive="no request was due in it")),
        ([SUCCESS], [YOUNG, OLD],
         StepVerdict(inconclusive="RequestSuccess is not known: no request had ended, 2 in flight")),
        ([LATENCY], [YOUNG],
         StepVerdict(inconclusive="RequestLatency is not known: no request had ended, 1 in flight")),
        ([PER_TOKEN], [OLD],
         StepVerdict(inconclusive="TimePerOutputToken is not known: no request had ended, 1 in flight")),
        ([SUCCESS, LATENCY], [OLD], StepVerdict(failed="RequestLatency p95 must be at most 1000 ms, was 1100 ms")),
        ([SUCCESS, LATENCY], [YOUNG, QUICK], GOOD),
        ([PER_TOKEN], [PACED], GOOD),
        ([PER_TOKEN], [SLOWER], StepVerdict(failed="TimePerOutputToken p95 must be at most 50 ms, was 80 ms")),
        ([PER_TOKEN], [LOST], StepVerdict(failed="TimePerOutputToken p95 must be at most 50 ms, was never seen")),
        ([PER_TOKEN], [QUICK], StepVerdict(
            inconclusive="TimePerOutputToken p95 is not known: no answer states its tokens, or has two of them")),
        ([PER_TOKEN], [BUFFERED] * 3, StepVerdict(
            inconclusive="TimePerOutputToken p95 is not known: the tokens of 3 of 3 streams arrived together")),
        ([PER_TOKEN], [PACED, BUFFERED], StepVerdict(
            inconclusive="TimePerOutputToken p95 is not known: the tokens of 1 of 2 streams arrived together")),
        ([PER_TOKEN], [PACED] * 99 + [BUFFERED], GOOD),
        ([PER_TOKEN], [SLOWER] * 99 + [BUFFERED],
         StepVerdict(failed="TimePerOutputToken p95 must be at most 50 ms, was 80 ms")),
    ],
)
def test_a_step_fails_only_by_what_was_observed_in_it(
    objectives: list[KneeObjective], samples: list[Sample], verdict: StepVerdict
) -> None:
    assert judge(objectives, samples) == verdict


def test_the_first_token_of_a_request_in_flight_counts_and_not_its_age() -> None:
    """A long answer that began in time has met its bound, however long it goes on."""
    first_token = KneeObjective(KneeIndicator.TIME_TO_FIRST_TOKEN, 95, 1000, None)
    assert judge([first_token], [Sample(age=9000.0, first_token=400.0)]) == GOOD
    assert judge([first_token], [Sample(age=9000.0, first_token=1400.0)]) == StepVerdict(
        failed="TimeToFirstToken p95 must be at most 1000 ms, was 1400 ms")
    assert judge([first_token], [OLD]).failed is not None


MEAN = KneeObjective(KneeIndicator.REQUEST_LATENCY, 95, 1000, None, Statistic.MEAN)
MEAN_PACE = KneeObjective(KneeIndicator.TIME_PER_OUTPUT_TOKEN, 95, 50, None, Statistic.MEAN)


@pytest.mark.parametrize(("objective", "samples", "verdict"), [
    (MEAN, [QUICK, QUICK, SLOW], GOOD),
    (MEAN, [QUICK, SLOW, SLOW], StepVerdict(failed="RequestLatency mean must be at most 1000 ms, was 1067 ms")),
    (MEAN, [QUICK, LOST], GOOD),
    (MEAN, [QUICK, YOUNG], GOOD),
    (MEAN, [Sample(succeeded=True, latency=950.0), OLD],
     StepVerdict(failed="RequestLatency mean must be at most 1000 ms, was 1025 ms")),
    (MEAN, [LOST], StepVerdict(failed="RequestLatency mean must be at most 1000 ms, was never seen")),
    (MEAN_PACE, [PACED, SLOWER], GOOD),
    (MEAN_PACE, [SLOWER], StepVerdict(failed="TimePerOutputToken mean must be at most 50 ms, was 80 ms")),
    (MEAN_PACE, [PACED, BUFFERED], StepVerdict(
        inconclusive="TimePerOutputToken mean is not known: the tokens of 1 of 2 streams arrived together")),
])
def test_a_mean_is_judged_over_the_same_values_as_a_percentile(
    objective: KneeObjective, samples: list[Sample], verdict: StepVerdict
) -> None:
    """A request in flight counts once it is older than the bound, and a lost one has no latency."""
    assert judge([objective], samples) == verdict


@pytest.mark.parametrize(("percent", "verdict"), [
    ("99.8", GOOD), ("99.81", StepVerdict(failed="RequestSuccess must be at least 99.81 %, was 99.80 %")),
])
def test_a_share_with_decimals_is_compared_exactly(percent: str, verdict: StepVerdict) -> None:
    served = KneeObjective(KneeIndicator.REQUEST_SUCCESS, 95, None, Decimal(percent))
    assert judge([served], [QUICK] * 998 + [LOST] * 2) == verdict
