"""Which replica gets a request: worlds worked out by hand, bounds of queueing theory, and the setting of a what-if."""
from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from math import isnan
from random import Random
from statistics import fmean

import pytest
import yaml

from elastometer.model.capacity import Capacity
from elastometer.model.errors import SpecError
from elastometer.twin.engine import predict
from elastometer.twin.scenario import BALANCING_OF, Arrival, Balancing, RecordedRandomness, Scenario
from elastometer.twin.search.answer.search import SearchOptions, option
from elastometer.twin.search.score.searcher import Searcher
from elastometer.twin.search.vary.candidates import vary
from elastometer.twin.search.vary.fields import Setting
from elastometer.twin.search.vary.grid import dimensions
from elastometer_loadgen.profile.profile import ConnectionPolicy
from support.twin_worlds import hpa, scenario
from support.what_if_worlds import hpa_baseline, problem


def fixed(arrivals: list[float] | tuple[Arrival, ...], replicas: int, **changes: object) -> Scenario:
    """A number of replicas that does not change; each has one slot, and a request takes 1 s."""
    return scenario(arrivals, controller=hpa(replicas, replicas), initial_replicas=replicas, **changes)


def test_least_in_flight_takes_turns_among_equals_and_fills_what_is_empty() -> None:
    """Three replicas of one slot and requests of 1 s. At 0.0, 0.1 and 0.2 each replica gets one, the fourth waits on
    the first one. At 1.15 replica 1 is empty (its request ended at 1.1), at 1.25 replica 2 is."""
    at = [0.0, 0.1, 0.2, 0.3, 1.15, 1.25]
    found = predict(fixed(at, 3, balancing=Balancing.LEAST_IN_FLIGHT))
    assert list(found.replica) == [0, 1, 2, 0, 1, 2]
    assert list(found.ended) == pytest.approx([1.0, 1.1, 1.2, 2.0, 2.15, 2.25])


def test_least_in_flight_counts_requests_that_wait() -> None:
    """Two replicas, six requests at once: three each, as the queues count like the running ones."""
    found = predict(fixed([0.0] * 6, 2, balancing=Balancing.LEAST_IN_FLIGHT))
    assert list(found.replica) == [0, 1, 0, 1, 0, 1]
    assert list(found.ended) == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]


def test_a_backlog_of_one_replica_is_spared_when_a_second_one_is_ready() -> None:
    """Ten requests of 1 s at 0 s on the only replica; the second one serves from 5 s. Of the requests at 6.0 to 9.5 s
    all go to the second one, until it has as many in flight as the first one's backlog."""
    late = tuple(Arrival(6.0 + 0.5 * number, 0, 1, 0) for number in range(8))
    grown = scenario((*(Arrival(0.0, 0, 1, 0) for _ in range(10)), *late), controller=hpa(2, 2), start_seconds=0.0,
                     initial_replicas=1, cold_starts=(5.0,), balancing=Balancing.LEAST_IN_FLIGHT)
    assert list(predict(grown).replica)[10:14] == [1, 1, 1, 1]


def test_a_client_that_gave_up_is_no_longer_in_flight() -> None:
    """Two replicas of one slot and a patience of 2 s: of five requests at once on each, two have given up by 2.5 s."""
    impatient = fixed([0.0] * 10 + [2.5], 2, balancing=Balancing.LEAST_IN_FLIGHT, patience_seconds=2.0)
    found = predict(impatient)
    assert sum(isnan(end) for end in found.ended) == 4
    assert found.ended[10] == pytest.approx(4.0)  # one runs until 3 s, and none is before this one in the queue


def waits(balancing: Balancing) -> float:
    """Mean wait of 20,000 requests of some 0.5 s at 4.2 a second on three replicas of one slot, 70 % busy."""
    rng = Random(3)
    instants = accumulate(rng.expovariate(4.2) for _ in range(20_000))
    arrivals = tuple(Arrival(at, 0, 1 + round(rng.expovariate(2.0) / 0.001), 0) for at in instants)
    found = predict(fixed(arrivals, 3, capacity=Capacity(1, 0.0, 0.0, 0.001), balancing=balancing,
                          horizon_seconds=arrivals[-1].at + 1000))
    return fmean(first - arrival.at for first, arrival in zip(found.first_token, arrivals, strict=True))


def test_least_in_flight_waits_less_than_uniform_and_more_than_one_common_queue() -> None:
    """M/M/1 at 70 %: 1.17 s. M/M/3 at 70 %, the bound of any balancing: 0.27 s (Erlang C: 0.4923 × 0.5 / 0.9)."""
    uniform, least = waits(Balancing.UNIFORM), waits(Balancing.LEAST_IN_FLIGHT)
    assert uniform == pytest.approx(1.17, rel=0.1)
    assert 0.27 < least < 0.6 * uniform


@pytest.mark.parametrize(("policy", "balancing"), [
    (ConnectionPolicy.PER_REQUEST, Balancing.UNIFORM), (ConnectionPolicy.REUSE, Balancing.BY_CONNECTION),
    (ConnectionPolicy.MAX_AGE, Balancing.BY_CONNECTION), (ConnectionPolicy.SPREAD_OVER_PODS, Balancing.LEAST_IN_FLIGHT),
])
def test_each_connection_policy_has_its_balancing(policy: ConnectionPolicy, balancing: Balancing) -> None:
    assert BALANCING_OF[policy] is balancing
    assert set(BALANCING_OF) == set(ConnectionPolicy)


def test_a_what_if_changes_the_balancing_and_drops_the_recorded_choices() -> None:
    base = hpa_baseline()
    recorded = RecordedRandomness(choices=tuple(0 for _ in base.scenario.arrivals))
    base = replace(base, scenario=replace(base.scenario, recorded=recorded))
    found = vary(base, (Setting("balancing", "LeastInFlight"),))
    assert (found.scenario.balancing, found.scenario.recorded) == (Balancing.LEAST_IN_FLIGHT, None)
    assert found.spec == base.manifest["spec"]


def test_a_balancing_that_is_not_known_is_refused_with_the_similar_one() -> None:
    with pytest.raises(SpecError, match="balancing: must be one of Uniform, ByConnection, LeastInFlight, is 'LeastInFli"
                                        "ghts'; similar: LeastInFlight"):
        vary(hpa_baseline(), (Setting("balancing", "LeastInFlights"),))


def test_the_patch_says_what_sets_the_balancing() -> None:
    settings = (Setting("balancing", "LeastInFlight"), Setting("maxReplicas", 3))
    made = problem(hpa_baseline())
    found = option(made, Searcher(made), settings, SearchOptions()).patch or ""
    assert "# Assumed: balancing=LeastInFlight; no manifest of the autoscaler can set this." in found
    assert "in a test, `load.connection.policy: SpreadOverPods`; for other clients: a gateway" in found
    assert yaml.safe_load(found)["spec"]["maxReplicas"] == 3


def test_a_search_tries_the_balancing_only_when_it_is_asked_to() -> None:
    base = hpa_baseline()
    assert "balancing" not in [one.name for one in dimensions(base, tolerances=True)]
    (found,) = [one for one in dimensions(base, tolerances=True, balancing=True) if one.name == "balancing"]
    assert {option[0].value for option in found.options} == set(Balancing) - {base.scenario.balancing}
