"""The autoscaler's decision account of a run, a prediction or a trace, from what each of them contains."""
from __future__ import annotations

from elastometer.analysis.autoscaler.explain import explain
from elastometer.analysis.autoscaler.fidelity import fidelity
from elastometer.analysis.autoscaler.points import Accuracy
from elastometer.analysis.autoscaler.recording import SIMULTANEOUS, Unrecorded, recording_of
from elastometer.analysis.autoscaler.signals import signals
from elastometer.analysis.autoscaler.syncs import FIT
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.hpa.recording import Recording
from elastometer.model.autoscaler import AutoscalerAccount
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.model.units import SECOND

# A write follows its sync by up to the first; a sync that left no trace lies within the second of where the period
# puts it.
OF_A_RUN = Accuracy(SIMULTANEOUS / SECOND, FIT / SECOND)


def explain_run(evidence: Evidence) -> AutoscalerAccount:
    """The account of a recorded run. Where nothing can be said, it says why."""
    if evidence.terms.scaler == ScalerType.NONE and not evidence.autoscalers:
        return AutoscalerAccount(reason="the test has no autoscaler (`autoscaler.type: None`)")
    try:
        recording = recording_of(evidence)
        if isinstance(recording, Unrecorded):
            return AutoscalerAccount(reason=recording.reason)
        return explain(recording.spec, recording.name, fidelity(recording), signals(evidence, recording.spec),
                       OF_A_RUN)
    except (SpecError, ValueError, ArithmeticError) as error:
        # Objects as served may hold what no autoscaler would: the rest of the report does not depend on them.
        return AutoscalerAccount(reason=f"the recorded autoscaler could not be parsed: {error}")


def explain_predicted(recording: Recording, evidence: Evidence) -> AutoscalerAccount:
    """The account of a prediction: every sync is known exactly, and so is what the signals did between the syncs."""
    return explain(recording.spec, recording.name, fidelity(recording), signals(evidence, recording.spec),
                   Accuracy())


def explain_trace(recording: Recording) -> AutoscalerAccount:
    """The account of a trace, which has every sync exactly but not what the signals did in between."""
    return explain(recording.spec, recording.name, fidelity(recording), {}, Accuracy())
