"""`elastometer what-if A --compare B`: each run predicted from the other, against what was measured."""
from __future__ import annotations

from collections.abc import Iterator

from elastometer.cli.base.text import wrapped, wrapped_columns
from elastometer.render.wording import numbers
from elastometer.twin.fit.backtest import Honesty
from elastometer.twin.search.answer.compare import Comparison, Foretold, Pairing, Ranking

Row = tuple[str, ...]
_FIGURES = (("scale_out_lag", 1), ("miss_seconds", 0), ("replica_seconds", 0))
_ERRORS: Row = ("run", "predicted from", "its chance", "typical draw", "all draws", "their mean", "two draws apart")
_FIGURE_NAMES: Row = ("run", "predicted from", "scale-out lag, s", "objective-miss seconds", "Ready replica-seconds")
# Where the columns of each table wrap, by their number.
_NAMES = {0: 20, 1: 20}
_FIGURE_COLUMNS = {0: 16, 1: 16, 2: 29, 3: 24}
_VERDICTS = {0: 22, 1: 14, 2: 28, 3: 28}


def in_words(found: Comparison) -> list[str]:
    """The tables and the ranking."""
    return list(_lines(found))


def _lines(found: Comparison) -> Iterator[str]:
    yield from wrapped("error: area between the Ready curves, % of the measured one: predicted with the run's own "
                       "chance (who got which request, when the autoscaler looked), in the typical draw of chance, "
                       "over all draws, their mean curve", further="  ")
    yield from wrapped_columns([_ERRORS, *map(errors, found.pairings)], _NAMES)
    yield ""
    yield "figures: measured → with its own chance, typical draw (least–most)"
    yield from wrapped_columns([_FIGURE_NAMES, *map(figures, found.pairings)], _FIGURE_COLUMNS)
    yield ""
    yield from wrapped(f"the two measured runs are {found.apart_percent:.1f} % apart: the error of predicting that the "
                       "other settings change nothing", further="  ")
    yield from wrapped_columns([("less is better", "measured", *(f"predicted from {name}" for name in found.names)),
                       *(ranking(one) for one in found.rankings)], _VERDICTS)


def errors(one: Pairing) -> Row:
    """How far off one prediction of one run is."""
    low, high = one.found.within
    own = numbers.DASH if one.found.recorded is None else f"{one.found.recorded.ready_percent:.1f} %"
    return (one.of, one.by, own, f"{one.found.typical.ready_percent:.1f} %", f"{low:.1f}–{high:.1f} %",
            f"{one.found.mean_percent:.1f} %", f"{one.found.chance_percent:.1f} %")


def figures(one: Pairing) -> Row:
    """What one prediction of one run says, beside what was measured."""
    return (one.of, one.by, *(_figure(one.found, name, digits) for name, digits in _FIGURES))


def _figure(found: Honesty, name: str, digits: int) -> str:
    measured, typical = (getattr(one, name) for one in (found.measured, found.typical.predicted))
    own = "" if found.recorded is None else numbers.number(getattr(found.recorded.predicted, name), digits) + ", "
    every = [value for one in found.draws if (value := getattr(one.predicted, name)) is not None]
    spread = f" ({min(every):,.{digits}f}–{max(every):,.{digits}f})" if every else ""
    return f"{numbers.number(measured, digits)} → {own}{numbers.number(typical, digits)}{spread}"


def ranking(one: Ranking) -> Row:
    """Who is better, and whether the predictions say so."""
    return (one.respect, one.measured or "alike", *(_told(one, who) for who in one.foretold))


def _told(one: Ranking, who: Foretold) -> str:
    own, typical = ("right" if told == one.measured else f"wrong ({told or 'alike'})"
                    for told in (who.own, who.typical))
    return f"{own} with their chance, {typical} in the typical draw, right in {who.agreeing} of {who.draws} draws"
