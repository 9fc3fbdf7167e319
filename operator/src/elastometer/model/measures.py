"""The registry of measures: what of a run can be compared with another run, in the order of a report.

`study.compare` reads their values out of a run's report.json. A gate and a prediction name a measure by its `name`.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from elastometer.model.measure import Better, Measure, MeasureGroup, Scale
from elastometer.model.schema import shown
from elastometer_loadgen.base.fields import nearest
from elastometer_loadgen.base.record import Outcome

# The two that decide which variant is best, and what stands for the second where no GPUs are known.
MISS_SECONDS, GPU_SECONDS, REPLICA_SECONDS = "missSeconds", "gpuSeconds", "replicaSeconds"
FAILED_OBJECTIVES = "failedObjectives"
MONEY = "money"
# The factors of the elastic speedup: of the replicas that were Ready.
SCORECARD = ("thetaUnderReady", "thetaOverReady", "tauUnderReady", "tauOverReady")
# Latencies by their key in report.json; further down, the requests of a run are asked for the same ones.
LATENCIES: Mapping[str, tuple[str, str]] = {
    "timeToFirstToken": ("Time to first token", "from the intended time to the first token"),
    "timePerOutputToken": ("Time per output token", "(last token - first token) / (tokens - 1)"),
    "latency": ("Request latency", "from the intended time to the end, of requests that succeeded"),
}
PERCENTS = (50, 95, 99)
_FACTOR = Scale.LOGARITHMIC


def latency_name(key: str, percent: int) -> str:
    """The name of a latency's percentile over the whole run, in milliseconds."""
    return f"{key}P{percent}Milliseconds"


def outcome_name(outcome: Outcome) -> str:
    """The name of the count of requests that ended in one way."""
    return f"{outcome.value[0].lower()}{outcome.value[1:]}Requests"


def _objectives() -> Iterator[Measure]:
    yield Measure(
        MISS_SECONDS, "Objective-miss seconds", "s", Better.LOWER, MeasureGroup.OBJECTIVES, "price.alternatives",
        "seconds of the load in which an objective was not met", is_primary=True)
    # Verdicts are counted exactly: unlike a second or a request, a whole one is no step of a scale.
    yield Measure(
        FAILED_OBJECTIVES, "Failed objectives", "objectives", Better.LOWER, MeasureGroup.OBJECTIVES,
        "objectives.verdict", "objectives of the test that the run failed, on cold starts and scale-outs too",
        resolution=0.01)
    yield Measure(
        "failedAnswers", "Failed answers", "answers", Better.LOWER, MeasureGroup.OBJECTIVES, "summary",
        "answers that a check of the load found to be wrong")


def _price() -> Iterator[Measure]:
    group, lower = MeasureGroup.PRICE, Better.LOWER
    gpu = Measure(GPU_SECONDS, "GPU-seconds", "GPU-s", lower, group, "price.paidGpuMilliseconds",
                  "GPUs times seconds that were paid for, from the binding of each Pod to its end", _FACTOR, 0.001,
                  is_primary=True)
    yield gpu
    yield replace(gpu, name=REPLICA_SECONDS, title="Replica-seconds", unit="replica-s", is_primary=False,
                  source="price.paidReplicaMilliseconds", description="replicas times seconds on a node")
    for part, what in (("Useful", "Ready, and demanded"), ("Kept", "Ready while nothing was demanded, to be above 0"),
                       ("Idle", "Ready beyond the demand"), ("Starting", "on a node, not Ready"),
                       ("Draining", "deleted, still on a node")):
        better = Better.HIGHER if part == "Useful" else lower
        yield Measure(f"{part.lower()}GpuSeconds", f"{part} GPU-seconds", "GPU-s", better, group, "price.parts",
                      f"GPUs times seconds: {what}", resolution=0.001)
    yield Measure(MONEY, "Money", "", lower, group, "price.money.run.value",
                  "what the run's GPU-seconds cost by spec.price", _FACTOR, 0.0001)


def _latencies() -> Iterator[Measure]:
    for key, (title, what) in LATENCIES.items():
        for percent in PERCENTS:
            yield Measure(latency_name(key, percent), f"{title} p{percent}", "ms", Better.LOWER, MeasureGroup.LATENCY,
                          f"load[total].{key}.p{percent}", f"{what}, over the whole run", _FACTOR, 0.1)


