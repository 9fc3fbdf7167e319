"""What each turn of a task asks, for one row of its data. A task that is no conversation has one turn. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from elastometer_loadgen.base.template import CANARY_FIELD, render
from elastometer_loadgen.checks.contract import Contract
from elastometer_loadgen.profile.task import Endpoint, Task

# Stands in a rendered text where each request puts its own mark; of a private range, so that no prompt holds it.
CANARY_SLOT = "\uf8f0canary\uf8f1"


@dataclass(frozen=True, slots=True)
class FurtherTurn:
    """What a turn of a conversation adds behind the answer before it: messages, and fields of the body."""

    messages: tuple[dict[str, str], ...]
    fields: dict[str, Any]
    contract: Contract | None
    keeps_text: bool


def questions(task: Task, endpoint: Endpoint, row: Mapping[str, str]) -> list[dict[str, Any]]:
    """What each turn asks, as fields of a body; a task that is no conversation has one."""
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
    """The turns behind the first; what shape the answer has is asked of the last alone."""
    early = None if contract is None else contract.before_the_last_turn()
    turns = [FurtherTurn(tuple(question["messages"]), {}, early, keeps_text=True) for question in later]
    last = [replace(one, fields=form, contract=contract, keeps_text=needs_text(contract)) for one in turns[-1:]]
    return (*turns[:-1], *last)


def needs_text(contract: Contract | None) -> bool:
    """True where the answer's text must be kept for its checks."""
    return contract is not None and contract.needs_text
