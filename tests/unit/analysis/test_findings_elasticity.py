"""Findings from supply against demand: made curves, every number worked out by hand.

The load lasts 100 s. Curves are (second, replicas).
"""
from __future__ import annotations

from collections.abc import Iterable

import pytest

from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.elasticity.elasticity import elasticity_of
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.analysis.evidence.replicas import ReplicaCurves
from elastometer.analysis.evidence.steps import Steps
from elastometer.analysis.findings.elasticity import elasticity_findings
from elastometer.analysis.findings.facts import Facts
from elastometer.analysis.run import DerivedRun
from elastometer.model.autoscaler import AutoscalerAccount, Cause, Loss, ScaleAccount
from elastometer.model.bundle import Bundle
from elastometer.model.elasticity import DemandAccount, DemandSource
from elastometer.model.findings import FindingName
from elastometer.model.measurements import ColdStart, Direction, Duration, Origin, Phase, ScrapedStart, Timeline
from elastometer.model.report import Finding, Quality
from elastometer.model.terms import Terms

Curve = Iterable[tuple[float, float]]
END = 100.0


def facts(
    demand: Curve, ordered: Curve, ready: Curve, *, backlog: Curve | None = None, low: Curve | None = None,
    high: Curve | None = None, terms: Terms | None = None, cold_starts: tuple[ColdStart, ...] = (),
    autoscaler: AutoscalerAccount | None = None, source: DemandSource = DemandSource.GIVEN,
) -> Facts:
    steps = Steps.of(demand)
    waited = steps if backlog is None else Steps.of(backlog)
    whole = tuple((time, int(value)) for time, value in steps.points)
    account = DemandAccount(source, reason="nothing shows it" if source is DemandSource.NOT_JUDGED else None,
                            arrival=whole, backlog=tuple((time, int(value)) for time, value in waited.points))
    nothing = Steps(())
    evidence = Evidence(terms=terms or Terms(minimum_replicas=1, maximum_replicas=9), origin=0, has_origin=True)
    curves = ReplicaCurves(nothing, Steps.of(ordered), nothing, Steps.of(ready), nothing, nothing)
    run = DerivedRun(Bundle(evidence.terms), evidence, (), (), curves)
    made = Demand(account, END, steps, waited, None if low is None else Steps.of(low),
                  None if high is None else Steps.of(high))
    return Facts(run, cold_starts, (), Timeline(), Quality(), (), autoscaler or AutoscalerAccount(), (),
                 demand=account, elasticity=elasticity_of(run, made))


def found(*args: Curve, **kwargs: object) -> list[Finding]:
    return list(elasticity_findings(facts(*args, **kwargs)))  # type: ignore[arg-type]


def names(*args: Curve, **kwargs: object) -> list[FindingName]:
    return [one.name for one in found(*args, **kwargs)]


def started(weights: float, probe: float) -> ColdStart:
    phases = (Phase("weights", "weights", 0.0, 1000 * weights, 1.0, "Log"),
              Phase("probe", "probe tax", weights, 1000 * probe, 1.0, "Watch"))
    return ColdStart(
        pod="a", node="n", origin=Origin.SCALE_OUT, scale_event=1, image=None, instants=(), phases=phases,
        cold_start=Duration(1000 * (weights + probe)), scale_out=None, first_token=Duration(),
        scraped=ScrapedStart(None, None, None, None, None, "Prometheus was not queried"))


def changed(**seconds: float) -> AutoscalerAccount:
    losses = tuple(Loss(Cause[name.upper()], name.lower(), 1000 * length, 1.0, "Replay")
                   for name, length in seconds.items())
    whole = Duration(1000 * sum(seconds.values()))
    return AutoscalerAccount(changes=(ScaleAccount(1, Direction.OUT, 1, 3, 20.0, 40.0, whole, losses),))


def test_a_supply_that_follows_its_demand_is_no_finding() -> None:
    curve = [(0, 1), (50, 3), (80, 1)]
    assert found(curve, curve, curve) == []


def test_a_fixed_number_of_replicas_has_no_decisions_and_no_settings_of_an_autoscaler() -> None:
    """Two of three demanded replicas were never ordered, or two of three Ready ones never demanded."""
    fixed = Terms(scaler="None", minimum_replicas=1, maximum_replicas=9)
    assert names([(0, 3)], [(0, 1)], [(0, 1)]) == [FindingName.DECISION_DOMINATES]
    assert found([(0, 3)], [(0, 1)], [(0, 1)], terms=fixed) == []
    (idle,) = found([(0, 1)], [(0, 3)], [(0, 3)], terms=fixed)
    assert "stabilizationWindowSeconds" not in idle.advice
    assert "fix a lower one" in idle.advice


