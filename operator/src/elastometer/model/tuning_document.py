"""A TuneResult as the JSON of a study's record, and back. Reading never fails: what is missing is None or empty."""
from __future__ import annotations

from collections.abc import Mapping

from elastometer.model.document import Document, at, document_at, documents_at, number_at, text_at, whole_at
from elastometer.model.story import Change
from elastometer.model.tuning import Bound, Json, Predicted, PredictedFigure, TunedVariant, TuneOutcome, TuneResult


def tune_document(result: TuneResult) -> Json:
    """As it is stored."""
    return {
        "run": result.run, "outcome": result.outcome.value, "reason": result.reason,
        "considered": result.considered, "refused": result.refused,
        "measured": _numbers(result.measured), "error": _numbers(result.error),
        "base": None if result.base is None else _predicted(result.base),
        "variants": [_variant(one) for one in result.variants],
        "proof": [{"name": one.name, "predicted": _predicted(one.predicted)} for one in result.proof],
        "notes": list(result.notes),
    }


def _numbers(found: Mapping[str, float] | None) -> Json | None:
    return None if found is None else dict(found)


def _predicted(found: Predicted) -> Json:
    return {"draws": found.draws, "held": found.held, "figures": {
        name: {"median": one.median, "low": one.low, "high": one.high} for name, one in found.figures.items()}}


def _variant(one: TunedVariant) -> Json:
    return {
        "name": one.name, "patch": one.patch, "predicted": _predicted(one.predicted), "apart": one.apart,
        "changes": [{"path": change.path, "before": change.before, "after": change.after} for change in one.changes],
    }


def tune_result(document: Document) -> TuneResult | None:
    """What was stored; None if it is no result, or one of an unknown outcome."""
    outcome = text_at(document, "outcome")
    if outcome not in set(TuneOutcome):
        return None
    base = document_at(document, "base")
    return TuneResult(
        run=text_at(document, "run") or "", outcome=TuneOutcome(outcome), reason=text_at(document, "reason") or "",
        considered=whole_at(document, "considered") or 0, refused=whole_at(document, "refused") or 0,
        measured=_numbers_at(document, "measured"), error=_numbers_at(document, "error"),
        base=_predicted_from(base) if base else None,
        variants=tuple(map(_variant_from, documents_at(document, "variants"))),
        proof=tuple(Bound(text_at(one, "name") or "", _predicted_from(document_at(one, "predicted")))
                    for one in documents_at(document, "proof")),
        notes=tuple(note for note in _list_at(document, "notes") if isinstance(note, str)),
    )


def _numbers_at(document: Document, name: str) -> Mapping[str, float] | None:
    found = at(document, name)
    if not isinstance(found, Mapping):
        return None
    return {key: value for key in found if (value := number_at(found, key)) is not None}


def _predicted_from(found: Document) -> Predicted:
    figures = document_at(found, "figures")
    read = {name: _figure_from(document_at(figures, name)) for name in figures}
    return Predicted(whole_at(found, "draws") or 0, whole_at(found, "held") or 0,
                     {name: one for name, one in read.items() if one is not None})


def _figure_from(found: Document) -> PredictedFigure | None:
    median, low, high = (number_at(found, name) for name in ("median", "low", "high"))
    return None if median is None or low is None or high is None else PredictedFigure(median, low, high)


def _variant_from(found: Document) -> TunedVariant:
    changes = tuple(Change(*(text_at(one, name) or "" for name in ("path", "before", "after")))
                    for one in documents_at(found, "changes"))
    return TunedVariant(text_at(found, "name") or "", dict(document_at(found, "patch")), changes,
                        _predicted_from(document_at(found, "predicted")), at(found, "apart") is True)


def _list_at(document: Document, name: str) -> list[object]:
    found = at(document, name)
    return found if isinstance(found, list) else []
