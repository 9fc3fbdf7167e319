"""Every supply of a run against its demand: what was ordered, what was Ready, and what was warm."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter

from elastometer.analysis.demand.demand import Demand
from elastometer.analysis.elasticity.scorecard import movement, provisioning, scorecard
from elastometer.analysis.elasticity.supply import Supply, supply_of
from elastometer.analysis.elasticity.warm import warm_supply, warm_up
from elastometer.analysis.run import DerivedRun
from elastometer.model.elasticity import Elasticity, Movement, Provisioning, SupplyKind, SupplyScore

ORDERED, READY = "the replicas that were ordered", "the Ready replicas"


def elasticity_of(run: DerivedRun, demand: Demand) -> Elasticity:
    """From the start of the load to its end; without a demand, the reason why there is none."""
    if not demand.is_judged:
        return Elasticity(0.0, demand.end, reason=demand.account.reason)
    ramp, end = warm_up(run, demand.end), demand.end
    ready = supply_of(run.replicas.ready, READY, "pods", run.evidence, end)
    warm = warm_supply(run, ramp, ready, end)
    rows = {
        SupplyKind.ORDERED: supply_of(run.replicas.ordered, ORDERED, "deployments", run.evidence, end),
        SupplyKind.READY: ready, SupplyKind.WARM: warm,
    }
    scored = {kind: _score(kind, supply, demand) for kind, supply in rows.items()}
    found = Elasticity(
        0.0, end, supplies=tuple(scored.values()), warm_up=ramp, warm=() if ramp.reason else warm.steps.points)
    return _with_shares(found, scored[SupplyKind.ORDERED], scored[SupplyKind.READY])


def _score(kind: SupplyKind, supply: Supply, demand: Demand) -> SupplyScore:
    if supply.reason is not None:
        return SupplyScore(kind, reason=supply.reason)
    end, unit = demand.end, demand.account.window_seconds or demand.end
    card = scorecard(demand.arrival, supply.steps, 0.0, end, unit)
    waiting = provisioning(demand.backlog, supply.steps, 0.0, end)
    lowest, highest, reason = _movements(supply, demand, unit)
    found = SupplyScore(kind, score=card, backlog=waiting, low_movement=lowest, high_movement=highest,
                        movement_reason=reason, notes=supply.notes)
    if demand.low is None and demand.high is None and supply.low == supply.high:
        return found
    least, most = demand.low or demand.arrival, demand.high or demand.arrival
    # What is missing is least with the lowest demand and the highest supply, what is idle the other way round.
    few, many = provisioning(least, supply.high, 0.0, end), provisioning(most, supply.low, 0.0, end)
    return replace(found, low=_mixed(few, many), high=_mixed(many, few))


def _movements(supply: Supply, demand: Demand, unit: float) -> tuple[Movement | None, Movement | None, str | None]:
    """(lowest, highest, why there are none) over the demands within the error."""
    if supply.low != supply.high:
        return None, None, "replicas may have come and gone unseen in the watch gaps"
    if not demand.within:
        return None, None, "the error of the demand is not known"
    found = [movement(curve, supply.steps, 0.0, demand.end, unit) for curve in demand.within]
    return _each(min, found), _each(max, found), None


def _each(pick: Callable[[list[float]], float], found: Sequence[Movement]) -> Movement:
    """The pick of each metric; a share that is not known is not known for any demand."""
    unstable, inert = ([value for one in found if (value := share(one)) is not None]
                       for share in (attrgetter("instability"), attrgetter("inertia")))
    return Movement(pick([one.jitter_per_minute for one in found]), pick(unstable) if unstable else None,
                    pick(inert) if inert else None)


def _mixed(under: Provisioning, over: Provisioning) -> Provisioning:
    """What is missing by the one, what is idle by the other."""
    return replace(
        under, theta_over=over.theta_over, theta_over_normalized=over.theta_over_normalized, tau_over=over.tau_over,
        area_over=over.area_over)


def _with_shares(found: Elasticity, ordered: SupplyScore, ready: SupplyScore) -> Elasticity:
    """With what was missing because of the decision, and because of cold starts, if both supplies were scored."""
    if ordered.score is None or ready.score is None:
        return found
    found = replace(found, decision_under=ordered.score.theta_under,
                    cold_start_under=ready.score.theta_under - ordered.score.theta_under)
    if ordered.low is None or ordered.high is None or ready.low is None or ready.high is None:
        return found
    ends = (ready.low.theta_under - ordered.low.theta_under, ready.high.theta_under - ordered.high.theta_under)
    return replace(found, cold_start_under_low=min(*ends), cold_start_under_high=max(*ends))
