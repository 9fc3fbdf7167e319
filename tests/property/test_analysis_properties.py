"""What must hold for every run, tried on mutations of the synthetic one."""
from __future__ import annotations

import tempfile
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elastometer.analysis.analyze import judge
from elastometer.analysis.elasticity.scorecard import scorecard
from elastometer.analysis.evidence.steps import Steps
from elastometer.model.bundle import Bundle
from elastometer.model.observation import ObjectSeen, Observation
from elastometer.model.report import Report
from elastometer.model.request import RecordedRequest
from elastometer.model.units import SECOND, format_instant, parse_instant
from elastometer.render.json_report import to_json
from elastometer.world.bundle_reader import load_bundle
from elastometer_loadgen.base.record import INSTANTS
from support.synthetic.run import write_run

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@lru_cache(maxsize=1)
def run() -> Bundle:
    with tempfile.TemporaryDirectory() as directory:
        bundle = load_bundle(write_run(Path(directory)))
    assert len(bundle.requests) == 623
    return bundle


def stream_of(line: Observation) -> str:
    return line.kind.value if isinstance(line, ObjectSeen) else type(line).__name__


@FEW
@given(st.randoms(use_true_random=False))
def test_the_report_does_not_depend_on_how_the_streams_are_merged(chance: Random):
    bundle = run()
    streams: dict[str, list[Observation]] = {}
    for line in bundle.observations:
        streams.setdefault(stream_of(line), []).append(line)
    merged: list[Observation] = []
    queues = [list(reversed(one)) for one in streams.values()]
    while queues:
        queue = chance.choice(queues)
        merged.append(queue.pop())
        queues = [one for one in queues if one]
    requests = list(bundle.requests)
    chance.shuffle(requests)
    other = replace(bundle, observations=tuple(merged), requests=tuple(requests))
    assert to_json(judge(other)) == to_json(judge(bundle))


def shifted(bundle: Bundle, by: int) -> Bundle:
    """Every clock of the run moved by whole seconds."""
    return replace(
        bundle, start=bundle.start + by if bundle.start is not None else None,
        observations=tuple(_shift_line(line, by) for line in bundle.observations),
        requests=tuple(_shift_record(record, by) for record in bundle.requests),
        series=tuple(replace(one, series=tuple(
            replace(part, samples=tuple(
                (time + by, value + by / SECOND if one.name == "process_start_time_seconds" else value)
                for time, value in part.samples)) for part in one.series)) for one in bundle.series),
    )


def _shift_record(record: RecordedRequest, by: int) -> RecordedRequest:
    moved = {name: value + by for name in INSTANTS if (value := getattr(record, name)) is not None}
    return replace(record, **moved)


def _shift_line(line: Observation, by: int) -> Observation:
    names = {field.name for field in fields(line)} & {"received", "sent", "server", "time", "start", "end"}
    moved = replace(line, **{name: getattr(line, name) + by for name in names})
    return replace(moved, object=_shift_json(moved.object, by)) if isinstance(moved, ObjectSeen) else moved


def _shift_json(value: object, by: int) -> object:
    if isinstance(value, dict):
        return {key: _shift_json(item, by) for key, item in value.items()}
    if isinstance(value, list):
        return [_shift_json(item, by) for item in value]
    if isinstance(value, str) and len(value) >= 20 and value[10] == "T" and value.endswith("Z"):
        return format_instant(parse_instant(value) + by, 0)
    return value


def without_dates(report: Report) -> str:
    """The report with every calendar time taken out: what is left are durations and seconds from the start."""
    import json

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in ("time", "loadStart")}
        return [strip(item) for item in value] if isinstance(value, list) else value
    return json.dumps(strip(json.loads(to_json(report))), sort_keys=True)


@FEW
@given(st.integers(-10**8, 10**8))
def test_moving_every_clock_moves_instants_and_leaves_every_duration(seconds: int):
    bundle = run()
    assert without_dates(judge(shifted(bundle, seconds * SECOND))) == without_dates(judge(bundle))


@FEW
@given(st.sets(st.integers(0, 100)))
def test_no_subset_of_the_observations_stops_judgement(gone: set[int]):
    kept = tuple(line for index, line in enumerate(run().observations) if index not in gone)
    assert judge(replace(run(), observations=kept)).summary.request_count == 623


steps = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=8).map(
    lambda points: Steps.of([(0.0, float(points[0][1])), *((float(time), float(value)) for time, value in points)]))


@given(steps, steps)
def test_what_supply_lacks_and_what_it_has_too_much_differ_by_the_mean_of_both(demand: Steps, supply: Steps):
    card = scorecard(demand, supply, 0, 40, 1)
    difference = (supply.integral(0, 40) - demand.integral(0, 40)) / 40
    assert abs((card.theta_over - card.theta_under) - difference) < 1e-9


@given(steps, steps)
def test_shares_of_time_are_shares_and_swapping_the_curves_swaps_them(demand: Steps, supply: Steps):
    one, other = scorecard(demand, supply, 0, 40, 1), scorecard(supply, demand, 0, 40, 1)
    assert 0 <= one.tau_under + one.tau_over <= 1 + 1e-9
    assert (one.tau_under, one.theta_under, one.jitter_per_minute) == (
        other.tau_over, other.theta_over, -other.jitter_per_minute)


@given(st.integers(0, 4 * 10**18))
def test_an_instant_survives_being_printed(instant: int):
    assert parse_instant(format_instant(instant, 9)) == instant
