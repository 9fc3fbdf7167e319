"""What the page's script needs: replica curves on one clock, each repetition's values, and the differences to every
possible baseline. Texts that occur often are listed once."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.model.comparison import Comparison, Judgement, MeasureRow
from elastometer.model.measurements import Steps
from elastometer.model.run_figures import RunFigures
from elastometer.render.downsample import downsampled
from elastometer.render.study import plots, tables, words

# A small chart is 400 pixels wide, and there is one for each run.
_COLUMNS = 40
_BEFORE_SHARE = 0.05
_KINDS = tuple(Judgement)


def script_data(comparison: Comparison, rows: Sequence[MeasureRow]) -> dict[str, object]:
    """`rows` are the measures that the page shows, which its elements refer to by number."""
    texts: dict[str, int] = {}
    return {
        "range": _range(comparison.runs), "variants": [one.name for one in comparison.variants],
        "charts": charts(comparison), "most": _most(comparison.runs),
        "measures": [{"title": row.measure.title, "direction": words.DIRECTIONS[row.measure.better],
                      "strips": plots.strips(comparison, row)} for row in rows],
        "differences": [_differences(comparison, row, texts) for row in rows],
        "texts": list(texts), "kinds": [(one.value, words.MARKS[one], words.JUDGEMENTS[one]) for one in _KINDS],
    }


def _differences(comparison: Comparison, row: MeasureRow, texts: dict[str, int]) -> list[list[list[int]]]:
    """[baseline][variant] -> [kind, change, span, reason], the last three as numbers of texts; empty for itself."""
    names = [one.name for one in comparison.variants]
    found = {(one.baseline, one.variant): one for one in row.differences}

    def numbered(baseline: str, variant: str) -> list[int]:
        one = found.get((baseline, variant))
        if one is None:
            return []
        shown = tables.difference(row, one)
        parts = (shown.change, shown.span, shown.reason)
        return [_KINDS.index(shown.kind), *(texts.setdefault(text, len(texts)) for text in parts)]
    return [[numbered(baseline, variant) for variant in names] for baseline in names]


def charts(comparison: Comparison) -> list[dict[str, object]]:
    """For each variant that has curves: the demand of its first run that has one, and the Ready replicas of each."""
    found = []
    for number, one in enumerate(comparison.variants):
        runs = [run for run in comparison.runs if run.label.variant == one.name and run.is_compared and run.ready]
        if runs:
            demand = next((run.demand for run in runs if run.demand), ())
            found.append({"variant": number, "demand": _curve(demand), "ready": [
                (run.label.repetition, *_curve(run.ready)) for run in runs]})
    return found


def _curve(steps: Steps) -> tuple[list[float], list[float | None]]:
    return downsampled([round(time, 1) for time, _ in steps], [value for _, value in steps], _COLUMNS)


def _range(runs: Sequence[RunFigures]) -> list[float]:
    """From a little before the load to the end of the longest one."""
    end = max((one.load_seconds or 0.0 for one in runs if one.is_compared), default=0.0) or max(
        (time for one in runs for time, _ in one.ready), default=1.0)
    return [round(-_BEFORE_SHARE * end, 1), round(end, 1)]


def _most(runs: Sequence[RunFigures]) -> float:
    """The highest value of all curves, so that all charts have one scale."""
    return max((value for one in runs if one.is_compared for steps in (one.ready, one.demand) for _, value in steps
                if value is not None), default=1)
