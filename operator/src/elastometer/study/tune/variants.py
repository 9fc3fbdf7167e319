"""A candidate as a variant of the study: a merge patch on the test, and its changes as people read them."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.bundle_files import STRUCK
from elastometer.model.price import Price
from elastometer.model.spec import ScalerType
from elastometer.model.story import Change
from elastometer.model.study_names import tuned_name
from elastometer.model.tuning import Json, TunedVariant
from elastometer.study.tune.chosen import Candidate
from elastometer.study.tune.figures import predicted_of
from elastometer.study.variants.merge_patch import patch_between
from elastometer.twin.advice.changes import changes
from elastometer.twin.measured import source_words
from elastometer.twin.search.score.searcher import Settings
from elastometer.twin.search.vary.candidates import METRIC, Baseline, vary

_BODIES = {ScalerType.HPA: "horizontalPodAutoscaler", ScalerType.KEDA: "scaledObject"}


def spec_patch(base: Baseline, settings: Settings) -> Json | None:
    """The merge patch on the spec of the recorded test; None if no test can hold the settings, if they change nothing,
    or if a part of the object that has to be repeated was struck out of the record."""
    spec = vary(base, settings).spec
    body = {} if spec is None else patch_between(base.manifest["spec"], spec)
    if not body or STRUCK in str(body):
        return None
    return {"autoscaler": {_BODIES[base.kind]: body}}


def tuned_variants(
    picked: Sequence[tuple[Candidate, bool]], base: Baseline, price: Price | None,
) -> tuple[TunedVariant, ...]:
    """The variants, in their order; candidates come with a patch."""
    return tuple(
        TunedVariant(tuned_name(number), spec_patch(base, one.choosing.settings) or {},
                     tuple(_changes(base, one.choosing.settings)), predicted_of(one.reported, price), apart)
        for number, (one, apart) in enumerate(picked, 1))


def _changes(base: Baseline, settings: Settings) -> Iterator[Change]:
    """Each setting before and after; what goes with another metric has nothing before it."""
    metric = next((one for one in settings if one.path == METRIC), None)
    if metric is not None:
        yield Change(METRIC, ", ".join(source_words(base.scenario.controller)), str(metric.value))
    for one in changes(base, tuple(setting for setting in settings if setting.path != METRIC)):
        if one.before != one.after:
            yield one
