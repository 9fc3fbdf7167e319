"""`elastometer what-if A --compare B`: each run predicted from the other and compared with what was measured."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.cli.base.text import wrapped, wrapped_columns
from elastometer.render.wording import numbers
from elastometer.twin.fit.backtest import PredictionError
from elastometer.twin.search.answer.compare import Comparison, Pairing, PredictedRanking, Ranking

Row = tuple[str, ...]
_FIGURES = (("first_token_p95", 2), ("scale_out_lag", 1), ("miss_seconds", 0), ("replica_seconds", 0))
_ERRORS: Row = ("run", "predicted from", "recorded draw", "typical draw", "all draws", "their mean", "two draws apart")
_FIGURE_NAMES: Row = ("run", "predicted from", "TTFT p95, s", "scale-out lag, s", "objective-miss seconds",
                      "Ready replica-seconds")
# The width at which each column wraps, by its number, so that a row fits into 120 characters.
_NAMES = {0: 20, 1: 20}
_FIGURE_COLUMNS = {0: 14, 1: 14, 2: 22, 3: 22, 4: 18, 5: 18}
_VERDICTS = {0: 22, 1: 14, 2: 28, 3: 28}


def in_words(found: Comparison) -> list[str]:
    """The tables and the ranking."""
    return list(_lines(found))


def _lines(found: Comparison) -> Iterator[str]:
    yield from wrapped("prediction error: area between the curves of Ready replicas, % of the measured area: with the "
                       "recorded random draw (which replica got which request, when the autoscaler synced), in the "
                       "typical random draw, over all draws, and of their mean curve", further="  ")
    yield from wrapped_columns([_ERRORS, *map(errors, found.pairings)], _NAMES)
    yield ""
    yield "figures: measured → recorded random draw, typical draw (least–most)"
    yield from wrapped_columns([_FIGURE_NAMES, *map(figures, found.pairings)], _FIGURE_COLUMNS)
    yield ""
    yield from wrapped(f"the two measured runs are {found.apart_percent:.1f} % apart: the error of predicting that the "
                       "other settings change nothing", further="  ")
    head = ("lower is better", "measured", *(f"predicted from {name}" for name in found.names))
    yield from wrapped_columns([head, *map(ranking, found.rankings)], _VERDICTS)


def errors(pairing: Pairing) -> Row:
    """How far off one prediction of one run is."""
    found = pairing.found
    low, high = found.within
    recorded = numbers.DASH if found.recorded is None else f"{found.recorded.ready_percent:.1f} %"
    return (pairing.of, pairing.by, recorded, f"{found.typical.ready_percent:.1f} %", f"{low:.1f}–{high:.1f} %",
            f"{found.mean_percent:.1f} %", f"{found.draws_apart_percent:.1f} %")


def figures(pairing: Pairing) -> Row:
    """The figures that one prediction gives for one run, after those that were measured."""
    return (pairing.of, pairing.by, *(_figure(pairing.found, name, digits) for name, digits in _FIGURES))


def _figure(found: PredictionError, name: str, digits: int) -> str:
    measured, typical = (getattr(card, name) for card in (found.measured, found.typical.predicted))
    recorded = "" if found.recorded is None else numbers.number(getattr(found.recorded.predicted, name), digits) + ", "
    every = [value for draw in found.draws if (value := getattr(draw.predicted, name)) is not None]
    spread = f" ({min(every):,.{digits}f}–{max(every):,.{digits}f})" if every else ""
    return f"{numbers.number(measured, digits)} → {recorded}{numbers.number(typical, digits)}{spread}"


def ranking(measured: Ranking) -> Row:
    """Which run is better, and whether the predictions say so."""
    return (measured.respect, measured.measured or "equal",
            *(_ranking_cell(measured, predicted) for predicted in measured.predicted))


def _ranking_cell(measured: Ranking, predicted: PredictedRanking) -> str:
    recorded, typical = ("right" if better == measured.measured else f"wrong ({better or 'equal'})"
                         for better in (predicted.own, predicted.typical))
    return (f"{recorded} with the recorded draws, {typical} in the typical draw, "
            f"right in {predicted.agreeing} of {predicted.draws} draws")
