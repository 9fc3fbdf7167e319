"""What the twin found for a study survives being stored."""
from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from elastometer.model.story import Change
from elastometer.model.tuning import Bound, Predicted, PredictedFigure, TunedVariant, TuneOutcome, TuneResult
from elastometer.model.tuning_document import tune_document, tune_result

numbers = st.floats(-1e6, 1e6, allow_nan=False)
figures = st.builds(PredictedFigure, numbers, numbers, numbers)
predicted = st.builds(Predicted, st.integers(0, 99), st.integers(0, 99), st.dictionaries(st.text(), figures))
patches: Any = st.dictionaries(st.text(), st.none() | st.text() | st.dictionaries(st.text(), st.integers(0, 9)))
variants = st.builds(TunedVariant, st.text(), patches, st.lists(st.builds(Change, st.text(), st.text(), st.text()),
                                                                max_size=2).map(tuple), predicted, st.booleans())
results = st.builds(
    TuneResult, run=st.text(), outcome=st.sampled_from(TuneOutcome), reason=st.text(),
    considered=st.integers(0, 10**6), refused=st.integers(0, 10**6),
    measured=st.none() | st.dictionaries(st.text(), numbers), error=st.none() | st.dictionaries(st.text(), numbers),
    base=st.none() | predicted, variants=st.lists(variants, max_size=2).map(tuple),
    proof=st.lists(st.builds(Bound, st.text(), predicted), max_size=2).map(tuple),
    notes=st.lists(st.text(), max_size=2).map(tuple))


@given(results)
def test_a_stored_result_reads_as_it_was(result: TuneResult) -> None:
    assert tune_result(orjson.loads(orjson.dumps(tune_document(result)))) == result


@given(st.recursive(st.none() | st.integers(-9, 9) | st.text(max_size=4),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        ["outcome", "base", "variants", "proof", "figures", "notes", "error", "x"]), inner)))
def test_reading_something_else_never_fails(document: Any) -> None:
    if isinstance(document, dict):
        found = tune_result(document)
        assert found is None or found.outcome in set(TuneOutcome)
