"""The knee searches of a predicted run, as its load worker would have reported them."""
from __future__ import annotations

from elastometer.model.knee import KneeSeen, StepSeen
from elastometer.model.request import GeneratorSummary
from elastometer.twin.forecast.predicted_run import PredictedRun, instant
from elastometer.twin.ladder import Climb, Held
from elastometer_loadgen.stages.knee import KneeStage


def searches(run: PredictedRun) -> tuple[GeneratorSummary, ...]:
    """The summary of the one worker that a Knee has; nothing of it is known but what its searches found."""
    found = tuple(_search(run, climb) for climb in run.prediction.climbs)
    if not found:
        return ()
    return (GeneratorSummary(
        worker=0, incarnation="", planned=None, sent=None, skipped=None, records=None, fell_behind=False,
        lateness_p99_milliseconds=None, lateness_maximum_milliseconds=None, bound_milliseconds=None, cpu_share=None,
        knees=found),)


def _search(run: PredictedRun, climb: Climb) -> KneeSeen:
    stage = run.plan.spec.profile.stages[climb.stage]
    steps = tuple(map(_step, climb.steps))
    good = [one.value for one in steps if one.failed is None and one.inconclusive is None]
    of = stage.of if isinstance(stage, KneeStage) else ""
    return KneeSeen(stage.name, of, good[-1] if good else None, steps,
                    None if climb.soak is None else _step(climb.soak))


def _step(held: Held) -> StepSeen:
    return StepSeen(held.value, instant(held.start), instant(held.end), held.verdict.failed, held.verdict.inconclusive)
