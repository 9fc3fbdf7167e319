"""What the page's script needs: replica curves on one clock, and, packed, each repetition's values and the differences
to every possible baseline. Those grow with the square of the variants and are only read after the page is drawn.
"""
from __future__ import annotations

import base64
import json
import zlib
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
    return {
        "range": _range(comparison.runs), "variants": [one.name for one in comparison.variants],
        "charts": charts(comparison), "most": _most(comparison.runs),
        "measures": [f"{row.measure.title}, {words.DIRECTIONS[row.measure.better]}" for row in rows],
        "kinds": [(one.value, words.JUDGEMENTS[one]) for one in _KINDS],
        "packed": packed({"strips": [plots.strips(comparison, row) for row in rows],
                          "differences": [_differences(comparison, row) for row in rows]}),
    }


def packed(whole: object) -> str:
    """JSON, deflated, in base64."""
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _differences(comparison: Comparison, row: MeasureRow) -> list[list[object]]:
    """[baseline][variant] -> [kind, change, note, reason]; None for itself."""
    names = [one.name for one in comparison.variants]
    found = {(one.baseline, one.variant): tables.difference(row, one) for one in row.differences}
    return [[None if (one := found.get((baseline, variant))) is None else
             [_KINDS.index(one.kind), one.change, one.note, one.reason] for variant in names] for baseline in names]


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
