"""What a load profile would send: its schedule, its users and its conversations, before anything is sent."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from statistics import fmean

import orjson

from elastometer.model.document import text_at
from elastometer.twin.closed_load import ClosedLoad, UserStage
from elastometer.twin.fit.user_stages import depends_on_answers, user_stages
from elastometer.twin.forecast.arrivals import MESSAGE_TOKENS, planned_arrivals, prompt_tokens, text_tokens
from elastometer.twin.scenario import Arrival
from elastometer_loadgen.base.turns import conversation_of, turn_id, turn_of
from elastometer_loadgen.base.users import STAGE_BITS, USER_BITS, request_id, think_seconds
from elastometer_loadgen.plan.prompts import PromptSource
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.stages.count import CountStage
from elastometer_loadgen.stages.knee import KneeVariable
from elastometer_loadgen.stages.trace_file import Size

# Requests by which the mean length of an answer is estimated.
SAMPLED = 200


class PlannedFacts:
    """Every request as the load generator would make it, computed when first asked for. Answers are as long as it
    allows."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._source = PromptSource(profile)
        self._tokens: dict[int, tuple[int, int]] = {}
        self._tasks: dict[int, str] = {}

    def __reduce__(self) -> tuple[type[PlannedFacts], tuple[Profile]]:
        """Another process makes it again from the profile."""
        return PlannedFacts, (self._profile,)

    def tokens(self, request: int) -> tuple[int, int]:
        found = self._tokens.get(request)
        if found is None:
            found = self._tokens[request] = self._counted(request)
        return found

    def turns(self, conversation: int) -> int:
        return 1 if self._size(conversation) is not None else self._source.turns(conversation)

    def task(self, request: int) -> str:
        first = conversation_of(request)
        if first not in self._tasks:
            size = self._size(first)
            self._tasks[first] = self._source.prompt(first).task if size is None else size.task
        return self._tasks[first]

    def turn_think(self, request: int) -> float:
        think = self._source.prompt(conversation_of(request)).think
        return think_seconds(float(think.low), float(think.high - think.low), self._profile.seed, request)

    def _counted(self, request: int) -> tuple[int, int]:
        first, turn, size = conversation_of(request), turn_of(request), self._size(request)
        if size is not None:
            return size.prompt_tokens, size.output_tokens
        prompt = self._source.prompt(first)
        self._tasks[first] = prompt.task
        if turn == 1:
            body = orjson.loads(prompt.body)
            return prompt_tokens(body), body["max_tokens"]
        before, answer = self.tokens(turn_id(first, turn - 1))
        new = prompt.further[turn - 2].messages
        asked = sum(MESSAGE_TOKENS + text_tokens(text_at(message, "content") or "") for message in new)
        return before + MESSAGE_TOKENS + answer + asked, answer

    def _size(self, request: int) -> Size | None:
        """The size that its stage sets; None if its task does."""
        index = (conversation_of(request) >> STAGE_BITS) - 1
        stage = self._profile.stages[index] if index >= 0 else None
        return stage.size(request & (1 << USER_BITS) - 1) if isinstance(stage, CountStage) else None


@dataclass(frozen=True, slots=True)
class PlannedLoad:
    """`arrivals` are those of the schedule; `closed` is what depends on answers, None if nothing does."""

    arrivals: tuple[Arrival, ...]
    closed: ClosedLoad | None

    @property
    def request_count(self) -> int:
        """About how many requests there are."""
        return len(self.arrivals) if self.closed is None else self.closed.expected

    @property
    def mean_output_tokens(self) -> float:
        """Of its requests; of users, of the first ones."""
        planned = [arrival.output_tokens for arrival in self.arrivals]
        if self.closed is not None:
            planned += [self.closed.facts.tokens(request)[1] for request in _first_requests(self.closed)]
        return fmean(planned)


def _first_requests(load: ClosedLoad) -> Iterator[int]:
    """The first requests of each stage."""
    for stage in load.stages:
        users = stage.steps[-1].users
        for number in range(SAMPLED):
            user, later = (0, number) if stage.count is not None else (number % users, number // users)
            if stage.count is None or number < stage.count:
                yield request_id(stage.index, user, later)


def planned_load(profile: Profile) -> PlannedLoad:
    """The load of a profile whose stages are all known."""
    arrivals = planned_arrivals(profile)
    if not depends_on_answers(profile) and not profile.is_open_ended:
        return PlannedLoad(arrivals, None)
    ends = accumulate((float(stage.duration_seconds) for stage in profile.stages), initial=0.0)
    windows = list(pairwise(ends))
    facts, stages = PlannedFacts(profile), tuple(user_stages(profile, windows, None))
    load = ClosedLoad(tuple(range(len(arrivals))), stages, facts, profile.seed, 0,
                      profile.shared_requests // profile.workers, profile.workers)
    return PlannedLoad(arrivals, replace(load, expected=_expected(load, facts)))


def _is_of_rates(stage: UserStage) -> bool:
    return stage.knee is not None and stage.knee.of is KneeVariable.RATE


def _expected(load: ClosedLoad, facts: PlannedFacts) -> int:
    """About how many requests it has, if every answer took as long as its user thinks, or a second."""
    users = sum(stage.steps[0].users * (stage.end - stage.begin) / (2 * max(stage.think + stage.think_span / 2, 0.5))
                for stage in load.stages if stage.count is None and not _is_of_rates(stage))
    rates = sum(stage.knee.area / 2 for stage in load.stages if stage.knee is not None and _is_of_rates(stage))
    return round(users + rates) + sum(stage.count or 0 for stage in load.stages) + sum(map(facts.turns, load.ids))
