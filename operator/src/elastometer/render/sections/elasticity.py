"""Supply against demand: Markdown, what the template needs, and what the chart draws."""
from __future__ import annotations

from collections.abc import Iterator, Sequence

from elastometer.model.calibration import CalibrationResult
from elastometer.model.elasticity import DemandAccount, Elasticity
from elastometer.model.report import Report
from elastometer.render.downsample import downsampled
from elastometer.render.wording import elasticity as words
from elastometer.render.wording.tables import prose, section


def elasticity_values() -> dict[str, object]:
    """What the template needs besides the report."""
    return {"elastic": words}


def elasticity_chart(report: Report) -> dict[str, object] | None:
    """Curves as (times, values): demand with both ends of its error, backlog, and the three supplies; None without a
    demand."""
    demand, found = report.demand, report.elasticity
    if demand is None or found is None or found.reason is not None or not demand.arrival:
        return None
    curves: dict[str, Sequence[tuple[float, float | None]]] = {
        "demand": demand.arrival, "low": demand.low, "high": demand.high, "backlog": demand.backlog,
        "ordered": report.timeline.spec, "ready": report.timeline.ready, "warm": found.warm,
    }
    return {"from": found.start_seconds, "to": found.end_seconds, "curves": {
        name: downsampled([time for time, _ in points], [value for _, value in points])
        for name, points in curves.items()}}


def markdown(demand: DemandAccount | None, found: Elasticity | None) -> Iterator[str]:
    """The section; nothing in a report that knows of no elasticity."""
    if demand is None or found is None:
        return
    yield from ("", "## Elasticity", "", _sentence(words.sentence(found)))
    if found.reason is not None:
        return
    yield from ("", _sentence(f"demand: {words.demand_sentence(demand)}"))
    rows = [[prose(cell) for cell in words.row(one)] for one in found.supplies]
    yield from ("", *_table([prose(cell) for cell in words.HEAD], rows))
    for remark in words.remarks(found):
        yield from ("", _sentence(remark))
    yield from section("What the demand is based on", ["", ""], (
        [prose(name), prose(value)] for name, value in words.demand_rows(demand)))


def calibration_markdown(result: CalibrationResult | None) -> Iterator[str]:
    """What a calibration run found out; nothing of any other run."""
    if result is not None:
        yield from ("", "## Calibration", "", _sentence(words.calibration_sentence(result)))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    yield from ("| " + " | ".join(row) + " |" for row in rows)


def _sentence(text: str) -> str:
    return prose(text[:1].upper() + text[1:]) + "."
