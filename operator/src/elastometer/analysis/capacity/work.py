"""How much of one replica's time a request takes, from its tokens. Pure arithmetic on a known capacity."""
from __future__ import annotations

from dataclasses import dataclass

from elastometer.model.capacity import Capacity


@dataclass(frozen=True, slots=True)
class Work:
    """Replica-seconds: a request takes `per_request` + prompt tokens x `per_prompt_token` + output tokens x
    `per_output_token`. A replica that is never idle does one replica-second of work in each second."""

    per_request: float
    per_prompt_token: float
    per_output_token: float

    def seconds(self, prompt_tokens: float, output_tokens: float) -> float:
        """Replica-seconds of one request."""
        return self.per_request + self.per_prompt_token * prompt_tokens + self.per_output_token * output_tokens

    def scaled(self, factor: float) -> Work:
        """The same weights of requests, each `factor` times as long."""
        return Work(factor * self.per_request, factor * self.per_prompt_token, factor * self.per_output_token)


def first_token_seconds(capacity: Capacity, prompt_tokens: float, running: float) -> float:
    """From the start of a request to its first token, with `running` requests on the replica, itself among them."""
    joining = 0.0 if running <= 1 else capacity.refill_seconds if running >= capacity.slots else capacity.join_seconds
    return capacity.prefill_seconds + capacity.prefill_seconds_per_token * prompt_tokens + joining


def pace(capacity: Capacity, running: float) -> float:
    """Seconds per output token after the first, with `running` requests on the replica."""
    return capacity.decode_seconds + capacity.decode_seconds_per_neighbour * max(0.0, running - 1)


def saturated_work(capacity: Capacity) -> Work:
    """The work of a request on a replica whose slots are all taken, all the time: its time in a slot, divided by the
    slots. Its first token is not counted as a decoded one."""
    slots, full = capacity.slots, pace(capacity, capacity.slots)
    return Work(
        per_request=(first_token_seconds(capacity, 0, slots) - full) / slots,
        per_prompt_token=capacity.prefill_seconds_per_token / slots,
        per_output_token=full / slots,
    )
