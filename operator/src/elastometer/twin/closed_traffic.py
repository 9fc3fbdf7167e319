"""Traffic whose arrivals depend on answers. It serves requests exactly as `Traffic` does, but only knows the next one
once the answers before it are known."""
from __future__ import annotations

from collections.abc import Iterator
from math import inf, nan

from elastometer.twin.closed_load import ClosedLoad
from elastometer.twin.ladder import Climb
from elastometer.twin.randomness import stream
from elastometer.twin.replica import Replica
from elastometer.twin.scenario import Arrival, RecordedRandomness, Scenario
from elastometer.twin.traffic import NOBODY, Traffic
from elastometer.twin.users import Users, Wanted
from elastometer_loadgen.stages.objectives import Sample

MILLISECONDS = 1000.0


def traffic_of(scenario: Scenario) -> Traffic:
    """The traffic of the scenario, open or closed."""
    return Traffic(scenario) if scenario.closed is None else ClosedTraffic(scenario, scenario.closed)


class ClosedTraffic(Traffic):
    """Numbers requests in the order in which they are sent, so that every column is in order of time."""

    def __init__(self, scenario: Scenario, load: ClosedLoad) -> None:
        super().__init__(scenario)
        self._facts, self._capacity = load.facts, scenario.capacity
        self._users = Users(load, scenario.arrivals, self._samples)
        self._wanted: list[Wanted] = []
        self._tokens: list[tuple[int, int]] = []
        # The columns grow as requests are sent; those of an open loop are shared with other predictions.
        self.at, self.prompt, self.later_tokens, self.prefill = [], [], [], []
        for column in (self.first_token, self.done_at, self.replica):
            column.clear()
        self._share = stream(scenario.seed, "balance").random
        self._shares: list[float] = []
        self._choices: list[int] = []
        self._choice_of = (scenario.recorded or RecordedRandomness()).choice_of
        self.balancer.shares, self.balancer.choices = self._shares, self._choices

    @property
    def horizon(self) -> float:
        """Earlier than that of the scenario where the load ended earlier than it might have: a while after its last
        stage and its last answer."""
        end, tail = self.scenario.horizon_seconds, self.scenario.tail_seconds
        over = None if tail == inf or self.held else self._users.over_at
        if over is None:
            return end
        return min(end, tail + max((done for done in self.done_at if done == done and done > over), default=over))

    def serve(self, until: float, serving: list[Replica]) -> None:
        """Sends and admits every request that is due before `until`."""
        if serving:
            self._admit(self._sent(until, serving))
            return
        while (wanted := self._users.next_before(until)) is not None:
            number = self._send(wanted)
            if self._has_activator:
                self.held.append(number)
            else:
                # It is refused at once, and its user tries again.
                self._users.answered(number, wanted, wanted.at, lost=True)

    def release(self, at: float, serving: list[Replica]) -> None:
        """Passes on what the activator has kept, and lets their users go on from there."""
        held = list(self.held)
        super().release(at, serving)
        for number in held:
            self._follow(number)

    def requests(self) -> tuple[Arrival, ...]:
        """All that were sent, in order of time."""
        return tuple(Arrival(wanted.at, *tokens, wanted.stage, self._facts.task(wanted.request), wanted.is_judged)
                     for wanted, tokens in zip(self._wanted, self._tokens, strict=True))

    def climbs(self) -> tuple[Climb, ...]:
        """What each Knee found that is over."""
        return tuple(self._users.climbs)

    def ids(self) -> tuple[int, ...]:
        """Their ids in the load."""
        return tuple(wanted.request for wanted in self._wanted)

    def _lose(self, number: int, at: float) -> None:
        super()._lose(number, at)
        self._follow(number)

    def _samples(self, stage: int, begin: float, until: float) -> list[Sample]:
        """What a Knee's step was like for those who asked in it, as at its end."""
        found: list[Sample] = []
        for number in range(self.next - 1, -1, -1):
            if self.at[number] < begin:
                break
            if self._wanted[number].stage == stage:
                found.append(self._sample(number, until))
        return found

    def _sample(self, number: int, until: float) -> Sample:
        at, first, done = self.at[number], self.first_token[number], self.done_at[number]
        to_first = MILLISECONDS * (first - at) if first <= until else None
        if done > until or number in self.held:
            return Sample(age=MILLISECONDS * (until - at), first_token=to_first)
        if done != done or number in self.unserved:
            return Sample(first_token=to_first)
        tokens = self.later_tokens[number]
        pace = MILLISECONDS * (done - first) / tokens if tokens else None
        return Sample(succeeded=True, first_token=to_first, per_token=pace, latency=MILLISECONDS * (done - at))

    def _sent(self, until: float, serving: list[Replica]) -> Iterator[tuple[int, float, Replica]]:
        """Each request with its replica. The caller serves one before it asks for the next, which may follow it."""
        while (wanted := self._users.next_before(until)) is not None:
            number = self._send(wanted)
            picks = iter(self.balancer.picks((number,), (wanted.at,), serving))
            yield number, wanted.at, next(picks)
            # Some ways of balancing keep account of when a request has ended.
            next(picks, None)
            self._follow(number)

    def _send(self, wanted: Wanted) -> int:
        """Gives the request its number, and each column a place for it."""
        prompt, output = tokens = self._facts.tokens(wanted.request)
        self._wanted.append(wanted)
        self._tokens.append(tokens)
        self.at.append(wanted.at)
        self.prompt.append(prompt)
        self.later_tokens.append(max(0, output - 1))
        self.prefill.append(self._capacity.prefill_seconds + self._capacity.prefill_seconds_per_token * prompt)
        self.first_token.append(nan)
        self.done_at.append(nan)
        self.replica.append(NOBODY)
        self._shares.append(self._share())
        if self._choice_of:
            self._choices.append(self._choice_of.get(wanted.request, NOBODY))
        self.next += 1
        return self.next - 1

    def _follow(self, number: int) -> None:
        """Lets the user of a request go on from its end."""
        self._users.answered(number, self._wanted[number], self.done_at[number], lost=number in self.unserved)
