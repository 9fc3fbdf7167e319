"""When a study begins no further run: its `stopWhen`, by the runs so far. Pure."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from elastometer.model.reasons import StopReason
from elastometer.model.report import Verdict
from elastometer.model.study import StudySpec
from elastometer.model.study_document import RunState
from elastometer.model.study_status import StudyRun, StudyStatus


def stop_reason(study: StudySpec, status: StudyStatus, now: datetime) -> tuple[StopReason, str] | None:
    """Why no further run begins, and that in words; None as long as one may."""
    return next(_reasons(study, status, now), None)


def _reasons(study: StudySpec, status: StudyStatus, now: datetime) -> Iterator[tuple[StopReason, str]]:
    stop = study.stop_when
    compared = [run for run in status.runs if run.entry.judged]
    if stop.variant_passes and (passed := _passed(compared)):
        yield StopReason.VARIANT_PASSED, (
            f"the variant '{passed}' met all objectives in every repetition (stopWhen.variantPasses)")
    if stop.run_fails and (failed := next(filter(_has_failed, compared), None)) is not None:
        why = failed.entry.verdict or f"{failed.state.value}, {failed.entry.reason}"
        yield StopReason.RUN_FAILED, f"the run '{failed.name}' ended with {why} (stopWhen.runFails)"
    if stop.gpu_seconds is not None:
        yield from _budget(status, stop.gpu_seconds)
    if stop.minutes is not None and status.start_time is not None:
        minutes = (now - status.start_time).total_seconds() / 60
        if minutes >= stop.minutes:
            yield StopReason.TIME_SPENT, f"the study began {minutes:.0f} min ago (stopWhen.minutes: {stop.minutes})"


def _budget(status: StudyStatus, most: int) -> Iterator[tuple[StopReason, str]]:
    # A run that was not carried out may have held its GPUs for as long as any other.
    begun = (run for run in status.in_state(RunState.JUDGED, RunState.NOT_CARRIED_OUT) if run.uid is not None)
    unknown = [run.name for run in begun if run.gpu_seconds is None]
    used = sum(run.gpu_seconds or 0 for run in status.runs)
    if unknown:
        yield StopReason.GPU_SECONDS_UNKNOWN, (
            f"the GPU-seconds of the run '{unknown[0]}' were not measured, so that a budget of them cannot be kept "
            f"(stopWhen.gpuSeconds: {most})")
    elif used >= most:
        yield StopReason.GPU_SECONDS_SPENT, f"the runs so far used {used} GPU-seconds (stopWhen.gpuSeconds: {most})"


def _passed(runs: list[StudyRun]) -> str | None:
    """The first variant of which every run was judged and passed."""
    for variant in dict.fromkeys(run.entry.variant for run in runs):
        if all(run.entry.verdict == Verdict.PASS for run in runs if run.entry.variant == variant):
            return variant
    return None


def _has_failed(run: StudyRun) -> bool:
    return run.entry.verdict == Verdict.FAIL or run.state is RunState.NOT_CARRIED_OUT
