"""The numbers as text: medians with the minimum and maximum of all runs, and ratios to elastometer-load."""

import statistics
from collections.abc import Mapping, Sequence

from contenders import OURS
from one_run import Measured
from ttft_truth import Truth
from workloads import Workload

COLUMNS = (
    ("us/event", "cpu_us_per_event", 1), ("us/request", "cpu_us_per_request", 0), ("events/s", "events_per_second", 0),
    ("requests/s", "requests_per_second", 0), ("TTFT p50 off by ms", "ttft_error_p50_ms", 2),
    ("TTFT p99 off by ms", "ttft_error_p99_ms", 2), ("peak MB", "peak_mb", 0), ("start s", "start_seconds", 2),
    ("start CPU s", "start_cpu_seconds", 2), ("end CPU s", "end_cpu_seconds", 2),
)


def spread(values: Sequence[float], decimals: int) -> str:
    """The median, followed by minimum and maximum in brackets where there are several values."""
    middle = f"{statistics.median(values):.{decimals}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{decimals}f}–{max(values):.{decimals}f})"


def cost_table(load: Workload, results: Mapping[tuple[str, str], Sequence[Measured]], names: Sequence[str]) -> str:
    """One workload, with one line per client that was measured."""
    cost = "cpu_us_per_event" if load.rate else "cpu_us_per_request"
    ours = results.get((load.name, OURS.name))
    rows = []
    for name in names:
        runs = results.get((load.name, name))
        if runs:
            ratio = f"{_median(runs, cost) / _median(ours, cost):.2f}" if ours else "-"
            rows.append(
                [name, ratio, *(spread([getattr(run, field) for run in runs], digits) for _, field, digits in COLUMNS)]
            )
    seen = [run for (workload, _), runs in results.items() if workload == load.name for run in runs]
    if not seen:
        return f"{load.name}: nothing was measured"
    true = f"true TTFT p50 {_median(seen, 'true_ttft_p50_ms'):.2f} ms, p99 {_median(seen, 'true_ttft_p99_ms'):.2f} ms"
    unit = "per event" if load.rate else "per request"
    return f"{load.name} ({true})\n" + table(
        ["client", f"CPU {unit} ÷ ours", *(title for title, _, _ in COLUMNS)], rows
    )


def lateness_table(late: Sequence[Mapping[str, float]]) -> str:
    """How late elastometer-load sent its requests at 300 requests/s."""
    rows = [[name, spread([run[name] for run in late], 2)] for name in ("p50", "p99", "max")]
    return "sends later than planned at 300 requests/s\n" + table(["", "ms"], rows)


def ttft_table(truths: Sequence[Truth]) -> str:
    """Reported TTFT against the stand-in's own timestamps, in milliseconds."""
    rows = []
    for streams, client in sorted({(truth.streams, truth.client) for truth in truths}):
        runs = [truth for truth in truths if (truth.streams, truth.client) == (streams, client)]
        cells = [
            spread([getattr(run, name) for run in runs], 2)
            for name in ("true_p50", "error_p50", "true_p99", "error_p99")
        ]
        rows.append([str(streams), client, *cells])
    heads = ["streams", "client", "true p50 ms", "p50 off by ms", "true p99 ms", "p99 off by ms"]
    return "TTFT against the stand-in with a known prefill\n" + table(heads, rows)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns are aligned."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    lines = [heads, ["-" * width for width in widths], *rows]
    return "\n".join("| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines)


def _median(runs: Sequence[Measured], field: str) -> float:
    return statistics.median(getattr(run, field) for run in runs)
