"""One stage of users while it runs in virtual time: who takes part, and what each may still send."""
from __future__ import annotations

from bisect import bisect_right

from elastometer.twin.closed_load import Step, UserStage
from elastometer.twin.ladder import Ladder


class StageRun:
    """One stage while it runs, with its instants moved by `shift`."""

    def __init__(self, stage: UserStage, shift: float, seed: int) -> None:
        self.stage = stage
        self.ladder = None if stage.knee is None else Ladder(stage.knee, stage.index, seed, stage.begin + shift)
        self.begin, self.end = stage.begin + shift, stage.end + shift
        self.steps = [step._replace(at=step.at + shift) for step in stage.steps]
        self._instants = [step.at for step in self.steps]
        self._started: dict[int, int] = {}
        self._spent: dict[int, int] = {}
        self._next = 0
        self.outstanding = 0
        self.is_over = False

    @property
    def used_up(self) -> bool:
        """Whether every number of its sequence was taken."""
        return self.stage.count is not None and self._next >= self.stage.count

    def runs_at(self, at: float) -> bool:
        """A stage that answers end runs until they do, whatever the plan says."""
        return self.begin <= at and (not self.is_over if self.stage.is_open_ended else at < self.end)

    def has(self, user: int, at: float) -> bool:
        """Whether the user takes part."""
        return user < self.steps[bisect_right(self._instants, at) - 1].users

    def judges(self, at: float) -> bool:
        """Whether what is due then is judged: it is not in the warm-up of a step."""
        return at >= self._instants[max(bisect_right(self._instants, at) - 1, 0)] + self.stage.warmup

    def add(self, step: Step) -> None:
        """One more step, after all others."""
        self.steps.append(step)
        self._instants.append(step.at)

    def number(self, user: int) -> int:
        """The number of the request that the user would send next."""
        return self._next if self.stage.count is not None else self._started.get(user, 0)

    def _allowed(self, user: int, at: float) -> float:
        """How many requests the user may have sent by then; what it did not use in a step it may use later."""
        if len(self.steps) == 1:
            return self.steps[0].allowed
        return sum(step.allowed for step in self.steps if step.at <= at and user < step.users)

    def take(self, user: int, turns: int, at: float) -> bool:
        """Charges a conversation of so many turns; False if the user may not send that many more."""
        if self.stage.count is not None:
            self._next += 1
        else:
            spent = self._spent.get(user, 0) + turns
            if spent > self._allowed(user, at):
                return False
            self._started[user], self._spent[user] = self._started.get(user, 0) + 1, spent
        self.outstanding += 1
        return True
