"""The autoscaler's account of a recorded run and of a trace, from whatever each of them lets us know."""
from __future__ import annotations

from elastometer.analysis.autoscaler.explain import explain
from elastometer.analysis.autoscaler.fidelity import fidelity
from elastometer.analysis.autoscaler.points import Accuracy
from elastometer.analysis.autoscaler.recording import SIMULTANEOUS, Unrecorded, recording_of
from elastometer.analysis.autoscaler.signals import signals
from elastometer.analysis.autoscaler.syncs import FIT
from elastometer.analysis.evidence.evidence import Evidence
from elastometer.hpa.recording import Recording
from elastometer.model.autoscaler import Autoscaler
from elastometer.model.errors import SpecError
from elastometer.model.spec import ScalerType
from elastometer.model.units import SECOND

# A write follows its look by up to this; a look that left no trace lies within this of where the period puts it.
OF_A_RUN = Accuracy(SIMULTANEOUS / SECOND, FIT / SECOND)


def explain_run(evidence: Evidence) -> Autoscaler:
    """The account of a recorded run. Where nothing can be said, it says why."""
    if evidence.terms.scaler == ScalerType.NONE and not evidence.autoscalers:
        return Autoscaler(reason="the test asked for none (`autoscaler.type: None`)")
    try:
        recording = recording_of(evidence)
        if isinstance(recording, Unrecorded):
            return Autoscaler(reason=recording.reason)
        return explain(recording.spec, recording.name, fidelity(recording), signals(evidence, recording.spec),
                       OF_A_RUN)
    except (SpecError, ValueError, ArithmeticError) as error:
        # Objects as served may hold what no autoscaler would: the rest of the report does not depend on them.
        return Autoscaler(reason=f"what was recorded of the autoscaler was not understood: {error}")


def explain_predicted(recording: Recording, evidence: Evidence) -> Autoscaler:
    """The account of a prediction: every sync is known exactly, and so is what the signals did between the syncs."""
    return explain(recording.spec, recording.name, fidelity(recording), signals(evidence, recording.spec),
                   Accuracy())


def explain_trace(recording: Recording) -> Autoscaler:
    """A trace tells every sync exactly, and nothing of what was between them."""
    return explain(recording.spec, recording.name, fidelity(recording), {}, Accuracy())
