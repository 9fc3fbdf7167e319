"""Every reason that a condition, an event or a verdict may carry, with what it means. One situation each.

Grouped by the condition that carries them; the types of the conditions are in `status.py`, next to Condition. Exit
codes, reports and dashboards depend on these words: they are public.
"""

from __future__ import annotations

from enum import StrEnum

# Accepted
SPEC_INVALID = "SpecInvalid"  # the spec cannot be carried out; the message names field, rule and value
NOT_BEGUN = "NotBegun"  # something outside keeps the run from beginning; it will be tried again
SPEC_CHANGED = "SpecChanged"  # the spec was changed after the run had begun
SCALER_REJECTED = "ScalerRejected"  # the API server refused the autoscaler in a dry run
TARGET_REJECTED = "TargetRejected"  # the API server refused the Deployment in a dry run
LOAD_REJECTED = "LoadRejected"  # the API server refused the load's Job or a ConfigMap of it in a dry run
LOAD_FILES_MISSING = "LoadFilesMissing"  # the ConfigMap of the load's files, or a key of it, is not there
LOAD_FILES_INVALID = "LoadFilesInvalid"  # a file of the load cannot be used; the message names line, rule and value
API_KEY_MISSING = "APIKeyMissing"  # the Secret of the target's key, or the key in it, is not there
API_KEY_INVALID = "APIKeyInvalid"  # the key in the Secret is not one word of printable ASCII text
CALIBRATION_UNUSABLE = "CalibrationUnusable"  # the calibration run left no capacity, or measured another server
CAPACITY_MISSING = "InsufficientCapacity"  # maxReplicas needs more GPUs than the nodes have
ACCEPTED = "PreflightPassed"  # understood, dry runs passed, Prometheus answers
CHECKING = "Checking"  # study: the tests of its variants are being checked
VARIANTS_ACCEPTED = "VariantsAccepted"  # study: understood, and each variant passed a dry run
NAME_TAKEN = "NameTaken"  # study: an object that it would make exists, and is somebody else's
# Flaws of the spec, and of what it names, that only the operator can see: the API server took it, the run never began.
SPEC_FLAWS = frozenset({
    SPEC_INVALID, SCALER_REJECTED, TARGET_REJECTED, LOAD_REJECTED, LOAD_FILES_MISSING, LOAD_FILES_INVALID,
    API_KEY_MISSING, API_KEY_INVALID, CALIBRATION_UNUSABLE, NAME_TAKEN,
})

# TargetReady
TARGET_STARTING = "TargetStarting"  # waiting for the first replica
TARGET_READY = "FirstReplicaReady"  # the first replica is Ready
NO_REPLICAS_WANTED = "NoReplicasWanted"  # at rest the autoscaler wants no replica; the load has to wake the target
TARGET_WAKING = "TargetWaking"  # the load has begun, and the first replica is not Ready yet
READY_DEADLINE = "ReadyDeadlineExceeded"  # the first replica was not Ready in time
IMAGE_PULL_FAILED = "ImagePullFailed"  # the image cannot be pulled
UNSCHEDULABLE = "Unschedulable"  # no node takes the first replica; the scheduler's own word for it
TARGET_GONE = "TargetGone"  # somebody deleted the Deployment while it was under test
TARGET_CRASHING = "TargetCrashing"  # the server keeps exiting

# MetricsAvailable
PROMETHEUS_UNREACHABLE = "PrometheusUnreachable"  # Prometheus does not answer at the given URL
METRICS_AWAITED = "MetricsAwaited"  # the autoscaler has not read a value yet
METRICS_MISSING = "MetricsMissing"  # the autoscaler cannot read its metric
AT_REST = "AutoscalerAtRest"  # it works, and wants no replica
WAKE_DOUBTFUL = "WakeDoubtful"  # it works and wants no replica, but reads nothing that exists without one
SCALER_NOT_READY = "ScaledObjectNotReady"  # KEDA says that the ScaledObject does not work
SCALER_DISABLED = "AutoscalerDisabled"  # the HPA does not scale a target that others have set to 0 replicas
SCALER_CONFLICT = "AutoscalerConflict"  # more than one autoscaler scales the target
SCALER_GONE = "AutoscalerGone"  # somebody deleted the autoscaler while it was under test
METRICS_SEEN = "MetricsSeen"  # the autoscaler reads its metric
NO_AUTOSCALER = "NoAutoscaler"  # the test has no autoscaler

