"""Objective-miss seconds of what a run is compared with, which no record of one run can show."""
from __future__ import annotations

from dataclasses import replace
from math import ceil, floor
from statistics import median_low

from elastometer.model.price import Alternative, AlternativeName, MissSource, OracleSupply, Price
from elastometer.model.terms import Terms
from elastometer.twin.engine import predict
from elastometer.twin.scenario import Scenario
from elastometer.twin.search.score.held_out import Purpose, held_out_draws
from elastometer.twin.search.score.scorecard import Judge
from elastometer.twin.search.score.supplies import as_ordered, fixed

# A fixed number above this is not simulated replica by replica.
MAX_REPLICAS = 1000


def with_predicted_misses(price: Price, scenario: Scenario, terms: Terms) -> Price:
    """The price with the predicted misses of its fixed numbers of replicas and of the oracle: the median and the span
    over held-out draws. Without an objective on requests nothing is missed, and nothing is changed."""
    judge = Judge(scenario.arrivals, terms, price.gpus_per_replica)
    over = overloaded_seconds(price.oracle)
    return replace(price, alternatives=tuple(
        one if (supplied := _supplied(one, price, scenario)) is None else
        _predicted(one, supplied, judge, over if one.name is AlternativeName.ORACLE else frozenset())
        for one in price.alternatives))


def overloaded_seconds(oracle: OracleSupply | None) -> frozenset[int]:
    """The seconds in which the oracle is overloaded, whole or in part."""
    stretches = () if oracle is None else oracle.overloaded
    return frozenset(second for start, stop in stretches for second in range(floor(start), ceil(stop)))


def without_predicted_misses(price: Price, reason: str) -> Price:
    """The price with the reason why no misses are predicted, where there are none."""
    return replace(price, alternatives=tuple(
        replace(one, miss_reason=reason) if one.replicas is not None and one.miss_seconds is None else one
        for one in price.alternatives))


def _supplied(one: Alternative, price: Price, scenario: Scenario) -> Scenario | None:
    """The scenario with that supply; None for the run itself, and for a supply that is not known."""
    if one.name is AlternativeName.ORACLE and price.oracle is not None:
        return as_ordered(scenario, price.oracle)
    return None if one.replicas is None or one.replicas > MAX_REPLICAS else fixed(scenario, one.replicas)


def _predicted(one: Alternative, supplied: Scenario, judge: Judge, left_out: frozenset[int]) -> Alternative:
    draws = held_out_draws(supplied, Purpose.REPORTING)
    found = [len(missed - left_out) for draw in draws if (missed := judge.missed(predict(draw))) is not None]
    if not found:
        return one
    return replace(one, miss_seconds=median_low(found), miss_source=MissSource.PREDICTED, miss_reason=None,
                   miss_low=min(found), miss_high=max(found))
