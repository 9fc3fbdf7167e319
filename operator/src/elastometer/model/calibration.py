"""What a calibration run found out about one replica: a part of its report.

A run that uses it records a copy in its provenance.json, so that judging that run needs no other.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elastometer.model.capacity import Capacity
from elastometer.model.document import Document, at, document_at, number_at, text_at, whole_at
from elastometer.model.schema import shown
from elastometer.model.server_flags import container_overlay

# Its key in provenance.json, and the one in the ConfigMap of the report of the run that measured it.
CALIBRATION, CALIBRATION_JSON = "calibration", "calibration.json"


@dataclass(frozen=True, slots=True)
class Calibration:
    """The highest load of one replica, in replica-seconds a request: `seconds_per_request` + prompt tokens x
    `seconds_per_prompt_token` + output tokens x `seconds_per_output_token`.

    `requests_per_second` is that load for requests of the calibration's mean lengths; it lies within `error_percent`.
    `server` are the settings that were measured, `rule` what limited the load, `linearity` what is known of several
    replicas; `replicas` served together. With a `capacity` the load is the saturated throughput, and objectives leave a
    share of it; without one it was measured within objectives.
    """

    test: str
    uid: str
    server: Document
    requests_per_second: float
    seconds_per_request: float
    seconds_per_prompt_token: float
    seconds_per_output_token: float
    error_percent: float | None
    rule: str
    linearity: str
    replicas: int = 1
    capacity: Capacity | None = None

    @property
    def weighs_tokens(self) -> bool:
        """Whether the tokens of a request matter; else each counts the same."""
        return self.seconds_per_prompt_token > 0 or self.seconds_per_output_token > 0


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What a calibration run found, or the reason why it found nothing."""

    found: Calibration | None = None
    reason: str | None = None


def calibration_from(found: Document) -> Calibration | None:
    """The calibration; None if a number is missing without which it says nothing."""
    rate, fixed = number_at(found, "requestsPerSecond"), number_at(found, "secondsPerRequest")
    prompt, output = number_at(found, "secondsPerPromptToken"), number_at(found, "secondsPerOutputToken")
    if rate is None or fixed is None or prompt is None or output is None or rate <= 0:
        return None
    return Calibration(
        text_at(found, "test") or "", text_at(found, "uid") or "", document_at(found, "server"), rate, fixed, prompt,
        output, number_at(found, "errorPercent"), text_at(found, "rule") or "", text_at(found, "linearity") or "",
        whole_at(found, "replicas") or 1, _capacity(document_at(found, "capacity")))


def _capacity(found: Document) -> Capacity | None:
    slots, decode = whole_at(found, "slots"), number_at(found, "decodeSeconds")
    prefill, per_token = number_at(found, "prefillSeconds"), number_at(found, "prefillSecondsPerToken")
    if slots is None or decode is None or prefill is None or per_token is None:
        return None
    return Capacity(
        slots, prefill, per_token, decode, number_at(found, "decodeSecondsPerNeighbour") or 0.0,
        number_at(found, "joinSeconds") or 0.0, number_at(found, "refillSeconds") or 0.0)


def server_settings(target: Document) -> Document:
    """What decides the capacity of a replica, of `spec.target`, by the paths that the user knows."""
    _, overlay = container_overlay(target)
    overlaid = {f"server.podTemplate.spec.containers[server].{name}": overlay.get(name)
                for name in ("image", "command", "args", "env", "resources")}
    stated = {"model.name": at(target, "model", "name"), "model.revision": at(target, "model", "revision"),
              **{f"server.{name}": at(target, "server", name) for name in ("image", "command", "args")}, **overlaid}
    return {name: value for name, value in stated.items() if value not in (None, [], {})}


def other_settings(calibration: Calibration, target: Document) -> Iterator[str]:
    """What differs between the servers of a calibration and of a test, each by its path with both values."""
    mine = server_settings(target)
    for name in sorted({*mine, *calibration.server}):
        if mine.get(name) != calibration.server.get(name):
            yield (f"spec.target.{name}: must be {shown(calibration.server.get(name))}, as in the calibration "
                   f"'{calibration.test}', is {shown(mine.get(name))}")
