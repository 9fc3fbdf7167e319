"""Parses each type of stage from its mapping. Faults are appended, never raised."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from elastometer_loadgen.base.fields import Fault, Fields, shown
from elastometer_loadgen.profile.knee import DEFAULT_PERCENTILE, KneeIndicator, KneeObjective
from elastometer_loadgen.profile.stages import (
    Arrivals,
    CountStage,
    KneeStage,
    KneeVariable,
    RateStage,
    Stage,
    StageType,
    TraceStage,
    UsersStage,
)
from elastometer_loadgen.profile.task import NO_THINKING, THINKING, decimal_span
from elastometer_loadgen.profile.traces import MAX_TOKENS, Size, TraceFormat

STAGE_FIELDS: Mapping[StageType, tuple[str, ...]] = {
    StageType.RATE: ("durationSeconds", "startRequestsPerSecond", "endRequestsPerSecond", "arrivals", "burstiness"),
    StageType.USERS: ("durationSeconds", "users", "spawnPerSecond", "thinkTimeSeconds", "maximumRequests"),
    StageType.CONCURRENCY: ("durationSeconds", "concurrency", "requests", "maximumRequests"),
    StageType.KNEE: (
        "of", "start", "step", "stepSeconds", "maximum", "soakSeconds", "thinkTimeSeconds", "maximumRequests",
        "objectives",
    ),
    StageType.SWEEP: ("inputTokens", "outputTokens", "requestsEach"),
    StageType.TRACE: ("file", "format", "timeScale", "durationSeconds"),
}
OBJECTIVE_FIELDS = ("indicator", "percentile", "maximumMilliseconds", "minimumPercent")
MAX_STAGE_SECONDS = 604_800
MAX_RATE = "100000"
BURSTINESS = ("0.01", "1000")
TIME_SCALE = ("0.000001", "1000000")
MAX_PATH_CHARACTERS = 4096
MAX_USERS = 10_000
# With fewer requests in the first step of a Knee, randomness and not the server decides its verdict.
MIN_REQUESTS_IN_FIRST_STEP = 10
MAX_REQUESTS = 10_000_000
DEFAULT_MAX_REQUESTS = 100_000
# A Knee spreads its limit over all steps, so it needs a higher one where the steps are many and long.
DEFAULT_MAX_REQUESTS_OF_KNEE = 500_000
# A quarter more than the users could send if every answer came instantly.
THINK_TIME_MARGIN = Fraction(5, 4)
# What people call healthy: 99 of 100 requests succeed, and 99 of 100 answers take at most 2 seconds.
DEFAULT_OBJECTIVES = (
    KneeObjective(KneeIndicator.REQUEST_SUCCESS, DEFAULT_PERCENTILE, None, 99),
    KneeObjective(KneeIndicator.REQUEST_LATENCY, 99, 2000, None),
)


def parse_stages(fields: Fields, request_seconds: int) -> tuple[Stage, ...]:
    """The field `stages`; no request takes longer than `request_seconds`."""
    stages: list[Stage] = []
    for index, item in enumerate(fields.items("stages", 256, required=True)):
        stage = _stage(item, f"stages[{index}]", fields.faults, before=stages, request_seconds=request_seconds)
        stages.extend([stage] if stage is not None else [])
    return tuple(stages)


def _stage(
    value: object, path: str, faults: list[Fault], *, before: list[Stage], request_seconds: int
) -> Stage | None:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or kind not in set(StageType):
        known = list(value) if isinstance(value, Mapping) else []
        fields = Fields(value, path, faults, known)
        fields.require("type")
        # Which fields are known depends on the type, so the others cannot be checked.
        fields.choice("type", StageType, default=StageType.RATE)
        return None
    kind = StageType(kind)
    fields = Fields(value, path, faults, ("name", "type", *STAGE_FIELDS[kind]))
    match kind:
        case StageType.RATE:
            last = before[-1] if before else None
            return _rate(fields, last.end_rate if isinstance(last, RateStage) else None)
        case StageType.CONCURRENCY | StageType.SWEEP:
            return _CLOSED[kind](fields, request_seconds)
        case _:
            return _OTHERS[kind](fields)


def _rate(fields: Fields, before: Fraction | None) -> RateStage:
    fields.require("endRequestsPerSecond")
    end = fields.decimal("endRequestsPerSecond", "0", MAX_RATE) or Fraction(0)
    before = end if before is None else before
    start = fields.decimal("startRequestsPerSecond", "0", MAX_RATE, default=before)
    arrivals = fields.choice("arrivals", Arrivals, default=Arrivals.POISSON)
    return RateStage(
        name=fields.name(),
        duration_seconds=_duration(fields),
        start_rate=start or Fraction(0),
        end_rate=end,
        arrivals=arrivals,
        burstiness=_burstiness(fields, arrivals),
    )


def _burstiness(fields: Fields, arrivals: Arrivals) -> Fraction | None:
    if arrivals is Arrivals.GAMMA:
        fields.require("burstiness")
        return fields.decimal("burstiness", *BURSTINESS, default=Fraction(1))
    if fields.has("burstiness"):
        fields.refuse("burstiness", "be absent unless arrivals is Gamma")
    return None


def _trace(fields: Fields) -> TraceStage:
    fields.require("format")
    limit = fields.integer("durationSeconds", 1, MAX_STAGE_SECONDS, default=1)
    return TraceStage(
        name=fields.name(),
        file=fields.text("file", MAX_PATH_CHARACTERS, default=None),
        format=fields.choice("format", TraceFormat, default=TraceFormat.AZURE_LLM),
        time_scale=fields.decimal("timeScale", *TIME_SCALE, default=Fraction(1)) or Fraction(1),
        limit_seconds=limit if fields.has("durationSeconds") else None,
    )


def _users(fields: Fields) -> UsersStage:
    return UsersStage(
        name=fields.name(),
        type=StageType.USERS,
        duration_seconds=_duration(fields),
        users=fields.integer("users", 1, MAX_USERS, default=None),
        spawn_rate=fields.decimal("spawnPerSecond", "0.001", str(MAX_USERS)),
        think=decimal_span(fields, "thinkTimeSeconds", *THINKING) or NO_THINKING,
        max_requests=_max_requests(fields),
    )


def _concurrency(fields: Fields, request_seconds: int) -> UsersStage | CountStage:
    name, concurrency = fields.name(), fields.integer("concurrency", 1, MAX_USERS, default=None)
    if fields.has("durationSeconds") == fields.has("requests"):
        fields.fault("durationSeconds", "must be given, or requests instead, but not both")
    if not fields.has("requests"):
        seconds = fields.integer("durationSeconds", 1, MAX_STAGE_SECONDS, default=1)
        max_requests = _max_requests(fields)
        return UsersStage(name, StageType.CONCURRENCY, seconds, concurrency, None, NO_THINKING, max_requests)
    if fields.has("maximumRequests"):
        fields.refuse("maximumRequests", "be absent where requests is given")
    requests = fields.integer("requests", 1, MAX_REQUESTS, default=None)
    return CountStage(name, StageType.CONCURRENCY, concurrency, requests, request_seconds)


def _sweep(fields: Fields, request_seconds: int) -> CountStage:
    output = fields.integer("outputTokens", 1, MAX_TOKENS, default=None)
    each = fields.integer("requestsEach", 1, 100_000, default=None)
    lengths = fields.items("inputTokens", 100, required=True)
    for index, length in enumerate(lengths):
        if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MAX_TOKENS:
            rule = f"must be an integer from 1 to {MAX_TOKENS}"
            fields.fault(f"inputTokens[{index}]", f"{rule}; got {shown(length)}")
    sizes = tuple(Size(f"sweep-{length}", length, output) for length in lengths)
    return CountStage(fields.name(), StageType.SWEEP, 1, each * max(len(sizes), 1), request_seconds, sizes)


def _knee(fields: Fields) -> KneeStage:
    fields.require("of")
    of = fields.choice("of", KneeVariable, default=KneeVariable.USERS)
    start = fields.integer("start", 1, MAX_USERS, default=None)
    if of is KneeVariable.RATE:
        for name in ("thinkTimeSeconds", "maximumRequests"):
            if fields.has(name):
                fields.refuse(name, "be absent unless of is Users")
        _check_first_step(fields, start)
    stage = KneeStage(
        name=fields.name(),
        of=of,
        start=start,
        step=fields.integer("step", 1, MAX_USERS, default=None),
        step_seconds=fields.integer("stepSeconds", 1, MAX_STAGE_SECONDS, default=None),
        maximum=fields.integer("maximum", start, MAX_USERS, default=None),
        soak_seconds=fields.integer("soakSeconds", 0, MAX_STAGE_SECONDS, default=0),
        think=decimal_span(fields, "thinkTimeSeconds", *THINKING) or NO_THINKING,
        max_requests=_max_requests(fields),
        objectives=_objectives(fields),
    )
    return stage if fields.has("maximumRequests") else replace(stage, max_requests=_default_max_requests(stage))


def _default_max_requests(stage: KneeStage) -> int:
    """Enough for users that think, and one request per second for users that hardly do."""
    pause = max((stage.think.low + stage.think.high) / 2 / THINK_TIME_MARGIN, Fraction(1))
    return min(max(math.ceil(stage.area / pause), DEFAULT_MAX_REQUESTS), DEFAULT_MAX_REQUESTS_OF_KNEE)


def _check_first_step(fields: Fields, rate: int) -> None:
    seconds = fields.raw("stepSeconds")
    are_valid = fields.raw("start") == rate and isinstance(seconds, int) and seconds >= 1
    if are_valid and rate * seconds < MIN_REQUESTS_IN_FIRST_STEP:
        least = -(-MIN_REQUESTS_IN_FIRST_STEP // rate)
        expected = f"{MIN_REQUESTS_IN_FIRST_STEP} requests are expected in the first step, at {rate}/s"
        fields.refuse("stepSeconds", f"be at least {least}, so that {expected}")


def _objectives(fields: Fields) -> tuple[KneeObjective, ...]:
    if not fields.has("objectives"):
        return DEFAULT_OBJECTIVES
    given = fields.items("objectives", 16, required=False)
    where = fields.at("objectives")
    return tuple(
        _objective(Fields(item, f"{where}[{index}]", fields.faults, OBJECTIVE_FIELDS))
        for index, item in enumerate(given)
    )


def _objective(fields: Fields) -> KneeObjective:
    fields.require("indicator")
    indicator = fields.choice("indicator", KneeIndicator, default=KneeIndicator.REQUEST_SUCCESS)
    bounds = ("maximumMilliseconds", "minimumPercent")
    wanted, other = bounds[::-1] if indicator is KneeIndicator.REQUEST_SUCCESS else bounds
    if fields.raw("indicator") == indicator:
        fields.require(wanted)
        if fields.has(other):
            fields.refuse(other, f"be absent with the indicator {indicator}")
    maximum = fields.integer("maximumMilliseconds", 1, 2**31 - 1, default=1)
    minimum = fields.integer("minimumPercent", 0, 100, default=0)
    percentile = fields.integer("percentile", 1, 100, default=DEFAULT_PERCENTILE)
    if indicator is KneeIndicator.REQUEST_SUCCESS:
        return KneeObjective(indicator, percentile, None, minimum)
    return KneeObjective(indicator, percentile, maximum, None)


def _duration(fields: Fields) -> int:
    return fields.integer("durationSeconds", 1, MAX_STAGE_SECONDS, default=None)


def _max_requests(fields: Fields) -> int:
    return fields.integer("maximumRequests", 1, MAX_REQUESTS, default=DEFAULT_MAX_REQUESTS)


_CLOSED: Mapping[StageType, Callable[[Fields, int], Stage]] = {
    StageType.CONCURRENCY: _concurrency, StageType.SWEEP: _sweep,
}
_OTHERS: Mapping[StageType, Callable[[Fields], Stage]] = {
    StageType.USERS: _users, StageType.KNEE: _knee, StageType.TRACE: _trace,
}
