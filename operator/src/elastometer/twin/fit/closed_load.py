"""The users and conversations of a recorded run: who they were, how long they thought, and what they asked for.

Population, think times and the order of requests follow from the load's spec and seed; the tokens of each request are
those of the record. Users that are answered sooner than in the record send more than it has: such a request has the
tokens of one of the recorded requests of its stage and turn, chosen by its id.
"""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from elastometer.analysis.evidence.evidence import Evidence
from elastometer.model.capacity import Fitted
from elastometer.model.document import document_at, spec_of
from elastometer.model.knee import KneeSeen, StepSeen
from elastometer.model.request import RecordedRequest
from elastometer.model.units import SECOND
from elastometer.twin.closed_load import ClosedLoad, Step
from elastometer.twin.fit.user_stages import depends_on_answers, user_stages
from elastometer.twin.scenario import Arrival
from elastometer_loadgen.base.record import Outcome
from elastometer_loadgen.base.spans import NO_THINKING
from elastometer_loadgen.base.turns import conversation_of, turn_of
from elastometer_loadgen.base.users import FIRST_CLOSED_ID, STAGE_BITS, USER_BITS, think_seconds
from elastometer_loadgen.plan.draws import draw
from elastometer_loadgen.plan.task_choice import TaskChoice
from elastometer_loadgen.profile.profile import Profile, ProfileError, parse_profile
from elastometer_loadgen.profile.task import Task
from elastometer_loadgen.stages.knee import KneeStage, KneeVariable
from elastometer_loadgen.stages.users import UsersStage

AS_RECORDED = "the load's requests are replayed at the times of the record, whatever the answers, since "


