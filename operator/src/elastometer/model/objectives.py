"""Whether the objectives of a recorded test can be read: one that is passed over would look like one never set.

The rest of a recorded spec is read tolerantly (`terms`), since earlier and later versions write it too.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from elastometer.model.document import Document, at, documents_at, text_at
from elastometer.model.health import DEFAULTED_FIELDS, PRESET_FIELDS, ObjectivePreset
from elastometer.model.schema import shown
from elastometer.model.terms import Indicator
from elastometer_loadgen.base.fields import DECIMAL, nearest, unknown_field
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.stages.objectives import Statistic

SHARES = (Indicator.REQUEST_SUCCESS, Indicator.ANSWER_CHECK)
ON_MEMORY = frozenset({Indicator.MEMORY_GROWTH, Indicator.MEMORY_RETURN})
# The simulator predicts when answers come: not what they contain, nor what the servers' processes use.
NOT_PREDICTED = frozenset({Indicator.ANSWER_CHECK, Indicator.STEADY_RATE}) | ON_MEMORY
FIELDS = ("name", "indicator", "percentile", "maximumMilliseconds", "minimumPercent", "stageName", "checkType",
          "taskName", "preset", "statistic", "maximumMebibytes")
_PATH = "spec.objectives"
# `objective` and `objectivs` are meant, `observations` of some other version is not.
_SIMILAR = 0.8


def bound_field(indicator: Indicator) -> str:
    """The field that an objective of this indicator must have, and no other bound."""
    if indicator in SHARES:
        return "minimumPercent"
    return "maximumMebibytes" if indicator is Indicator.MEMORY_GROWTH else "maximumMilliseconds"


def objective_flaws(test: Document) -> Iterator[str]:
    """Every flaw as `path: rule, is value`, of an ElasticityTest given whole."""
    spec = at(test, "spec")
    if not isinstance(spec, Mapping):
        yield f"spec: must be an object, is {'absent' if spec is None else shown(spec)}"
        return
    for name in spec:
        if name != "objectives" and nearest(name, ("objectives",), _SIMILAR):
            yield f"spec.{name}: {unknown_field(name, ('objectives',))}"
    given = spec.get("objectives")
    if given is not None and not isinstance(given, list):
        yield f"{_PATH}: must be a list, is {shown(given)}"
        return
    for index, item in enumerate(given or ()):
        yield from _flaws(item, f"{_PATH}[{index}]")


def _flaws(item: object, path: str) -> Iterator[str]:
    if not isinstance(item, Mapping):
        yield f"{path}: must be an object, is {shown(item)}"
        return
    if item.get("preset") is not None:
        yield from _preset_flaws(item, path)
        return
    yield from (f"{path}.{name}: {unknown_field(name, FIELDS)}" for name in item if name not in FIELDS)
    indicator = item.get("indicator")
    if indicator not in list(Indicator):
        yield f"{path}.indicator: must be one of {', '.join(Indicator)}, is {shown(indicator)}"
        return
    bound = bound_field(Indicator(indicator))
    for name in (bound, "percentile"):
        value = item.get(name)
        if name == "minimumPercent" and isinstance(value, str) and DECIMAL.fullmatch(value):
            continue
        if (value is not None or name == bound) and (not isinstance(value, int) or isinstance(value, bool)):
            yield f"{path}.{name}: must be a whole number, is {'absent' if value is None else shown(value)}"
    if (statistic := item.get("statistic")) not in (None, *Statistic):
        yield f"{path}.statistic: must be one of {', '.join(Statistic)}, is {shown(statistic)}"


def task_flaws(spec: Document, profile: Profile) -> Iterator[str]:
    """Objectives on the requests of a task that none of their stages sends: they could never be judged."""
    for index, item in enumerate(documents_at(spec, "objectives")):
        name, stage = text_at(item, "taskName"), text_at(item, "stageName")
        sent = dict.fromkeys(task for one in profile.stages if stage in (None, one.name)
                             for task in profile.task_names_of(one))
        if name is not None and name not in sent:
            where = "the load" if stage is None else f"stage {stage!r}"
            yield (f"{_PATH}[{index}].taskName: must be one of the tasks of {where}, which are "
                   f"{', '.join(sent) or 'none'}, is {name!r}")


def _preset_flaws(item: Document, path: str) -> Iterator[str]:
    if item["preset"] not in list(ObjectivePreset):
        yield f"{path}.preset: must be one of {', '.join(ObjectivePreset)}, is {shown(item['preset'])}"
    for name in item:
        if name not in (*PRESET_FIELDS, *DEFAULTED_FIELDS):
            yield f"{path}.{name}: must not be given beside preset, which stands for whole rows, is {shown(item[name])}"
