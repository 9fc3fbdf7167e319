"""A candidate as a variant of the study: a merge patch on the test, and its changes as people read them."""
from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from elastometer.model.bundle_files import STRUCK
from elastometer.model.merge_patch import patch_between
from elastometer.model.price import Price
from elastometer.model.story import Change
from elastometer.model.study_names import tuned_name
from elastometer.model.tuning import Json, TunedVariant
from elastometer.study.tune.chosen import Candidate
from elastometer.study.tune.figures import predicted_of
from elastometer.study.variants.presets import SCALER_FIELDS
from elastometer.twin.advice.changes import changes
from elastometer.twin.measured import source_words
from elastometer.twin.search.score.searcher import Settings
from elastometer.twin.search.vary.candidates import METRIC, Baseline, vary
from elastometer.twin.search.vary.grid import TARGET


def spec_patch(base: Baseline, settings: Settings) -> Json | None:
    """The merge patch on the spec of the recorded test; None if no test can hold the settings, if they change nothing,
    or if a part of the object that has to be repeated was struck out of the record."""
    spec = vary(base, settings).spec
    body = {} if spec is None else patch_between(base.manifest["spec"], spec)
    if not body or STRUCK in str(body):
        return None
    return {"autoscaler": {SCALER_FIELDS[base.kind]: body}}


def tuned_variants(
    picked: Sequence[tuple[Candidate, bool]], base: Baseline, price: Price | None, shifts: Mapping[str, float],
) -> tuple[TunedVariant, ...]:
    """The variants, in their order; candidates come with a patch."""
    return tuple(
        TunedVariant(tuned_name(number), spec_patch(base, one.choosing.settings) or {},
                     tuple(_changes(base, one.choosing.settings)), predicted_of(one.reported, price, shifts), apart)
        for number, (one, apart) in enumerate(picked, 1))


def _changes(base: Baseline, settings: Settings) -> Iterator[Change]:
    """Each setting before and after. The target of another metric has nothing before it, so it is said with that."""
    metric, target = (next((one for one in settings if one.path == path), None) for path in (METRIC, TARGET))
    if metric is not None:
        aim = "" if target is None else f" with a target of {target.value}"
        yield Change(METRIC, ", ".join(source_words(base.scenario.controller)), f"{metric.value}{aim}")
    rest = [one for one in settings if metric is None or one not in (metric, target)]
    yield from (one for one in changes(base, tuple(rest)) if one.before != one.after)
