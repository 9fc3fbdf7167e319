"""Demand and elasticity in words: how many replicas were missing or idle, for how long, and why."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from elastometer.model.calibration import CalibrationResult
from elastometer.model.elasticity import (
    DemandAccount,
    DemandSource,
    Elasticity,
    Provisioning,
    ReplicaCapacity,
    StageLimit,
    SupplyKind,
    SupplyScore,
)
from elastometer.render.wording.numbers import DASH

HEAD = ("Supply", "Missing, θ_U", "Idle, θ_O", "Of demand, missing", "Of demand, idle", "Time with too few, τ_U",
        "Time with too many, τ_O", "Jitter", "Instability, υ", "Inertia, υ′", "Missing with backlog")
SUPPLY_WORDS = {SupplyKind.ORDERED: "ordered (spec)", SupplyKind.READY: "Ready", SupplyKind.WARM: "warm"}
SUPPLY_MEANINGS = {
    SupplyKind.ORDERED: "what the autoscaler decided on: spec.replicas",
    SupplyKind.READY: "what could serve: Ready Pods",
    SupplyKind.WARM: "Ready Pods, young ones weighted by what they really served",
}
WAITING = ("requests arrive at random and wait in the replica's queue: Erlang's C formula with the correction of "
           "Allen and Cunneen")
# Common fractions, for a share that is within 3 % of one.
_FRACTIONS = {
    Fraction(1, 4): "a quarter", Fraction(1, 3): "a third", Fraction(1, 2): "half", Fraction(2, 3): "two thirds",
    Fraction(3, 4): "three quarters",
}
_NEAR = 0.03
_ALL, _HARDLY = 0.97, 0.03
# Fewer replicas than this round to 0 at a hundredth.
_NONE = 0.005


def sentence(found: Elasticity) -> str:
    """What was missing of the Ready replicas and why, and what was idle; else the reason why it is not known."""
    ready = found.of(SupplyKind.READY)
    if found.reason is not None or ready is None or ready.score is None:
        why = found.reason or (ready.reason if ready is not None else None) or "there is no demand"
        return f"elasticity was not judged: {why}"
    score = ready.score
    idle = "none was idle" if score.theta_over < _NONE else \
        f"on average {replicas(score.theta_over)} idle for {percent(score.tau_over)} of the time"
    if score.theta_under < _NONE:
        return f"over the load, no replicas were missing; {idle}"
    missing = f"{replicas(score.theta_under)} missing for {percent(score.tau_under)} of the time"
    return f"over the load, on average {missing}{_why(found, score.theta_under)}; {idle}"


def _why(found: Elasticity, missing: float) -> str:
    """The part of cold starts and that of decisions, as clauses."""
    if found.cold_start_under is None:
        return ""
    share = min(1.0, max(0.0, found.cold_start_under / missing))
    late = "too few had been ordered"
    starting = "new ones were still starting"
    if share >= _ALL:
        return f", because {starting}"
    if share <= _HARDLY:
        return f", because {late}"
    return f", {fraction(share)} of that because {starting}, the rest because {late}"


def replicas(value: float) -> str:
    """0.8 replicas were; 1 replica was."""
    number = f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.0f}"
    return f"{number} replica was" if number == "1" else f"{number} replicas were"


def percent(share: float) -> str:
    """A share of the time; one that is not nothing is never shown as 0 %."""
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else f"{100 * share:.1g} %"


def fraction(share: float) -> str:
    """A share in words where it is near a common fraction, else in percent."""
    near = min(_FRACTIONS, key=lambda one: abs(float(one) - share))
    return _FRACTIONS[near] if abs(float(near) - share) <= _NEAR else f"{100 * share:.0f} %"


def demand_sentence(demand: DemandAccount) -> str:
    """The source of the demand, its error and the capacity of one replica."""
    if demand.source is DemandSource.NOT_JUDGED or demand.capacity is None:
        return f"the demand was not judged: {demand.reason}"
    capacity = demand.capacity
    highest = max((one.requests_per_second for one in capacity.limits), default=capacity.requests_per_second)
    lowest = figure(capacity.requests_per_second)
    between = lowest if figure(highest) == lowest else f"{lowest} to {figure(highest)} (by stage)"
    rates = f"{between} requests per second"
    if capacity.mean_prompt_tokens is not None and capacity.mean_output_tokens is not None:
        rates += (f" of this run's mean length ({figure(capacity.mean_prompt_tokens)} prompt and "
                  f"{figure(capacity.mean_output_tokens)} output tokens)")
    error = f"± {figure(demand.error_percent)} % ({demand.error_source})" if demand.error_percent is not None else \
        f"error not known ({demand.error_source})"
    return f"one replica serves {rates}, {error}; source {demand.source.value}: {demand.basis}"


def demand_rows(demand: DemandAccount) -> Iterator[tuple[str, str]]:
    """(what, value) for everything that the demand rests on; nothing without a demand."""
    if demand.source is DemandSource.NOT_JUDGED or demand.capacity is None:
        return
    capacity = demand.capacity
    if not capacity.limits:
        yield "Rule", capacity.rule
    for (rate, rule), stages in _by_rule(capacity.limits).items():
        yield f"In {', '.join(stages)}", f"{rate} requests per second: {rule}"
    if capacity.limits:
        yield "Waiting", WAITING
    yield "A request takes", (
        f"{1000 * capacity.seconds_per_request:.3g} ms, {1000 * capacity.seconds_per_prompt_token:.3g} ms per prompt "
        f"token and {1000 * capacity.seconds_per_output_token:.3g} ms per output token of one replica's time"
        f"{_at_the_lowest(capacity)}")
    yield "Work is counted over", f"windows of {figure(demand.window_seconds)} s, which start again with each stage"
    yield "Backlog", f"what waits at the start of a window is to be worked off within {figure(demand.drain_seconds)} s"
    if demand.source is not DemandSource.CALIBRATED:  # the rule of a calibration says what is known of more replicas
        yield "More replicas", "taken to serve as much each as one does"
    for note in demand.notes:
        yield "Note", note


def _at_the_lowest(capacity: ReplicaCapacity) -> str:
    """For which of several rates the times hold; in the other stages they are shorter in proportion."""
    rates = dict.fromkeys(figure(one.requests_per_second) for one in capacity.limits)
    return "" if len(rates) < 2 else f", at {figure(capacity.requests_per_second)} requests per second"


def calibration_sentence(result: CalibrationResult) -> str:
    """What a calibration run found out, or why it found nothing."""
    found = result.found
    if found is None:
        return f"the run shows no capacity of one replica: {result.reason}"
    error = "" if found.error_percent is None else f" ± {figure(found.error_percent)} %"
    return (f"one replica serves {figure(found.requests_per_second)}{error} requests per second of the search's mean "
            f"length: {found.rule}; {found.linearity}. Tests of the same server settings use it with "
            f"spec.demand.calibrationRef.name: {found.test}")


def _by_rule(limits: Sequence[StageLimit]) -> dict[tuple[str, str], list[str]]:
    """The stages of each rate and its rule, in order."""
    found: dict[tuple[str, str], list[str]] = {}
    for limit in limits:
        found.setdefault((figure(limit.requests_per_second), limit.rule), []).append(limit.stage)
    return found


def figure(value: float | None) -> str:
    """To three significant digits."""
    return DASH if value is None else f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def row(one: SupplyScore) -> list[str]:
    """The cells of one supply, each with its bounds; the reason alone where it was not scored."""
    score = one.score
    if score is None:
        return [SUPPLY_WORDS[one.supply], *([DASH] * (len(HEAD) - 1))]
    low, high = one.low, one.high
    names = ("theta_under", "theta_over", "theta_under_normalized", "theta_over_normalized", "tau_under", "tau_over")
    cells = [_bounded(score, low, high, name, is_share=name not in names[:2]) for name in names]
    moves = [_moves(one, "jitter_per_minute", "{:+.2f}/min".format), _moves(one, "instability", percent),
             _moves(one, "inertia", percent)]
    waiting = DASH if one.backlog is None else f"{one.backlog.theta_under:.2f}"
    return [SUPPLY_WORDS[one.supply], *cells, *moves, waiting]


def _moves(one: SupplyScore, name: str, shown: Callable[[float], str]) -> str:
    return _spanned([None if of is None else getattr(of, name)
                     for of in (one.score, one.low_movement, one.high_movement)], shown)


def _bounded(score: Provisioning, low: Provisioning | None, high: Provisioning | None, name: str, *,
             is_share: bool) -> str:
    return _spanned([None if of is None else getattr(of, name) for of in (score, low, high)],
                    percent if is_share else "{:.2f}".format)


def _spanned(values: Sequence[float | None], shown: Callable[[float], str]) -> str:
    """The first value, with the other two as its bounds where they are known and look different."""
    value, low, high = (None if one is None else shown(one) for one in values)
    if value is None:
        return DASH
    return value if low is None or high is None or low == high else f"{value} ({low} to {high})"


def remarks(found: Elasticity) -> Iterator[str]:
    """Sentences below the table: how many were missing at once, the shares of decision and cold start, what was not
    scored, and what widens it."""
    ready = found.of(SupplyKind.READY)
    if ready is not None and ready.score is not None and ready.score.theta_under >= _NONE:
        # An average over the whole time reads small where much was missing for a short time.
        while_missing = ready.score.theta_under / ready.score.tau_under
        yield ("averages are over the whole time; while replicas were missing, "
               f"{while_missing:.2f} Ready ones were, on average")
    if found.decision_under is not None and found.cold_start_under is not None:
        low, high = found.cold_start_under_low, found.cold_start_under_high
        between = "" if low is None or high is None or f"{low:.2f}" == f"{high:.2f}" else f" ({low:.2f} to {high:.2f})"
        yield (f"the decision's share, θ_U(spec): {found.decision_under:.2f} replicas; the cold starts' share, "
               f"θ_U(ready) − θ_U(spec): {found.cold_start_under:.2f} replicas{between}")
    for one in found.supplies:
        if one.reason is not None:
            yield f"{SUPPLY_WORDS[one.supply]}: NoData, {one.reason}"
        elif one.movement_reason is not None and (one.low is not None or one.notes):
            yield f"{SUPPLY_WORDS[one.supply]}: jitter, υ and υ′ have no bounds: {one.movement_reason}"
        yield from one.notes
    if found.warm_up.shares:
        shares = ", ".join(f"{100 * share:.0f} % from {age:.0f} s" for age, share in found.warm_up.shares)
        yield (f"a young replica served, of what the older ones did at the same time: {shares} after it was Ready "
               f"({found.warm_up.replicas} replicas)")
