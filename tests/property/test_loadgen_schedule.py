"""The schedule obeys its own arithmetic for every profile, seed and number of workers."""

import math
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from elastometer_loadgen.plan.schedule import compute_schedule
from elastometer_loadgen.profile.profile import Profile, parse_profile
from support.rates import expected_count

RATES = st.decimals(min_value=0, max_value=40, places=2).map(str)


@st.composite
def profiles(draw: st.DrawFn, arrivals: tuple[str, ...] = ("Constant", "Poisson", "Gamma")) -> Profile:
    """Profiles of one to four Rate stages that plan something."""
    stages, before = [], "0"
    for index in range(draw(st.integers(1, 4))):
        stage = {
            "name": f"s{index}",
            "type": "Rate",
            "durationSeconds": draw(st.integers(1, 30)),
            "endRequestsPerSecond": draw(RATES),
            "arrivals": draw(st.sampled_from(arrivals)),
        }
        if stage["arrivals"] == "Gamma":
            stage["burstiness"] = draw(st.sampled_from(["0.1", "0.5", "1", "4", "100"]))
        if draw(st.booleans()):
            stage["startRequestsPerSecond"] = draw(RATES)
        if not float(stage["endRequestsPerSecond"]) and not float(stage.get("startRequestsPerSecond", before)):
            stage["role"] = "Quiet"
        before = stage["endRequestsPerSecond"]
        stages.append(stage)
    last = {
        "name": "last",
        "type": "Rate",
        "durationSeconds": 5,
        "endRequestsPerSecond": "1",
        "arrivals": arrivals[0],
    }
    stages.append(last)
    return parse_profile({"seed": draw(st.integers(0, 2**31)), "stages": stages})


def cumulative(profile: Profile, t: float) -> float:
    """Expected arrivals from the start of the run to t."""
    total = 0.0
    for stage in profile.stages:
        total += expected_count(stage, min(max(t, 0.0), stage.duration_seconds))
        t -= stage.duration_seconds
    return total


@settings(max_examples=60, deadline=None)
@given(profiles())
def test_arrivals_are_in_order_and_within_their_stages(profile: Profile) -> None:
    schedule = compute_schedule(profile)
    assert list(schedule.times) == sorted(schedule.times)
    ends = {}
    began = 0
    for stage in profile.stages:
        ends[stage.name] = (began, began + stage.duration_seconds)
        began += stage.duration_seconds
    for arrival in schedule.share(0, 1):
        low, high = ends[arrival.stage]
        assert low <= arrival.at <= high


@settings(max_examples=60, deadline=None)
@given(profiles(arrivals=("Constant",)))
def test_a_constant_arrival_sits_where_the_expected_count_passes_k_and_a_half(profile: Profile) -> None:
    schedule = compute_schedule(profile)
    total = sum((stage.expected for stage in profile.stages), Fraction(0))
    assert len(schedule) == math.ceil(total - Fraction(1, 2))
    for k, at in enumerate(schedule.times):
        assert math.isclose(cumulative(profile, at), k + 0.5, abs_tol=1e-5)


@settings(max_examples=60, deadline=None)
@given(profiles(), st.sampled_from([1, 2, 3, 8]))
def test_any_number_of_workers_sends_the_same_arrivals(profile: Profile, workers: int) -> None:
    schedule = compute_schedule(profile)
    shares = [list(schedule.share(worker, workers)) for worker in range(workers)]
    united = sorted((arrival for share in shares for arrival in share), key=lambda arrival: arrival.id)
    assert united == list(schedule.share(0, 1))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@settings(max_examples=30, deadline=None)
@given(profiles())
def test_one_seed_is_one_schedule(profile: Profile) -> None:
    assert compute_schedule(profile).times == compute_schedule(profile).times


@settings(max_examples=100, deadline=None)
@given(profiles(arrivals=("Poisson",)))
@example(
    parse_profile(
        {
            "seed": 3,
            "stages": [
                {
                    "name": "a",
                    "type": "Rate",
                    "durationSeconds": 900,
                    "endRequestsPerSecond": "10",
                    "arrivals": "Poisson",
                }
            ],
        }
    )
)
def test_a_poisson_count_stays_within_six_deviations_of_its_mean(profile: Profile) -> None:
    mean = float(sum(stage.expected for stage in profile.stages))
    assert abs(len(compute_schedule(profile)) - mean) <= 6 * math.sqrt(mean) + 6


@settings(max_examples=200, deadline=None)
@given(profiles(), st.floats(0, 1))
def test_the_inverse_of_the_expected_count_is_its_inverse(profile: Profile, share: float) -> None:
    for stage in profile.stages:
        count = share * float(stage.expected)
        at = stage.instant_of_count(count)
        assert 0 <= at <= stage.duration_seconds
        assert math.isclose(expected_count(stage, at), count, rel_tol=1e-6, abs_tol=1e-6)


@settings(max_examples=30, deadline=None)
@given(profiles(), st.integers(0, 3))
def test_a_changed_stage_leaves_the_arrivals_before_it_alone(profile: Profile, seed: int) -> None:
    document = {
        "seed": profile.seed,
        "stages": [
            {
                "name": stage.name,
                "type": "Rate",
                "durationSeconds": stage.duration_seconds,
                "startRequestsPerSecond": f"{float(stage.start_rate):.2f}",
                "endRequestsPerSecond": f"{float(stage.end_rate):.2f}",
                "arrivals": stage.arrivals.value,
                "role": stage.role,
                "burstiness": None if stage.burstiness is None else str(float(stage.burstiness)),
            }
            for stage in profile.stages
        ],
    }
    before = compute_schedule(parse_profile(document))
    document["stages"][-1]["endRequestsPerSecond"] = "33"
    after = compute_schedule(parse_profile(document))
    assert before.times[: before.first_ids[-1]] == after.times[: after.first_ids[-1]]
