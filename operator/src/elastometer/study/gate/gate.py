"""Would this change make it worse? A changed spec replayed on recorded runs of the current one.

A measure has Regressed where the predicted change less the twin's own error on these runs is above what is allowed,
and Held where the predicted change is not above it. In between, and wherever the twin cannot answer, it is CannotTell,
which a live run decides.
"""
from __future__ import annotations

import json
from collections.abc import Sequence

from elastometer.model.comparison import GateState
from elastometer.model.document import Document, document_at, spec_of
from elastometer.model.errors import SpecError
from elastometer.model.gating import REFUSED, FieldChange, GateAnswer, GateBundle, GateGroup, GateTerms
from elastometer.model.measures import MONEY
from elastometer.study.gate.differences import spec_changes
from elastometer.study.gate.replay import FittedRun, Replay, fit, replay
from elastometer.study.gate.rows import row
from elastometer.study.gate.words import message, refusal
from elastometer.twin.reading.scaled_object import annotation_flaws
from elastometer.twin.search.score.held_out import HELD_OUT_DRAWS

_WORST = (GateState.REGRESSED, GateState.CANNOT_TELL, GateState.HELD)


def gate(bundles: Sequence[GateBundle], changed: Document, terms: GateTerms) -> GateAnswer:
    """The answer for a changed ElasticityTest, with the defaults of the API, on recorded runs of the current one."""
    return Baseline(bundles).gate(changed, terms)


class Baseline:
    """Recorded runs, each fitted at most once however many changes are asked about. Runs of one spec are judged
    together, by their means."""

    def __init__(self, bundles: Sequence[GateBundle]) -> None:
        self._groups = _by_spec(bundles)
        self._fitted: dict[int, FittedRun | SpecError] = {}

    def gate(self, changed: Document, terms: GateTerms) -> GateAnswer:
        """What the runs say about the change."""
        if not self._groups:
            return GateAnswer(GateState.CANNOT_TELL, "no recorded run was given")
        if not terms.gates:
            return GateAnswer(GateState.CANNOT_TELL, "nothing is bounded")
        groups = tuple(self._group(runs, changed, terms) for runs in self._groups)
        state = next(state for state in _WORST if any(group.state is state for group in groups))
        return GateAnswer(state, message(state, groups), groups)

    def _group(self, runs: Sequence[GateBundle], changed: Document, terms: GateTerms) -> GateGroup:
        names = tuple(one.name for one in runs)
        changes, flaws = _asked(runs[0], changed)
        flaws += _repriced(changes, terms)
        if flaws:
            return GateGroup(names, GateState.CANNOT_TELL, changes, reason="; ".join(flaws))
        try:
            replayed = [self._replayed(one, spec_of(changed)) for one in runs]
            rows = tuple(row(bound, replayed) for bound in terms.gates)
        except SpecError as error:
            return GateGroup(names, GateState.CANNOT_TELL, changes, reason="; ".join(error.flaws))
        state = next(state for state in _WORST if any(one.state is state for one in rows))
        notes = tuple(dict.fromkeys(note for one in replayed for note in one.notes))
        return GateGroup(names, state, changes, rows, draws=HELD_OUT_DRAWS, notes=notes)

    def _replayed(self, one: GateBundle, changed: Document) -> Replay:
        found = self._fitted.get(id(one)) or self._fitted.setdefault(id(one), _fit(one))
        if isinstance(found, SpecError):
            raise found
        return replay(found, changed)


def _fit(one: GateBundle) -> FittedRun | SpecError:
    if one.bundle is None:
        return SpecError(f"{one.name}: {one.flaw or 'it could not be read'}")
    try:
        return fit(one.bundle)
    except SpecError as error:
        return SpecError(*(f"{one.name}: {flaw}" for flaw in error.flaws))


def _asked(run: GateBundle, changed: Document) -> tuple[tuple[FieldChange, ...], list[str]]:
    """What differs from the recorded spec, and what of it the run cannot answer."""
    if run.bundle is None:
        return (), [run.flaw or "it could not be read"]
    recorded = spec_of(run.bundle.spec)
    if not recorded:
        return (), ["the bundle does not hold the spec of its test"]
    changes = spec_changes(recorded, spec_of(changed))
    refused = [refusal(one) for one in changes if one.effect in REFUSED]
    return changes, [*refused, *annotation_flaws(document_at(changed, "metadata"))]


def _repriced(changes: Sequence[FieldChange], terms: GateTerms) -> list[str]:
    """Both sides are priced as the recorded runs are, so that another price would never be seen."""
    if MONEY not in [bound.measure for bound in terms.gates]:
        return []
    said = "differs from that of the recorded runs, so that their money cannot be compared; bound gpuSeconds instead"
    return [f"{one.path} {said}" for one in changes if one.path.startswith("spec.price")][:1]


def _by_spec(bundles: Sequence[GateBundle]) -> list[list[GateBundle]]:
    """Runs that answer the same question under the same settings; one that could not be read stands alone."""
    found: dict[str, list[GateBundle]] = {}
    for one in bundles:
        key = f"unread {one.name}" if one.bundle is None else json.dumps(spec_of(one.bundle.spec), sort_keys=True)
        found.setdefault(key, []).append(one)
    return list(found.values())
