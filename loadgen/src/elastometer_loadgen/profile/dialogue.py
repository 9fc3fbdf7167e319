"""The messages of each turn of a task, for one row of its data. Without a conversation there is one turn. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from elastometer_loadgen.base.template import CANARY_FIELD, render
from elastometer_loadgen.checks.contract import Contract
from elastometer_loadgen.profile.messages import Role
from elastometer_loadgen.profile.task import Endpoint, Task

# Placeholder in a rendered text for the mark of each request; in Unicode's private use area, so no prompt contains it.
CANARY_SLOT = "\uf8f0canary\uf8f1"
# The same for a generated prompt, which differs between requests.
INPUT_SLOT = "\uf8f0input\uf8f1"


@dataclass(frozen=True, slots=True)
class FurtherTurn:
    """What a turn of a conversation adds after the previous answer: messages, and fields of the body."""

    messages: tuple[dict[str, str], ...]
    fields: dict[str, Any]
    contract: Contract | None
    keeps_text: bool


def turn_bodies(task: Task, endpoint: Endpoint, row: Mapping[str, str]) -> list[dict[str, Any]]:
    """The new part of each turn, as fields of a body; a task that is not a conversation has one turn."""
    if task.input_tokens is not None:
        if endpoint is Endpoint.COMPLETIONS:
            return [{"prompt": INPUT_SLOT}]
        return [{"messages": [{"role": Role.USER.value, "content": INPUT_SLOT}]}]
    data = {**row, CANARY_FIELD: CANARY_SLOT}
    if endpoint is Endpoint.COMPLETIONS:
        return [{"prompt": render(task.messages[0].content or "", data)}]
    turns: list[list[dict[str, str]]] = [[]]
    for message in task.messages:
        if message.content is None:
            turns.append([])
        else:
            turns[-1].append({"role": message.role.value, "content": render(message.content, data)})
    return [{"messages": messages} for messages in turns]


def further_turns(
    later: list[dict[str, Any]], form: dict[str, Any], contract: Contract | None
) -> tuple[FurtherTurn, ...]:
    """The turns after the first; only the last answer is checked for its shape."""
    early = None if contract is None else contract.before_the_last_turn()
    turns = [FurtherTurn(tuple(body["messages"]), {}, early, keeps_text=True) for body in later]
    last = [replace(turn, fields=form, contract=contract, keeps_text=needs_text(contract)) for turn in turns[-1:]]
    return (*turns[:-1], *last)


def needs_text(contract: Contract | None) -> bool:
    """True where the checks need the text of the answer."""
    return contract is not None and contract.needs_text
