"""What can be changed while the server runs, through /standin/config: rates, conditions, seed, pace, health. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from elastometer_standin.settings import Pace
from elastometer_standin.troubles.faults import Fault, Faults, parse_conditions, parse_rates

PARTS = ("rates", "when", "seed", "pace", "unhealthy", "refuse")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The changeable state of one server."""

    faults: Faults
    pace: Pace
    unhealthy: bool = False
    refuse: bool = False

    def view(self) -> dict[str, Any]:
        """As a JSON object, in the form that `changed` reads."""
        return {
            "rates": {fault.value: self.faults.rates.get(fault.value, 0.0) for fault in Fault},
            "when": {name: condition.text for name, condition in self.faults.conditions.items()},
            "seed": self.faults.seed,
            "pace": asdict(self.pace),
            "unhealthy": self.unhealthy,
            "refuse": self.refuse,
        }


def changed(before: Configuration, data: Mapping[str, Any]) -> Configuration:
    """`before` with the changes in `data`. ValueError names what is wrong."""
    unknown = sorted(set(data) - set(PARTS))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is unknown; must be one of {', '.join(sorted(PARTS))}")
    texts = _mapping(data, "when")
    # An empty text takes a condition away.
    kept = {name: one for name, one in before.faults.conditions.items() if name not in texts}
    seed = data.get("seed", before.faults.seed)
    flags = {name: data.get(name, getattr(before, name)) for name in ("unhealthy", "refuse")}
    if not isinstance(seed, int) or not all(isinstance(flag, bool) for flag in flags.values()):
        raise ValueError("seed must be an integer; unhealthy and refuse must be true or false")
    rates = {**before.faults.rates, **parse_rates(_mapping(data, "rates"))}
    faults = Faults(rates, seed, {**kept, **parse_conditions(texts)})
    return Configuration(faults, changed_pace(before.pace, _mapping(data, "pace")), **flags)


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} must be an object, got {type(value).__name__}")
    return value


def changed_pace(pace: Pace, changes: Mapping[str, Any]) -> Pace:
    """`pace` with some fields replaced; ValueError names a field that is unknown or not positive."""
    known = asdict(pace)
    for name, value in changes.items():
        if name not in known:
            raise ValueError(f"pace.{name} is unknown; must be one of {', '.join(sorted(known))}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise ValueError(f"pace.{name} must be a number of at least 0, got {value!r}")
        if name == "prefill_tokens_per_second" and value <= 0:
            raise ValueError(f"pace.{name} must be greater than 0, got {value!r}")
    return replace(pace, **changes)