def test_one_replica_too_many_half_of_the_time_is_over_provisioned() -> None:
    """Demand 1 and four Ready in the first 50 s, then three: 3 × 50 + 2 × 50 = 250 of 350 replica-seconds are idle, on
    average 2.5; up to the minimum of 2 it is 1 × 100."""
    supply = [(0, 4), (50, 3)]
    (one,) = found([(0, 1)], supply, supply, terms=Terms(minimum_replicas=2, maximum_replicas=9))
    assert one.name is FindingName.OVER_PROVISIONED
    assert one.evidence == (
        "On average 2.5 Ready replicas more than the demand, what waited included, in 100 % of the 100 s of load: 250 "
        "of 350 Ready replica-seconds were idle, 100 of them at or below the minimum of replicas")


def test_replicas_that_work_off_a_backlog_are_not_idle() -> None:
    supply = [(0, 4)]
    assert names([(0, 1)], supply, supply, backlog=[(0, 4), (80, 1)]) == []


def test_what_the_error_of_the_demand_could_explain_is_not_over_provisioned() -> None:
    """Idle 1 of 2 on average; with the highest demand nothing is."""
    supply = [(0, 2)]
    assert names([(0, 1)], supply, supply) == [FindingName.OVER_PROVISIONED]
    assert names([(0, 1)], supply, supply, low=[(0, 1)], high=[(0, 2)]) == []


STEP = [(0, 1), (20, 3)]


def test_a_cold_start_that_takes_most_of_what_was_missing_dominates() -> None:
    """A step to 3 at 20 s, ordered at 22 s, Ready at 42 s: 2 × 2 s missing by decision, 2 × 20 s by the start: on
    average 0.44, of which 0.40 (91 %)."""
    starts = (started(12.0, 3.0), started(16.0, 1.0), started(14.0, 2.0))
    (one,) = found(STEP, [(0, 1), (22, 3)], [(0, 1), (42, 3)], cold_starts=starts)
    assert one.name is FindingName.COLD_START_DOMINATES
    assert one.evidence == ("On average 0.44 Ready replicas were missing, in 22 % of the load; 0.40 of these (91 %) "
                            "had been ordered and were still starting")
    assert one.advice.startswith("The longest part of a cold start is 'weights', 14.0 s (median of 3). ")


def test_a_decision_that_takes_most_of_what_was_missing_dominates() -> None:
    """Ordered at 60 s, Ready at 65 s: 2 × 40 s of 2 × 45 s, on average 0.8 of 0.9 (89 %)."""
    late = [(0, 1), (60, 3)], [(0, 1), (65, 3)]
    (one,) = found(STEP, *late, autoscaler=changed(METRIC_DELAY=5.0, STABILIZATION=30.0))
    assert one.name is FindingName.DECISION_DOMINATES
    assert one.evidence == ("On average 0.90 Ready replicas were missing, in 45 % of the load; 0.80 of these (89 %) "
                            "had not been ordered")
    assert one.advice.startswith("Most of the seconds between need and decision went to 'stabilization': 30 s over 1 ")
    assert found(STEP, *late)[0].advice.startswith("The metric did not ask for these replicas")


def test_what_the_maximum_held_back_is_not_the_decision() -> None:
    """The demand is 3 and the maximum 1: nothing could have been decided."""
    terms = Terms(minimum_replicas=1, maximum_replicas=1)
    assert names(STEP, [(0, 1)], [(0, 1)], terms=terms) == []
    assert names(STEP, [(0, 1)], [(0, 1)]) == [FindingName.DECISION_DOMINATES]


def test_halves_dominate_nothing() -> None:
    """Ordered 10 s late, Ready another 10 s later: half and half."""
    assert names(STEP, [(0, 1), (30, 3)], [(0, 1), (40, 3)]) == []


def test_a_little_that_was_missing_is_no_finding() -> None:
    """2 replicas for 4 s are 0.08 on average."""
    assert names(STEP, [(0, 1), (20, 3)], [(0, 1), (24, 3)]) == []


def test_what_the_error_of_the_demand_could_explain_dominates_nothing() -> None:
    """By the point 0.40 of 0.44 is the start. With a demand of 5, up to 1.60 more was not ordered."""
    curves = [(0, 1), (22, 3)], [(0, 1), (42, 3)]
    assert names(STEP, *curves, low=STEP, high=STEP) == [FindingName.COLD_START_DOMINATES]
    assert names(STEP, *curves, low=STEP, high=[(0, 1), (20, 5)]) == []


@pytest.mark.parametrize("source", [DemandSource.NOT_JUDGED])
def test_without_a_demand_nothing_is_claimed(source: DemandSource) -> None:
    assert names([(0, 1)], [(0, 5)], [(0, 5)], source=source) == []
    made = facts([(0, 1)], [(0, 5)], [(0, 5)])
    assert list(elasticity_findings(Facts(made.run, (), (), Timeline(), Quality(), (), AutoscalerAccount(), ()))) == []


def test_nothing_seen_of_the_replicas_is_no_finding() -> None:
    assert names(STEP, [], []) == []
