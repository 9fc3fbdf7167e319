"""What no settings within the same maximum can beat: always the maximum, replicas that start at once, the oracle."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from elastometer.model.measures import GPU_SECONDS, MISS_SECONDS, REPLICA_SECONDS
from elastometer.model.price import Price
from elastometer.model.tuning import Bound, Predicted, TuneTerms
from elastometer.study.tune.figures import predicted_of
from elastometer.twin.advice.forecast import Forecaster
from elastometer.twin.search.score.held_out import Purpose, held_out_draws
from elastometer.twin.search.score.supplies import as_ordered, fixed
from elastometer.twin.search.vary.knobs import hpa_of, with_cold_start

ALWAYS_MAXIMUM, INSTANT_START, ORACLE = "AlwaysMaximum", "InstantStart", "Oracle"


def bounds(forecaster: Forecaster, price: Price | None, shifts: Mapping[str, float]) -> list[Bound]:
    """Each bound on the draws that are reported. The oracle knows the demand in advance and keeps its cold starts; it
    is absent where the demand of the run is not known."""
    scenario = forecaster.problem.base.scenario
    hpa = hpa_of(scenario)
    found = {INSTANT_START: with_cold_start(scenario, 0.0)}
    if hpa is not None:
        found[ALWAYS_MAXIMUM] = fixed(scenario, hpa.spec.maximum)
    if price is not None and price.oracle is not None:
        found[ORACLE] = as_ordered(scenario, price.oracle)
    return [Bound(name, predicted_of(forecaster.under(held_out_draws(one, Purpose.REPORTING)), price, shifts))
            for name, one in sorted(found.items())]


def nothing_helps(tried: int, base: Predicted, proof: Sequence[Bound], terms: TuneTerms) -> str:
    """Why, with the numbers that show it."""
    most = next((one for one in proof if one.name == ALWAYS_MAXIMUM), None)
    instant = next((one for one in proof if one.name == INSTANT_START), None)
    said = f"none of {tried:,} settings within the same maximum is predicted to do better than the recorded ones, " \
           f"which miss {_shown(base, MISS_SECONDS)} objective-miss seconds"
    if most is not None:
        said += f"; always the maximum would miss {_shown(most.predicted, MISS_SECONDS)} for {_cost(most.predicted)}"
        said += "" if terms.maximum_gpu_seconds is None else f", and {terms.maximum_gpu_seconds:,.0f} are allowed"
    if instant is not None:
        said += f"; replicas that start at once would miss {_shown(instant.predicted, MISS_SECONDS)}"
    return said


def _cost(found: Predicted) -> str:
    name = GPU_SECONDS if GPU_SECONDS in found.figures else REPLICA_SECONDS
    return f"{_shown(found, name)} {'GPU' if name == GPU_SECONDS else 'replica'}-seconds"


def _shown(found: Predicted, name: str) -> str:
    one = found.figures[name]
    return f"{one.median:,.0f} ({one.low:,.0f} to {one.high:,.0f})"
