"""One server Pod with the log of its start, as a recorder would have seen it. Seconds count from the first line."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elastometer.analysis.evidence.evidence import gather
from elastometer.analysis.starts.coldstart import cold_start, starts
from elastometer.model.bundle import Bundle, LabelledSamples, SeriesName, SeriesOutcome, SeriesResult
from elastometer.model.measurements import ColdStart
from elastometer.model.observation import LogSeen, ObjectKind, ObjectSeen, Observation, Sighting
from elastometer.model.terms import Terms
from elastometer.model.units import SECOND, Instant, format_instant

LOGS = Path(__file__).parent.parent / "cases" / "logs"
_FIRST_LINE = 1_900_000_000 * SECOND
CREATED, STARTED = -5.0, -3.0
PRESENT = 'Container image "vllm/vllm-openai:v0.32.0" already present on machine'
_META = {"name": "demo-server-a", "uid": "pod-a", "labels": {
    "elastometer.dev/test": "demo", "app.kubernetes.io/component": "server"}}


@dataclass(frozen=True, slots=True)
class PodStart:
    """What the recorder saw; `pulled` is the event about the image of the server's container, `fetched` that of an init
    container, and `restarts` are the starts of the server's container after the first one."""

    lines: Sequence[tuple[float, str]]
    ready: float | None = None
    pulled: str | None = PRESENT
    fetched: str | None = None
    restarts: Sequence[float] = ()
    process: float | None = None
    args: Sequence[str] = ()

    def cold_start(self) -> ColdStart:
        """The report's view of it."""
        evidence = gather(Bundle(Terms(test="demo"), start=_FIRST_LINE, observations=tuple(self._seen()),
                                 series=tuple(self._series())))
        found, = starts(evidence, ())
        return cold_start(found, evidence)

    def _seen(self) -> Iterator[Observation]:
        bound = {"type": "PodScheduled", "status": "True", "lastTransitionTime": _stamp(CREATED)}
        yield self._pod(CREATED, Sighting.ADDED, {"conditions": [bound]})
        for count, began in enumerate((STARTED, *self.restarts)):
            status = {"conditions": [bound], "containerStatuses": [_server(count, began)]}
            yield self._pod(began, Sighting.MODIFIED, status)
        images = ((0.5, "initContainers{fetch}", self.fetched), (1.0, "containers{server}", self.pulled))
        yield from (_event(CREATED + second, where, text) for second, where, text in images if text is not None)
        for second, line in self.lines:
            yield LogSeen(_at(second), _META["name"], "server", _at(second), line)  # type: ignore[arg-type]
        if self.ready is not None:
            ready = {"type": "Ready", "status": "True", "lastTransitionTime": _stamp(self.ready)}
            yield self._pod(self.ready, Sighting.MODIFIED, {"conditions": [bound, ready]})

    def _pod(self, second: float, sighting: Sighting, status: dict[str, Any]) -> ObjectSeen:
        return ObjectSeen(_at(second), ObjectKind.POD, sighting, {
            "metadata": {**_META, "creationTimestamp": _stamp(CREATED)}, "status": status,
            "spec": {"containers": [{"name": "server", "args": list(self.args)}]}})

    def _series(self) -> Iterator[SeriesResult]:
        if self.process is not None:
            began = _at(self.process) / SECOND
            samples = LabelledSamples({"pod": str(_META["name"])}, ((_at(self.process) + 60 * SECOND, began),))
            yield SeriesResult(SeriesName.PROCESS_START.value, "", SeriesOutcome.SAMPLES, "", 1.0, (samples,))


def _at(second: float) -> Instant:
    return _FIRST_LINE + round(second * SECOND)


def _stamp(second: float) -> str:
    return format_instant(_at(second), 0)


def _server(count: int, began: float) -> dict[str, Any]:
    return {"name": "server", "restartCount": count, "state": {"running": {"startedAt": _stamp(began)}}}


def _event(second: float, where: str, message: str) -> ObjectSeen:
    about = {"kind": "Pod", "name": _META["name"], "uid": _META["uid"], "fieldPath": f"spec.{where}"}
    return ObjectSeen(_at(second), ObjectKind.EVENT, Sighting.ADDED, {
        "metadata": {"name": where, "uid": where}, "involvedObject": about, "reason": "Pulled", "message": message})


def log_of(name: str) -> list[tuple[float, str]]:
    """A log of tests/cases/logs: seconds since its first line, then the line."""
    text = (LOGS / f"{name}.log").read_text()
    pairs = (line.partition(" ") for line in text.split("\n") if line and not line.startswith("= "))
    return [(float(second), line.encode().decode("unicode_escape") if "\\" in line else line)
            for second, _, line in pairs]


def bars_of(name: str) -> list[str]:
    """The bars that the same file says are true: seconds, then the label, and the model in brackets."""
    text = (LOGS / f"{name}.log").read_text()
    return [line.removeprefix("= ") for line in text.split("\n") if line.startswith("= ")]
