"""What one worker's users may send of the bound of the whole load, counted as it is spent. Pure.

Workers do not communicate, so each has an equal part of what the stages of a known number leave of the bound.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from elastometer_loadgen.base.turns import turn_of
from elastometer_loadgen.base.users import FIRST_CLOSED_ID, STAGE_BITS
from elastometer_loadgen.drive.share import WorkerShare


@dataclass(slots=True)
class Budget:
    """`bound` is that of the whole load, for messages; `left` what this worker's users may still send."""

    bound: int
    left: int
    was_refused: bool = False
    """True once a user wanted more than was left."""

    def take(self, requests: int) -> bool:
        """Charges so many requests; False if there are not so many left."""
        if requests > self.left:
            self.was_refused = True
            return False
        self.left -= requests
        return True


def budget_of(share: WorkerShare) -> Budget:
    """What is left for a worker; what an earlier incarnation recorded is spent."""
    profile = share.profile
    sharing = {index for index, stage in enumerate(profile.stages) if profile.shares_bound(stage)}
    spent = _spent(share.done, share.turns, sharing)
    return Budget(profile.maximum_requests, profile.shared_requests // share.workers - spent)


def _spent(done: Collection[int], turns: Callable[[int], int], sharing: Collection[int]) -> int:
    """With all turns of each conversation, which are charged when it starts."""
    return sum(turns(number) for number in done
               if number >= FIRST_CLOSED_ID and turn_of(number) == 1 and (number >> STAGE_BITS) - 1 in sharing)
