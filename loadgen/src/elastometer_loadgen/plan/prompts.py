"""The content of each request, drawn from the seed and the request's id alone.

Request 17 therefore has the same content in every run with the same seed, however many workers share the schedule and
however often one of them was restarted. The draw is a hash, not a random stream: no prompt depends on another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from elastometer_loadgen.base.spans import NO_THINKING, Span
from elastometer_loadgen.base.turns import turn_of
from elastometer_loadgen.checks.contract import Contract, bind, shape_of
from elastometer_loadgen.checks.crosstalk import CrosstalkCheck
from elastometer_loadgen.checks.fingerprint import input_text
from elastometer_loadgen.plan.draws import RANGE, draw, draw_further, drawn_fields
from elastometer_loadgen.plan.schedule import Arrival
from elastometer_loadgen.plan.sized import SizedText, sized_body
from elastometer_loadgen.plan.task_choice import TaskChoice
from elastometer_loadgen.profile.dialogue import (
    CANARY_SLOT,
    INPUT_SLOT,
    FurtherTurn,
    further_turns,
    needs_text,
    turn_bodies,
)
from elastometer_loadgen.profile.messages import Role
from elastometer_loadgen.profile.profile import Profile
from elastometer_loadgen.profile.task import Endpoint, ResponseFormat, Task

PATHS = {Endpoint.CHAT_COMPLETIONS: "/v1/chat/completions", Endpoint.COMPLETIONS: "/v1/completions"}
# A record keeps the beginning of a longer value.
MAX_GROUP_CHARACTERS = 128


class Prompt(NamedTuple):
    """A request ready to be sent. `fingerprint` is 4 hex digits from the seed and the id.

    `canary` is the mark in its text, if the task has one; `contract` holds the checks of the answer, None without any.
    Each request of a conversation carries all `further` turns that follow the first one, and the time that its user
    thinks between turns.
    """

    task: str
    fingerprint: str
    body: bytes
    canary: str = ""
    contract: Contract | None = None
    keeps_text: bool = False
    further: tuple[FurtherTurn, ...] = ()
    think: Span = NO_THINKING
    input_characters: int | None = None
    """Characters of the last user message, or of the prompt."""
    requested_tokens: int | None = None
    group: str | None = None
    """The value of the field of its data that its task groups requests by."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One task with one row of its data; `head` is the JSON body up to the fields that each request draws.

    `characters` are those of its input, without the marks that are put into `slots` places of it.
    """

    head: bytes
    marked: bool
    characters: int
    slots: int
    contract: Contract | None
    keeps_text: bool
    further: tuple[FurtherTurn, ...]
    group: str | None


class PromptSource:
    """Makes the body of any request of a profile; texts are rendered once per task and row.

    `first_ids` are those of the schedule, which is computed where they are needed and not given.
    """

    def __init__(self, profile: Profile, model: str | None = None, first_ids: Sequence[int] | None = None) -> None:
        self._seed = profile.seed
        self._endpoint = profile.endpoint
        sized = (*(stage.fixes_sizes for stage in profile.stages), *(task.input_tokens for task in profile.tasks))
        self._sized = SizedText(profile.seed) if any(sized) else None
        self._model = model or profile.model
        self._tasks = profile.tasks
        self._together = tuple(map(profile.tasks_of, profile.stages))
        self._lines = profile.fingerprints
        self._place = TaskChoice(profile, first_ids).place
        self.has_conversations = any(task.turns > 1 for task in profile.tasks)
        self._rows = tuple(self._rows_of(task, profile.endpoint) for task in profile.tasks)
        self._drawn = tuple(map(drawn_fields, profile.tasks))

    def task_of(self, arrival: Arrival) -> str:
        """The name of the task that a request belongs to; the stage's name for it where the stage sets the size."""
        if arrival.size is not None:
            return arrival.size.task
        return self._tasks[self._place(arrival.id, self._draws(arrival.id)[0])].name

    def of(self, arrival: Arrival) -> Prompt:
        """The request of an arrival: of its task, or of the size that its stage sets."""
        if arrival.size is None or self._sized is None:
            return self.prompt(arrival.id)
        text = self._sized.prompt(arrival.id, arrival.size)
        body = sized_body(self._model, self._endpoint, text, arrival.size.output_tokens)
        fingerprint = f"{self._draws(arrival.id)[6]:04x}"
        return Prompt(arrival.size.task, fingerprint, body, keeps_text=self._lines.is_due(fingerprint),
                      input_characters=len(text), requested_tokens=arrival.size.output_tokens)

    def prompt(self, request_id: int) -> Prompt:
        """The request with this id."""
        draws = self._draws(request_id)
        index = self._place(request_id, draws[0])
        task, rows = self._tasks[index], self._rows[index]
        row = rows[draws[1] * len(rows) // RANGE]
        drawn, characters = self._drawn[index], row.characters
        if drawn.needs_further:
            draws += draw_further(self._seed, request_id)
        limit = drawn.limit(draws)
        body = row.head + drawn.json(limit, draws)
        fingerprint, canary = f"{draws[6]:04x}", ""
        if row.marked:
            canary = _canary(fingerprint, request_id)
            body = body.replace(CANARY_SLOT.encode(), canary.encode())
            characters += row.slots * len(canary)
        if drawn.inputs is not None and self._sized is not None:
            # Words without a character that JSON would escape.
            text = self._sized.request_text(request_id, drawn.input_tokens(draws))
            body, characters = body.replace(INPUT_SLOT.encode(), text.encode()), len(text)
        keeps_text = row.keeps_text or self._lines.is_due(fingerprint)
        return Prompt(task.name, fingerprint, body, canary, row.contract, keeps_text, row.further, task.think,
                      characters, limit, row.group)

    def turns(self, request_id: int) -> int:
        """The number of requests in the conversation that this one starts; 1 where its task is not a conversation."""
        if not self.has_conversations:
            return 1
        return self._tasks[self._place(request_id, self._draws(request_id)[0])].turns

    def turn(self, request_id: int, before: Prompt, answer: str) -> Prompt:
        """A further turn: the previous request, its answer, the new messages; mark and drawn fields stay the same."""
        further = before.further[turn_of(request_id) - 2]
        new = orjson.dumps(further.messages).replace(CANARY_SLOT.encode(), before.canary.encode())
        body = orjson.loads(before.body)
        messages = orjson.loads(new)
        body["messages"] += [{"role": Role.ASSISTANT.value, "content": answer}, *messages]
        fingerprint = f"{self._draws(request_id)[6]:04x}"
        keeps_text = further.keeps_text or self._lines.is_due(fingerprint)
        data = orjson.dumps(body | further.fields)
        return before._replace(
            fingerprint=fingerprint, body=data, contract=further.contract, keeps_text=keeps_text,
            input_characters=len(input_text({"messages": messages})),
        )

    def is_canary(self, mark: str) -> bool:
        """True when a request of this run carries the mark: the fingerprint in it follows from the id in it."""
        _, _, number = mark.rstrip("]").rpartition("-")
        if not number.isascii() or not number.isdecimal() or len(number) > len(str(RANGE)):
            return False
        request_id = int(number)
        return mark == _canary(f"{self._draws(request_id)[6]:04x}", request_id)

    def _draws(self, request_id: int) -> tuple[int, ...]:
        return draw(self._seed, request_id)

    def _rows_of(self, task: Task, endpoint: Endpoint) -> tuple[_Row, ...]:
        crosstalk = self._crosstalk(task)
        rows = []
        for row in task.dataset or ({},):
            contract = _contract(task, row, crosstalk)
            form = _response_format(task, row)
            first, *later = turn_bodies(task, endpoint, row)
            marked = CANARY_SLOT.encode() in orjson.dumps([first, *later])
            further = further_turns(later, form, contract)
            if further and contract is not None:
                contract = contract.before_the_last_turn()
            model = {} if self._model is None else {"model": self._model}
            fixed = {"ignore_eos": True} if task.ignore_end_of_text else {}
            fields = orjson.dumps({**model, **first, **fixed, **({} if further else form)})
            keeps_text = bool(further) or needs_text(contract)
            head, text = fields[:-1] + b',"max_tokens":', input_text(first)
            slots = text.count(CANARY_SLOT)
            characters = len(text) - slots * len(CANARY_SLOT)
            group = None if task.group_by is None else row[task.group_by][:MAX_GROUP_CHARACTERS]
            rows.append(_Row(head, marked, characters, slots, contract, keeps_text, further, group))
        return tuple(rows)

    def _crosstalk(self, task: Task) -> CrosstalkCheck | None:
        if not task.checks.crosstalk:
            return None
        # Only the tasks of one stage are under way at the same time.
        beside = {other.name: other for tasks in self._together if task in tasks for other in tasks if other != task}
        others = [shape_of(other.checks.checks) for other in beside.values()]
        return CrosstalkCheck(tuple(filter(None, others)), self.is_canary, has_free_others=() in others)


def _contract(task: Task, row: Mapping[str, str], crosstalk: CrosstalkCheck | None) -> Contract | None:
    checks = tuple(bind(check, row) for check in task.checks.checks)
    return Contract(checks, crosstalk) if checks or crosstalk else None


def _canary(fingerprint: str, request_id: int) -> str:
    return f"[REQ-{fingerprint}-{request_id}]"


def _response_format(task: Task, row: Mapping[str, str]) -> dict[str, Any]:
    match task.response_format:
        case ResponseFormat.TEXT:
            return {}
        case ResponseFormat.JSON_OBJECT:
            return {"response_format": {"type": "json_object"}}
        case ResponseFormat.JSON_SCHEMA:
            schema = {"name": task.name, "schema": task.checks.schema_for(row)}
            return {"response_format": {"type": "json_schema", "json_schema": schema}}
