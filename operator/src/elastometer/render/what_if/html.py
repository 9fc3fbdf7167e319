"""A what-if answer as one HTML file, in the style of the report; see `page` for what keeps it safe."""
from __future__ import annotations

from functools import lru_cache

from jinja2 import Template

from elastometer.model.report import Verdict
from elastometer.render.page import environment, frame
from elastometer.render.shapes import Tile, verdict_mark
from elastometer.render.what_if import rows as rows
from elastometer.render.what_if.charts import cliff_plot, pareto_plot, replica_data
from elastometer.render.what_if.text import cliff_lines, error_rows, figures_line, headline
from elastometer.render.wording import numbers, prices
from elastometer.twin.search.answer.answer import Answer, Option
from elastometer.twin.search.score.cliff import in_other_draws


def to_html(answer: Answer) -> bytes:
    """UTF-8, the same bytes for the same answer."""
    shown = answer.chosen or answer.recorded
    return _template().render(
        answer=answer, verdict=_verdict(shown),
        **frame(("page.js", "charts.js", "what_if.js"), ("report.css", "what_if.css"), replica_data(answer)),
        headline=headline(answer), shown=shown, tiles=tiles(answer, shown), errors=error_rows(answer.prediction_error),
        scorecard=[rows.scorecard_head(answer), *rows.scorecard_rows(answer)],
        front=[rows.front_head(answer), *rows.front_rows(answer)] if answer.searched is not None else None,
        supplies=[rows.supply_head(answer), *rows.supply_rows(answer)] if answer.supplies else None,
        oracle=prices.ORACLE_MEANING, calibration=rows.calibration_rows(answer.calibration), cliffs=cliff_lines(answer),
        figures=figures_line(answer), pareto=pareto_plot(answer), cliff=cliff_plot(answer),
    ).encode()


def _verdict(shown: Option) -> Verdict:
    if not shown.card.objectives:
        return Verdict.NOT_JUDGED
    return Verdict.PASS if shown.card.holds else Verdict.FAIL


def tiles(answer: Answer, shown: Option) -> list[Tile]:
    """The numbers that answer the question; every one is a prediction."""
    card, spread, before = shown.card, shown.interval, answer.recorded.card
    return [
        Tile("Objective-miss seconds", numbers.number(card.miss_seconds),
             f"{_span(spread.miss_seconds)}recorded settings: {numbers.number(before.miss_seconds)}"),
        Tile(rows.cost_name(answer), numbers.number(rows.cost(card)),
             f"{_span(spread.cost)}recorded settings: {numbers.number(rows.cost(before))}"),
        Tile("Scale-out lag", numbers.number(card.scale_out_lag_seconds, 1, " s"),
             f"{_span(spread.scale_out_lag_seconds, 1)}median of {card.scale_outs}"),
        Tile("Objectives hold in", f"{spread.held} of {spread.draws}", "held-out draws"),
        Tile("Longest cold start", _longest(answer),
             f"at which all hold{_elsewhere(answer)}; today {answer.run.cold_start_seconds:.1f} s"),
        Tile("Smallest minReplicas", _least(answer),
             f"that holds all at today's cold start{_as_sure(answer)}, other settings as recorded"),
    ]


def _least(answer: Answer) -> str:
    if answer.least is None:
        return numbers.DASH
    return "none" if answer.least.minimum is None else str(answer.least.minimum)


def _as_sure(answer: Answer) -> str:
    """In how many other draws that minimum holds."""
    found = answer.least
    return f" (in {found.held} of {found.draws} other draws too)" if found and found.minimum is not None else ""


def _longest(answer: Answer) -> str:
    """Of the chosen settings where there are some."""
    if not answer.cliffs:
        return numbers.DASH
    cliff = answer.cliffs[-1][1]
    if cliff.holds_until is None:
        return "none"
    return f"{cliff.holds_until:.1f} s" if cliff.breaks_at is not None else f"over {cliff.holds_until:.0f} s"


def _elsewhere(answer: Answer) -> str:
    """The same cliff in other draws."""
    return in_other_draws(answer.cliffs[-1][1].others) if answer.cliffs else ""


def _span(limits: tuple[float, float] | None, digits: int = 0) -> str:
    return "" if limits is None else f"{limits[0]:,.{digits}f} to {limits[1]:,.{digits}f}; "


@lru_cache(maxsize=1)
def _template() -> Template:
    made = environment()
    made.globals.update(mark=verdict_mark)
    return made.get_template("what_if.html.j2")