# LoadDelivered
LOAD_STARTING = "LoadStarting"  # not all workers have started yet
LOAD_RUNNING = "LoadRunning"  # the load runs
LOAD_COMPLETED = "LoadCompleted"  # every worker ran its share and handed over its records
LOAD_NOT_STARTED = "LoadNotStarted"  # workers did not come up in time
LOAD_JOB_FAILED = "LoadJobFailed"  # the Job failed
LOAD_DEADLINE = "LoadDeadlineExceeded"  # the load did not end in time


class LoadFlaw(StrEnum):
    """Why a load that ran was not the load that the spec asks for; the most serious first. Reasons of
    LoadDelivered=False and of an Inconclusive verdict."""

    FELL_BEHIND = "LoadFellBehind"  # the generator, not the server, was the limit
    INCOMPLETE = "LoadIncomplete"  # a worker was away or stopped, missed a part, or left no summary
    RECORDS_MISSING = "RecordsMissing"  # more requests were sent than have a record


# RunsCompleted, of a study
RUNS_UNDER_WAY = "RunsUnderWay"  # not every planned run has ended
TUNING = "Tuning"  # better settings are searched on the record of a run
RUNS_JUDGED = "RunsJudged"  # every planned run was judged
RUNS_MISSING = "RunsMissing"  # a run could not be carried out, or no run was begun
RUNS_SKIPPED = "RunsSkipped"  # runs were left out, because the study stopped before their turn

# A run of a study, in its status: why it was not carried out, beside the reason that its test ended with
RUN_JUDGED = "RunJudged"  # event: the run of that name was judged
RUN_NOT_CARRIED_OUT = "RunNotCarriedOut"  # event: it could not be carried out; the message says why
TEST_DELETED = "TestDeleted"  # somebody deleted the test; it is not created again
RECORD_LOST = "RecordLost"  # it was judged, but the operator's volume no longer holds its report


class StopReason(StrEnum):
    """Why a study begins no further run: reasons of the runs that it leaves out."""

    VARIANT_PASSED = "VariantPassed"  # every repetition of a variant met all objectives
    RUN_FAILED = "RunFailed"  # a run missed an objective, or could not be carried out
    GPU_SECONDS_SPENT = "GPUSecondsSpent"  # the runs so far have used the budget
    GPU_SECONDS_UNKNOWN = "GPUSecondsUnknown"  # there is a budget of them, and those of a run were not measured
    TIME_SPENT = "TimeSpent"  # the study has lasted as long as it may


# ReportReady
COMPARED_SO_FAR = "ComparedSoFar"  # study: a comparison of the runs so far is there
COMPARING = "Comparing"  # study: the runs are being compared
REPORT_REFUSED = "ReportRefused"  # study: the API server refuses the ConfigMap of the report
SETTLING = "Settling"  # still watching after the load, for scale-in
ANALYZING = "Analyzing"  # the bundle is being judged
REPORT_WRITTEN = "ReportWritten"  # report and bundle exist
REPORT_FAILED = "ReportFailed"  # the report could not be made

# ObjectivesMet, and the report's verdict
OBJECTIVES_MET = "ObjectivesMet"  # every objective passed
OBJECTIVES_MISSED = "ObjectivesMissed"  # at least one failed
NOT_ENOUGH_DATA = "NotEnoughData"  # condition: the data of at least one do not allow a verdict
NOT_JUDGED = "NotJudged"  # condition: the test has no objectives
OBJECTIVES_UNCERTAIN = "ObjectivesUncertain"  # report: none failed, and the data of at least one do not allow a verdict
NO_OBJECTIVES = "NoObjectives"  # report: the test has no objectives
SPEC_MISSING = "SpecMissing"  # report: the record lacks the spec, and with it the objectives

# GatesHeld, of a study
GATES_HELD = "GatesHeld"  # no measure became worse than its gate allows
GATES_REGRESSED = "GatesRegressed"  # at least one did
GATES_UNCERTAIN = "GatesUncertain"  # none is known to, and of at least one nothing can be said

# Succeeded, CleanedUp and events
NO_RUN_JUDGED = "NoRunJudged"  # study: not one run could be carried out
STUDY_COMPLETED = "StudyCompleted"  # study: its runs were compared, whatever the verdict
RUNNING = "Running"  # the run is in progress
CREATION_REFUSED = "CreationRefused"  # the API server keeps refusing what the run needs
OPERATOR_FAILED = "OperatorFailed"  # the operator failed on this test repeatedly; its log says where
CLEAN_UP_STUCK = "CleanUpStuck"  # an object of the run still exists after its deletion
COMPLETED = "RunCompleted"  # the run was carried out, whatever the verdict
