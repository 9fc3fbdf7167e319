"""The inputs of a simulation in words, for the report."""
from __future__ import annotations

from elastometer.model.capacity import Capacity


def capacity_in_words(capacity: Capacity) -> str:
    """What one replica can do, in one line."""
    first = f"first token after {1000 * capacity.prefill_seconds:.3g} ms"
    if capacity.prefill_seconds_per_token:
        first += f" + {1000 * capacity.prefill_seconds_per_token:.3g} ms per prompt token"
    if capacity.join_seconds:
        first += f" ({1000 * capacity.join_seconds:.3g} ms later alongside others)"
    token = f"then a token every {1000 * capacity.decode_seconds:.4g} ms"
    if capacity.decode_seconds_per_neighbour:
        token += f" + {1000 * capacity.decode_seconds_per_neighbour:.3g} ms per further request"
    cpu = capacity.cpu_seconds_per_token
    work = f", {1000 * cpu:.3g} ms of CPU each" if cpu else ""
    return f"{capacity.slots} requests at once, {first}, {token}{work}"


def starts_in_words(starts: tuple[float, ...]) -> str:
    """One number, or the range of several."""
    if len(starts) == 1:
        return f"{starts[0]:.4g} s each"
    return f"{len(starts)} values from {starts[0]:.4g} to {starts[-1]:.4g} s; each start draws one, interpolated " \
           "between neighbours"
