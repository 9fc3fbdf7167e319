"""Rows that a report predicts from the run itself: those of `spec.whatIf`, and other minimums of replicas.

Each row is over held-out draws, as advice is; with many rows or requests over fewer of them, so that a judgement stays
bounded in time.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

from elastometer.analysis.price.money import NO_PRICE
from elastometer.analysis.run import DerivedRun
from elastometer.model.document import spec_of
from elastometer.model.errors import SpecError
from elastometer.model.gpu_price import gpu_price
from elastometer.model.report import Report
from elastometer.model.spec import ScalerType
from elastometer.model.story import Change, Effect
from elastometer.model.terms import ON_REQUESTS
from elastometer.model.what_if import PredictedRow, WarmSpares, WhatIf
from elastometer.model.what_if_terms import WhatIfTerms, what_if_terms
from elastometer.twin.advice.changes import changes
from elastometer.twin.advice.failures import unfit
from elastometer.twin.advice.fitted import FittedTwin
from elastometer.twin.advice.forecast import (
    MAX_WORK,
    Figures,
    Forecast,
    Forecaster,
    effect,
    measured_figures,
    work_of,
)
from elastometer.twin.search.score.held_out import HELD_OUT_DRAWS, Purpose, held_out_draws
from elastometer.twin.search.score.searcher import SearchProblem, Settings
from elastometer.twin.search.vary.candidates import Baseline, vary
from elastometer.twin.search.vary.fields import MINIMUM, Setting, is_field

SPARES = (1, 2, 3)
RECORDED = "as recorded"
_HOUR_SECONDS, _SMALLEST = 3600, Decimal("0.0001")


def with_predicted_rows(run: DerivedRun, report: Report, twin: FittedTwin) -> tuple[WhatIf | None, WarmSpares | None]:
    """(the rows that the test asks for, other minimums); None where nothing is asked, and where nothing scales."""
    asked = what_if_terms(run.evidence.spec)
    if run.evidence.terms.scaler not in (ScalerType.HPA, ScalerType.KEDA):
        return None, None
    reason = twin.reason if twin.base is None else unfit(run.bundle, report)
    if twin.base is None or reason is not None:
        return (WhatIf(reason=reason) if asked else None), WarmSpares(reason=reason)
    minimums = _minimums(run)
    made = _Predictor(run, report, twin.base, len(asked) + len(minimums) + 1)
    return (made.what_if(asked) if asked else None), made.warm_spares(minimums)


def _minimums(run: DerivedRun) -> Sequence[int]:
    """The recorded minimum, and others up to the maximum."""
    recorded, most = run.evidence.terms.minimum_replicas, run.evidence.terms.maximum_replicas
    found = {*SPARES, *(() if recorded is None else (recorded,))}
    return sorted(one for one in found if most is None or one <= most)


class _Predictor:
    """Predicts rows of one run, all over the same draws."""

    def __init__(self, run: DerivedRun, report: Report, base: Baseline, rows: int) -> None:
        self._run, self._report, self._base = run, report, base
        price = report.price
        self._problem = SearchProblem(base, run.evidence.terms, price.gpus_per_replica if price else None)
        self._forecaster = Forecaster(self._problem)
        self._draws = draws_for(base, rows)
        self._measured = measured_figures(run, report, run.evidence.terms.objectives)
        self._recorded = self._forecast(())

    def what_if(self, asked: Sequence[WhatIfTerms]) -> WhatIf:
        """A row for each entry of the test."""
        rows = tuple(self._row(one.name, tuple(Setting(path, value) for path, value in one.settings.items()))
                     for one in asked)
        return WhatIf(rows, self._made(RECORDED, (), self._recorded), self._has_gpus, self._currency)

    def warm_spares(self, minimums: Sequence[int]) -> WarmSpares:
        """A row for each minimum; that of the run is the recorded settings."""
        path, recorded = MINIMUM[self._base.kind], self._run.evidence.terms.minimum_replicas
        rows = tuple(
            self._made(str(minimum), (), self._recorded) if minimum == recorded else
            self._row(str(minimum), (Setting(path, minimum),)) for minimum in minimums)
        return WarmSpares(path, recorded, rows, self._has_gpus, self._currency)

    def _row(self, name: str, settings: Settings) -> PredictedRow:
        try:
            return self._made(name, settings, self._forecast(settings))
        except SpecError as error:
            return PredictedRow(name, _changes(self._base, settings), reason=error.flaws[0])

    def _forecast(self, settings: Settings) -> Forecast:
        scenario = vary(self._base, settings).scenario
        return self._forecaster.under(held_out_draws(scenario, Purpose.REPORTING)[:self._draws])

    def _made(self, name: str, settings: Settings, found: Forecast) -> PredictedRow:
        def of(figure: Callable[[Figures], float | None]) -> Effect | None:
            return effect(self._measured, self._recorded, found, figure)

        has_misses = any(one.indicator in ON_REQUESTS for one in self._run.evidence.terms.objectives)
        missed = of(lambda one: one.miss_seconds) if has_misses else None
        first_token, cost = of(lambda one: one.first_token), of(lambda one: one.cost)
        row = PredictedRow(name, _changes(self._base, settings), missed, first_token, cost, self._money(cost),
                           found.held, len(found.draws))
        return replace(row, missing=tuple(self._missing(row)))

    def _missing(self, row: PredictedRow) -> Iterator[tuple[str, str]]:
        if row.miss_seconds is None:
            yield "missSeconds", "no objective is on requests"
        if row.first_token_p95_milliseconds is None:
            yield "firstTokenP95Milliseconds", "in the run or a draw, no request got a first token"
        if row.money is None:
            yield "money", "a replica has no GPU" if self._currency is not None else NO_PRICE

    def _money(self, cost: Effect | None) -> str | None:
        """What the predicted GPU-seconds cost by `spec.price`."""
        price = gpu_price(spec_of(self._run.evidence.spec))
        if price is None or cost is None or not self._has_gpus:
            return None
        amount = price.per_gpu_hour * Decimal(str(cost.predicted)) / _HOUR_SECONDS
        return f"{amount.quantize(_SMALLEST, ROUND_HALF_EVEN):f}"

    @property
    def _has_gpus(self) -> bool:
        return bool(self._problem.gpus_per_replica)

    @property
    def _currency(self) -> str | None:
        price = gpu_price(spec_of(self._run.evidence.spec))
        return None if price is None else price.currency


def draws_for(base: Baseline, rows: int) -> int:
    """How many draws each row can have; all of them may take as much work as advice."""
    return max(1, min(HELD_OUT_DRAWS, MAX_WORK // max(1, work_of(base.scenario) * rows)))


def _changes(base: Baseline, settings: Settings) -> tuple[Change, ...]:
    """As in advice; a setting that no manifest holds was as the run had it."""
    return tuple(change for setting in settings for change in (
        changes(base, (setting,)) if is_field(base.kind, setting.path)
        else (Change(setting.path, RECORDED, str(setting.value)),)))