def _requests() -> Iterator[Measure]:
    group, lower = MeasureGroup.REQUESTS, Better.LOWER
    yield Measure("successPercent", "Requests served", "%", Better.HIGHER, group, "load[total].successPercent",
                  "requests whose last attempt succeeded", resolution=0.01)
    yield Measure("outputTokensPerSecond", "Output tokens per second", "tokens/s", Better.HIGHER, group,
                  "load[total].outputTokensPerSecond", "from the first intended request to the last end", _FACTOR, 0.1)
    yield Measure("failedRequests", "Failed requests", "requests", lower, group, "load[total].outcomes",
                  "requests that did not succeed")
    for outcome in Outcome:
        if outcome is not Outcome.SUCCESS:
            yield Measure(outcome_name(outcome), f"Requests that ended {outcome.value}", "requests", lower, group,
                          "load[total].outcomes", f"requests whose outcome is {outcome.value}")
    yield Measure("lostRequests", "Requests lost at scale-in", "requests", lower, group, "scaleIns.lost",
                  "requests that failed on Pods that were being removed")


def _elasticity() -> Iterator[Measure]:
    for supply, what in (("Ready", "of the Ready replicas"), ("Ordered", "of the replicas that were ordered")):
        for side, word in (("Under", "missing"), ("Over", "idle")):
            yield _score(f"theta{side}{supply}", f"θ {side.lower()} ({supply})", "replicas",
                         f"{word} replicas on average, {what}")
        for side, word in (("Under", "missing"), ("Over", "idle")):
            yield _score(f"tau{side}{supply}", f"τ {side.lower()} ({supply})", "share",
                         f"share of the time in which replicas were {word}, {what}")
    yield _score("instabilityReady", "Instability (Ready)", "share",
                 "share of the time in which supply rose, or did not fall, unlike the demand")
    yield _score("coldStartUnder", "θ under by cold starts", "replicas",
                 "missing replicas on average that were ordered and not yet Ready")


def _score(name: str, title: str, unit: str, description: str) -> Measure:
    return Measure(name, title, unit, Better.LOWER, MeasureGroup.ELASTICITY, "elasticity", description,
                   resolution=0.0001)


def _scaling() -> Iterator[Measure]:
    group, lower = MeasureGroup.SCALING, Better.LOWER
    for percent in (50, 95):
        yield Measure(f"coldStartP{percent}Milliseconds", f"Cold start p{percent}", "ms", lower, group,
                      "coldStarts.coldStart", "from the creation of an added Pod until it is Ready", _FACTOR)
    yield Measure("scaleOutLagMilliseconds", "Scale-out lag", "ms", lower, group, "summary.scaleOutLagMilliseconds",
                  "from the change of spec.replicas until the last added Pod is Ready, median", _FACTOR)
    yield Measure("wakeMilliseconds", "Wake", "ms", lower, group, "summary.wakeMilliseconds",
                  "from the first request that found no replica to the first token, median", _FACTOR)
    for name, title, source, what in (
        ("scaleOuts", "Scale-outs", "summary.scaleOutCount", "changes to more replicas"),
        ("scaleIns", "Scale-ins", "summary.scaleInCount", "changes to fewer replicas"),
        ("flaps", "Flaps", "price.flaps", "scale-ins that the next scale-out reversed"),
        ("overshootReplicas", "Overshoot", "price.overshoot", "Ready replicas beyond the peak of the demand"),
    ):
        unit = "replicas" if name == "overshootReplicas" else "events"
        yield Measure(name, title, unit, lower, group, source, what)
    yield Measure("peakReadyReplicas", "Peak of Ready replicas", "replicas", lower, group, "summary.peakReadyReplicas",
                  "the most replicas that were Ready at one time")


def _resources() -> Iterator[Measure]:
    for name, title, unit, resolution in (
        ("workingSetPeakBytes", "Peak memory of a Pod", "bytes", 4096.0),
        ("processMemoryPeakBytes", "Peak memory of a server process", "bytes", 4096.0),
        ("waitingPeakRequests", "Peak of waiting requests", "requests", 1.0),
    ):
        scale = Scale.LINEAR if unit == "requests" else _FACTOR
        yield Measure(name, title, unit, Better.LOWER, MeasureGroup.RESOURCES, "resources.quantities",
                      "the highest value in the record", scale, resolution)


MEASURES: tuple[Measure, ...] = (
    *_objectives(), *_price(), *_latencies(), *_requests(), *_elasticity(), *_scaling(), *_resources(),
)
BY_NAME: Mapping[str, Measure] = {one.name: one for one in MEASURES}


def measure_flaw(name: str) -> str | None:
    """What is wrong with the name of a measure, as `rule, is value`; None if it is one."""
    if name in BY_NAME:
        return None
    near = nearest(name, BY_NAME)
    meant = f" (did you mean {near}?)" if near else ""
    return f"must be the name of a measure{meant}, is {shown(name)}; docs/studies.md lists them"
