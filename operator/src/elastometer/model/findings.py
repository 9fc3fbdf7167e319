"""The names and severities of findings. They are public: report.json carries them and docs/report.md explains them."""
from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters; the gravest first."""

    PROBLEM = "Problem"
    WARNING = "Warning"
    HINT = "Hint"


class FindingName(StrEnum):
    """Every named pathology of a run."""

    # The run as a whole
    EVERY_REQUEST_REJECTED = "EveryRequestRejected"  # nothing but client errors: the run measured nothing
    TRACE_TIMES_DOUBTFUL = "TraceTimesDoubtful"  # the times of a trace seem to count another unit
    CLIENT_BOUND = "ClientBound"  # the load generator was the limit
    PENDING_ON_GPUS = "PendingOnGPUs"  # replicas waited for a GPU
    PENDING_PODS = "PendingPods"  # replicas could not be scheduled at once, for another reason
    METRIC_MISSING = "MetricMissing"  # the autoscaler had no metric
    ABORTS_ON_DRAIN = "AbortsOnDrain"  # requests were lost on Pods that were being removed
    MAXIMUM_CLAMPED = "MaximumClamped"  # maxReplicas held the autoscaler back
    FLAPPING = "Flapping"  # replicas were removed and then missed
    REPLICAS_ADDED_NOTHING = "ReplicasAddedNothing"  # no scale-out brought a gain that replicas could bring
    SCALING_NEVER_TRIGGERED = "ScalingNeverTriggered"  # nothing scaled, although requests waited
    NEVER_WOKE = "NeverWoke"  # requests came to a target without a replica, and nothing woke it
    LOST_DURING_WAKE = "LostDuringWake"  # requests were lost until a target at zero replicas served
    AUTOSCALER_CONFLICT = "AutoscalerConflict"  # more than one autoscaler scaled the target
    UNUSED_REPLICAS = "UnusedReplicas"  # Ready replicas got no request
    BACKLOG_PINNED = "BacklogPinned"  # requests waited on one replica while others had free slots
    SLOW_FIRST_START = "SlowFirstStart"  # the first start fetched what later ones found
    PROBE_TAX = "ProbeTax"  # probes kept finished replicas waiting
    UNATTRIBUTED_START = "UnattributedStart"  # a good part of a cold start has no explanation
    CLOCK_SKEW = "ClockSkew"  # two clocks disagree
    OBJECTIVE_BLIND = "ObjectiveBlind"  # a bad stretch that no objective covers

    # Supply against demand
    OVER_PROVISIONED = "OverProvisioned"  # Ready replicas that the demand did not need
    COLD_START_DOMINATES = "ColdStartDominates"  # most of what was missing had been ordered and was still starting
    DECISION_DOMINATES = "DecisionDominates"  # most of what was missing had not been ordered

    # The autoscaler's decision account
    POLICY_BOUND = "PolicyBound"  # a scaling policy held the scale-out back
    SCALE_UP_WINDOW = "ScaleUpWindow"  # the scale-up stabilization window held the scale-out back
    LATE_METRIC = "LateMetric"  # the number that the autoscaler reads was old
    AUTOSCALER_DOUBTFUL = "AutoscalerDoubtful"  # the replay does not reproduce what the controller decided

    # What the servers used and said
    OUT_OF_MEMORY = "OutOfMemory"  # a server ran out of memory
    MEMORY_GROWS = "MemoryGrows"  # memory grows while the load stays the same
    MEMORY_NOT_RETURNED = "MemoryNotReturned"  # memory was not back after the load
    CPU_SATURATED = "CPUSaturated"  # the servers' CPU was full, or throttled
    PREEMPTIONS = "Preemptions"  # sequences were put back for want of KV cache
    SERVER_WARNINGS = "ServerWarnings"  # the servers logged warnings under load that they do not log at their start
    QUOTA_EXCEEDED = "QuotaExceeded"  # a quota kept replicas from being created
    AUTOSCALER_ALTERED = "AutoscalerAltered"  # the autoscaler as served is not the one that was asked for

    # What clients experienced
    ERRORS_AT_START = "ErrorsAtStart"  # requests failed at the begin of a stage, beyond chance
    OVERLOADED = "Overloaded"  # servers turned requests away
    INPUT_TOO_LONG = "InputTooLong"  # from some length of the input on, requests are slow, lost or answered worse
    JITTERY_LATENCY = "JitteryLatency"  # under a steady load, some requests take far longer than others at that time

    # The answers
    CROSS_TALK = "CrossTalk"  # requests got the answer of another request: a mark proves it
    TASKS_MIXED_UP = "TasksMixedUp"  # answers have the form of another task's
    ANSWERS_END_EARLY = "AnswersEndEarly"  # answers are shorter than they should be
    REPETITIVE = "Repetitive"  # answers repeat themselves
    FORGETS = "Forgets"  # from some distance on, facts of a conversation are not recalled
    STRUCTURE_UNRELIABLE = "StructureUnreliable"  # structured answers fail too often
    STREAM_BUFFERED = "StreamBuffered"  # something between model and client holds the tokens back
    ANSWERS_DEGRADE_UNDER_LOAD = "AnswersDegradeUnderLoad"  # checks fail more often when more is in flight
