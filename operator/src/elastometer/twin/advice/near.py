"""Candidates near the recorded settings: one field changed, or two, under the same maximum, on the same metric."""
from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from elastometer.model.errors import SpecError
from elastometer.twin.search.vary.candidates import METRIC, Baseline, vary
from elastometer.twin.search.vary.fields import MAXIMUM, MINIMUM, Setting
from elastometer.twin.search.vary.grid import Dimension, Option, dimensions, other_targets
from elastometer.twin.search.vary.knobs import hpa_of

# A target may be far off: a search in small steps would not find its way back.
TARGET_FACTORS = (0.1, 0.25, 0.5, 0.75, 1.5, 2.0, 3.0)
MOST_MINIMUMS = 4
# A target of 1, in thousandths. Much less than one waiting request is no target that people set.
WHOLE = 1000


def near(base: Baseline, *, tolerances: bool) -> list[Dimension]:
    """What may be changed alone; values that change nothing are left out."""
    hpa = hpa_of(base.scenario)
    if hpa is None:
        return []
    low, high = hpa.spec.minimum, hpa.spec.maximum
    found = [one for one in dimensions(base, tolerances=tolerances)
             if one.name not in (METRIC, MINIMUM[base.kind], MAXIMUM[base.kind])]
    more = sorted({*range(low + 1, high + 1)[:MOST_MINIMUMS], high}) if high > low else []
    first = hpa.spec.metrics[0].target
    factors = [factor for factor in TARGET_FACTORS if factor >= 0.5 or factor * first >= WHOLE]
    # The tightest, however far off: a target of 60 is not fixed by one of 6.
    factors += [WHOLE / first] if first * min(TARGET_FACTORS) > WHOLE else []
    found += [Dimension("target", other_targets(base, factors)),
              Dimension(MINIMUM[base.kind], tuple((Setting(MINIMUM[base.kind], value),) for value in more))]
    kept = [Dimension(one.name, tuple(option for option in one.options if _changes(base, option))) for one in found]
    return [one for one in kept if one.options]


def pairs(best: Sequence[Sequence[Option]]) -> list[Option]:
    """Every two of the options that belong to different dimensions, each of which comes as its best options."""
    return [(*first, *second) for one, other in combinations(best, 2) for first in one for second in other]


def _changes(base: Baseline, option: Option) -> bool:
    """Whether the settings are valid, and another autoscaler or another beginning than the recorded one."""
    try:
        scenario = vary(base, option).scenario
    except SpecError:
        return False
    before = base.scenario
    return (scenario.controller, scenario.initial_replicas) != (before.controller, before.initial_replicas)
