"""The figures of scale-outs in recorded runs, computed again by numpy from the lines of the records alone."""
from __future__ import annotations

import io
import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import zstandard

from elastometer.analysis.resources_used.measurements import measurements
from elastometer.analysis.run import derive_run
from elastometer.analysis.scaling.gains import scale_out_gains
from elastometer.model.scaleout_gains import GainWindow
from elastometer.world.bundle_reader import load_bundle

RUNS = sorted((Path(__file__).parent / "runs").iterdir())


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def ended(run: Path, window: GainWindow, start: float) -> np.ndarray:
    """Latencies in milliseconds of the served requests that ended in the window."""
    content = zstandard.ZstdDecompressor().stream_reader((run / "requests.jsonl.zst").open("rb"))
    lines = [json.loads(line) for line in io.TextIOWrapper(content)]
    found = [(seconds(one["endTime"]) - start, 1000 * (seconds(one["endTime"]) - seconds(one["intendedTime"])))
             for one in lines if one["outcome"] == "Success"]
    return np.array([took for end, took in found if window.start_seconds <= end < window.end_seconds])


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_rates_means_and_percentiles_are_those_of_the_records(run: Path) -> None:
    derived = derive_run(load_bundle(run))
    rows = [one for one in scale_out_gains(derived, measurements(derived)) if one.reason is None]
    assert rows, "the run must have scale-outs with windows"
    start = derived.evidence.origin / 1e9
    for row in rows:
        for side in ("before", "after"):
            window = getattr(row, side)
            took = ended(run, window, start)
            length = window.end_seconds - window.start_seconds
            assert getattr(row.rate, side) == pytest.approx(len(took) / length, abs=0.05)
            assert getattr(row.mean_milliseconds, side) == pytest.approx(took.mean(), abs=0.06)
            p95 = np.percentile(took, 95, method="inverted_cdf")
            assert getattr(row.p95_milliseconds, side) == pytest.approx(p95, abs=0.06)
