"""How far the record can be trusted, as rows."""
from __future__ import annotations

from collections.abc import Sequence

from elastometer.model.report import Quality
from elastometer.render.wording import numbers

# A run may have a gap for every time that its operator was killed, and many load workers.
SHOWN = 20


def quality_rows(quality: Quality) -> list[tuple[str, str]]:
    """(what, its state) for everything that may weaken the numbers."""
    low, high = quality.clock_offset_low_milliseconds, quality.clock_offset_high_milliseconds
    gaps = [f"{gap.resource} from {numbers.instant(gap.start_seconds)} to {numbers.instant(gap.end_seconds)}: "
            f"{gap.reason}"
            for gap in quality.gaps]
    series = [f"{one.name} {one.outcome}" + (f" ({one.message})" if one.message else "")
              for one in quality.series if one.outcome != "Samples"]
    late = [f"worker {one.worker} {numbers.duration(one.lateness_p99_milliseconds)} of "
            f"{numbers.duration(one.bound_milliseconds)}" + (" FELL BEHIND" if one.fell_behind else "")
            for one in quality.generators]
    away = [f"worker {one.worker} "
            + ("" if one.start_seconds is None else f"from {numbers.instant(one.start_seconds)} ")
            + f"until {numbers.instant(one.end_seconds)}" for one in quality.away]
    return [
        ("Operator's clock minus API server's", numbers.DASH if low is None or high is None else
         f"between {low:+.0f} ms and {high:+.0f} ms ({quality.clock_samples} samples)"),
        ("Watch gaps", _few(gaps) or "none"),
        ("Lateness of sends, p99 against the bound", _few(late) or numbers.DASH),
        ("Load workers away", _few(away) or ("none" if quality.generators else numbers.DASH)),
        ("Requests never sent", f"{numbers.number(quality.skipped_requests)} because their time had passed, "
         f"{numbers.number(quality.unsent_requests)} because their worker was stopped"),
        ("Turns not sent after a lost turn", numbers.number(quality.unsent_turns)),
        ("Served requests whose Pod is not known", _without_pod(quality)),
        ("Queries without samples", "; ".join(series) or ("none" if quality.series else numbers.DASH)),
        ("Torn / unreadable lines", f"{quality.torn_lines} / {quality.unreadable_lines}"),
        ("Records dated outside the run, left out", str(quality.outside_window)),
        ("Missing files", ", ".join(quality.missing_files) or "none"),
    ]


def _without_pod(quality: Quality) -> str:
    """What is said of single Pods lacks them; vLLM names no Pod in its answers."""
    if quality.served_requests is None or quality.served_without_pod is None:
        return numbers.DASH
    if not quality.served_without_pod:
        return "none"
    return (f"{quality.served_without_pod:,} of {quality.served_requests:,}: the server names no Pod, and their "
            "connections went to no Pod's address. Those of the policy SpreadOverPods (load.connection) do")


def _few(texts: Sequence[str]) -> str:
    """The first ones, and how many more report.json has."""
    more = len(texts) - SHOWN
    return "; ".join(texts[:SHOWN]) + (f"; and {more:,} more in report.json" if more > 0 else "")