@dataclass(frozen=True, slots=True)
class ClosedPart:
    """A load that depends on answers: `arrivals` are those of its schedule, all else is in `load`."""

    load: ClosedLoad
    arrivals: tuple[Arrival, ...]
    fitted: tuple[Fitted, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class RecordedFacts:
    """What the record says of a request, by id; of others, what the load's seed says and the record has of their like.

    `known` has the tokens of each, `alike` those of the successful requests of each (stage, turn). `tasks` has the name
    of each request's task.
    """

    profile: Profile
    known: Mapping[int, tuple[int, int]]
    alike: Mapping[tuple[int, int], Sequence[tuple[int, int]]]
    tasks: Mapping[int, str]
    _turns: dict[int, int] = field(default_factory=dict)
    _has_turns: bool = field(init=False)
    _choice: TaskChoice = field(init=False)

    def __post_init__(self) -> None:
        # Asked for with every request, and a profile computes it each time.
        self._has_turns = self.profile.max_turns > 1
        # A trace is not part of a record, so which request of the schedule is of which stage is not known then.
        is_unread = any(stage.awaits_data for stage in self.profile.stages)
        self._choice = TaskChoice(self.profile, () if is_unread else None)

    def tokens(self, request: int) -> tuple[int, int]:
        found = self.known.get(request)
        if found is not None:
            return found
        stage, turn = _stage_of(request), turn_of(request)
        pool = self.alike.get((stage, turn)) or self.alike.get((stage, 1)) or tuple(self.known.values())
        return pool[int(think_seconds(0.0, len(pool), self.profile.seed, request))]

    def turns(self, conversation: int) -> int:
        if not self._has_turns:
            return 1
        if conversation not in self._turns:
            task = self._task(conversation)
            self._turns[conversation] = 1 if task is None else task.turns
        return self._turns[conversation]

    def task(self, request: int) -> str:
        conversation = conversation_of(request)
        if (found := self.tasks.get(conversation)) is None:
            task = self._task(conversation)
            return "" if task is None else task.name
        return found

    def turn_think(self, request: int) -> float:
        task = self._task(conversation_of(request))
        if task is None:
            return 0.0
        low, high = task.think.low, task.think.high
        return think_seconds(float(low), float(high - low), self.profile.seed, request)

    def _task(self, conversation: int) -> Task | None:
        """None where the stage and not a task sets the sizes."""
        name, stage = self.tasks.get(conversation), _stage_of(conversation)
        if not name:
            is_sized = stage >= 0 and self.profile.stages[stage].fixes_sizes
            if is_sized or not self._choice.is_known(conversation):
                return None
            return self.profile.tasks[self._choice.place(conversation, draw(self.profile.seed, conversation)[0])]
        return next((task for task in self.profile.tasks if task.name == name), None)


def closed_part(evidence: Evidence, every: Sequence[Arrival]) -> ClosedPart | str | None:
    """What of the recorded load depends on answers; `every` are its requests in their order. None if nothing does; a
    sentence if the record does not show enough to say how."""
    try:
        profile = parse_profile(document_at(spec_of(evidence.spec), "load"))
    except ProfileError as error:
        has_users = any(one.id >= FIRST_CLOSED_ID for one in evidence.requests)
        return f"{AS_RECORDED}its spec cannot be read: {error.faults[0]}" if has_users else None
    if not depends_on_answers(profile):
        return None
    windows = [(one.start_seconds, one.end_seconds) for one in evidence.stages]
    known = [(begin, end) for begin, end in windows if begin is not None and end is not None]
    if len(known) != len(profile.stages):
        return f"{AS_RECORDED}it does not show when each stage of its spec began and ended"
    if any(_stage_of(one.id) >= len(profile.stages) for one in evidence.requests):
        return f"{AS_RECORDED}some are of stages that its spec does not have"
    knees = {search.stage: search for worker in evidence.generators for search in worker.knees}
    blind = [one.name for one in _knees_of_users(profile)
             if (found := knees.get(one.name)) is None or found.interrupted or not found.steps]
    if blind:
        return f"{AS_RECORDED}it has no complete search of {', '.join(blind)}"
    steps = {one.name: tuple(_steps(one, knees[one.name], evidence)) for one in _knees_of_users(profile)}
    facts = _facts(profile, evidence, every)
    scheduled = [(one.id, arrival) for one, arrival in zip(evidence.requests, every, strict=True)
                 if turn_of(one.id) == 1 and not _is_a_user_s(profile, one.id)]
    load = ClosedLoad(tuple(number for number, _ in scheduled), tuple(user_stages(profile, known, steps)), facts,
                      profile.seed, len(every), profile.shared_requests // profile.workers, profile.workers)
    return ClosedPart(load, tuple(arrival for _, arrival in scheduled),
                      tuple(_thinking(profile, evidence, facts)), tuple(_notes(profile, evidence)))


def _knees_of_users(profile: Profile) -> list[KneeStage]:
    return [stage for stage in profile.stages if isinstance(stage, KneeStage) and stage.of is KneeVariable.USERS]


def _is_a_user_s(profile: Profile, request: int) -> bool:
    """Whether a user began it. The requests of a Knee of rates have such ids too, but were due at their instants."""
    if (stage := _stage_of(request)) < 0:
        return False
    found = profile.stages[stage]
    return not (isinstance(found, KneeStage) and found.of is KneeVariable.RATE)


def _steps(stage: KneeStage, found: KneeSeen, evidence: Evidence) -> Iterator[Step]:
    held: list[StepSeen] = [*found.steps, *([] if found.soak is None else [found.soak])]
    for step in held:
        seconds = round((step.end - step.start) / SECOND)
        yield Step(evidence.seconds(step.start), step.value, stage.max_per_user(seconds))


def _facts(profile: Profile, evidence: Evidence, every: Sequence[Arrival]) -> RecordedFacts:
    known = {one.id: (arrival.prompt_tokens, arrival.output_tokens)
             for one, arrival in zip(evidence.requests, every, strict=True)}
    alike: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for one in evidence.requests:
        stage, turn = _stage_of(one.id), turn_of(one.id)
        # A stage in which nothing succeeded still has requests, with the tokens that they are given.
        if one.outcome is Outcome.SUCCESS or not alike[stage, turn]:
            alike[stage, turn].append(known[one.id])
    tasks = {one.id: one.task for one in evidence.requests if turn_of(one.id) == 1}
    return RecordedFacts(profile, known, dict(alike), tasks)


def _thinking(profile: Profile, evidence: Evidence, facts: RecordedFacts) -> list[Fitted]:
    """How long users thought in the record, and how far that is from what the load's seed says."""
    by_user: dict[int, list[RecordedRequest]] = defaultdict(list)
    for one in evidence.requests:
        if (user := conversation_of(one.id) >> USER_BITS) and not profile.stages[_stage_of(one.id)].is_open_ended:
            by_user[user].append(one)
    pauses, apart = [], []
    for sent in by_user.values():
        for one, following in pairwise(sent):
            if one.outcome is Outcome.SUCCESS and one.end is not None:
                pauses.append((following.intended - one.end) / SECOND)
                apart.append(abs(pauses[-1] - _think(profile, facts, one.id, following.id)))
    if not pauses:
        return []
    source = f"the load's seed; the record differs by {1000 * median(apart):.3g} ms (median)"
    return [Fitted("think time", round(median(pauses), 6), "s", source, None, len(pauses))]


def _think(profile: Profile, facts: RecordedFacts, request: int, following: int) -> float:
    """Seconds from the answer to one request to the next of the same user."""
    if conversation_of(following) == conversation_of(request):
        return facts.turn_think(following)
    stage = profile.stages[_stage_of(request)]
    think = stage.think if isinstance(stage, UsersStage | KneeStage) else NO_THINKING
    return think_seconds(float(think.low), float(think.high - think.low), profile.seed, conversation_of(request))


def _stage_of(request: int) -> int:
    """The index of the stage of a user's request; -1 for a request of a schedule."""
    return (conversation_of(request) >> STAGE_BITS) - 1


def _notes(profile: Profile, evidence: Evidence) -> Iterator[str]:
    if any(worker.interruptions for worker in evidence.generators):
        yield "a load worker was interrupted in the record; the users of the model never are"
    if profile.retries:
        yield "retries are not modelled: a request that is lost is not sent again before its user's next one"
