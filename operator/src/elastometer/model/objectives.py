"""Whether the objectives of a recorded test can be read: one that is passed over would look like one never set.

The rest of a recorded spec is read tolerantly (`terms`), since earlier and later versions write it too.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from elastometer.model.document import Document, at
from elastometer.model.health import DEFAULTED_FIELDS, PRESET_FIELDS, ObjectivePreset
from elastometer.model.schema import shown
from elastometer.model.terms import Indicator
from elastometer_loadgen.base.fields import nearest, unknown_field

SHARES = (Indicator.REQUEST_SUCCESS, Indicator.ANSWER_CHECK)
FIELDS = ("name", "indicator", "percentile", "maximumMilliseconds", "minimumPercent", "stageName", "checkType",
          "taskName", "preset")
_PATH = "spec.objectives"
# `objective` and `objectivs` are meant, `observations` of some other version is not.
_SIMILAR = 0.8


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
    bound = "minimumPercent" if indicator in SHARES else "maximumMilliseconds"
    for name in (bound, "percentile"):
        value = item.get(name)
        if (value is not None or name == bound) and (not isinstance(value, int) or isinstance(value, bool)):
            yield f"{path}.{name}: must be a whole number, is {'absent' if value is None else shown(value)}"


def _preset_flaws(item: Document, path: str) -> Iterator[str]:
    if item["preset"] not in list(ObjectivePreset):
        yield f"{path}.preset: must be one of {', '.join(ObjectivePreset)}, is {shown(item['preset'])}"
    for name in item:
        if name not in (*PRESET_FIELDS, *DEFAULTED_FIELDS):
            yield f"{path}.{name}: must not be given beside preset, which stands for whole rows, is {shown(item[name])}"
