"""The twin of a recorded run, fitted once for all that a judgement asks of it; where it cannot be fitted, why not."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.analysis.run import DerivedRun
from elastometer.analysis.story.story import PREDICTED
from elastometer.model.autoscalers import NO_AUTOSCALER
from elastometer.model.errors import SpecError
from elastometer.twin.fit.calibrate import calibrate
from elastometer.twin.search.vary.candidates import Baseline
from elastometer.twin.search.vary.recorded import baseline

# More than these would take a judgement too long.
MAX_REQUESTS = 8_000


@dataclass(frozen=True, slots=True)
class FittedTwin:
    """One of the two is given."""

    base: Baseline | None
    reason: str | None


def fit_twin(run: DerivedRun) -> FittedTwin:
    """The twin of a run that is judged."""
    count = len(run.evidence.requests)
    if run.bundle.predicted is not None:
        return FittedTwin(None, PREDICTED)
    if not count:
        return FittedTwin(None, "there are no requests")
    if run.evidence.terms.scaler == NO_AUTOSCALER:
        return FittedTwin(None, "the test has no autoscaler with settings to vary")
    if count > MAX_REQUESTS:
        return FittedTwin(None, f"{count:,} requests are more than the {MAX_REQUESTS:,} that a judgement simulates; "
                                "`elastometer what-if BUNDLE --search` does")
    try:
        return FittedTwin(baseline(run, calibrate(run).scenario), None)
    except SpecError as error:
        return FittedTwin(None, f"the twin cannot be fitted to this run: {error.flaws[0]}")
