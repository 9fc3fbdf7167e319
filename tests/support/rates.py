"""How many arrivals a rate that moves in a straight line has had: what tests hold schedules against."""

from elastometer_loadgen.stages.rate import RateStage


def expected_count(stage: RateStage, t: float) -> float:
    """N(t): arrivals expected in the first t seconds of a stage, 0 <= t <= duration."""
    start, end = float(stage.start_rate), float(stage.end_rate)
    return start * t + (end - start) * t * t / (2 * stage.duration_seconds)
