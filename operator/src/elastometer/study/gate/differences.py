"""Which fields differ between the spec of a recorded run and a new one, and what each means for a replay.

What is not known to be modelled, or to be without effect, is refused: a new field of the API is never taken for
harmless.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from elastometer.model.bundle_files import STRUCK
from elastometer.model.document import Document
from elastometer.model.gating import ChangeEffect, FieldChange
from elastometer.model.schema import shown
from elastometer.study.gate.server import ARGS, flag_changes

Steps = tuple[str | int, ...]
_ABSENT = object()
# The longest prefix of a path decides.
_EFFECTS: Mapping[Steps, ChangeEffect] = {
    ("load",): ChangeEffect.OTHER_QUESTION,
    ("objectives",): ChangeEffect.OTHER_QUESTION,
    ("autoscaler",): ChangeEffect.MODELLED,
    ("measurement",): ChangeEffect.NOT_MODELLED,
    ("measurement", "scrapePeriodSeconds"): ChangeEffect.MODELLED,
    **{("measurement", name): ChangeEffect.WITHOUT_EFFECT for name in (
        "prometheusURL", "settleSeconds", "readyDeadlineSeconds", "metricsDeadlineSeconds", "capacityCheck", "series",
        "inputCharacterBounds")},
    ("cleanupPolicy",): ChangeEffect.WITHOUT_EFFECT,
    ("price",): ChangeEffect.WITHOUT_EFFECT,
    ("demand",): ChangeEffect.WITHOUT_EFFECT,
}


def spec_changes(recorded: Document, changed: Document) -> tuple[FieldChange, ...]:
    """The differences between two specs of an ElasticityTest, both with the defaults of the API, in order of paths."""
    found = [_change(steps, before, after) for steps, before, after in _differences(recorded, changed, ())
             if steps[:len(ARGS)] != ARGS]
    return tuple(sorted([*found, *flag_changes(recorded, changed)], key=lambda change: change.path))


def _differences(before: object, after: object, steps: Steps) -> Iterator[tuple[Steps, object, object]]:
    """The smallest parts that differ. Lists of different lengths differ as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}, key=str):
            yield from _differences(before.get(key, _ABSENT), after.get(key, _ABSENT), (*steps, str(key)))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(one, other, (*steps, index))
    elif before != after:
        yield steps, before, after


def _change(steps: Steps, before: object, after: object) -> FieldChange:
    is_hidden = isinstance(before, str) and STRUCK in before
    effect = ChangeEffect.NOT_COMPARED if is_hidden else _effect(steps)
    return FieldChange(_path(steps), _text(before), _text(after), effect)


def _effect(steps: Steps) -> ChangeEffect:
    found = (_EFFECTS.get(steps[:length]) for length in range(len(steps), 0, -1))
    return next((effect for effect in found if effect is not None), ChangeEffect.NOT_MODELLED)


def _path(steps: Steps) -> str:
    return "spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


def _text(value: object) -> str | None:
    return None if value is _ABSENT else shown(value)
