"""The messages of a chat as a profile writes them: their roles, and which of them are the model's own answers.

A message with `generated: true` has no content: it stands for the model's answer to the messages before it. A task with
n of them is a conversation of n + 1 turns, each of which is a request of its own. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from elastometer_loadgen.base.fields import Fault, Fields
from elastometer_loadgen.base.turns import MAX_TURNS

MESSAGE_FIELDS = ("role", "content", "generated")
MAX_MESSAGES = 1000
MAX_TEXT_CHARACTERS = 1_000_000


class Role(StrEnum):
    """The role of a chat message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat. `content` is a template; None stands for the model's own answer."""

    role: Role
    content: str | None


def parse_messages(fields: Fields) -> tuple[Message, ...]:
    """The field `messages`; faults are appended, never raised."""
    where = fields.at("messages")
    messages = tuple(
        _message(Fields(item, f"{where}[{index}]", fields.faults, MESSAGE_FIELDS))
        for index, item in enumerate(fields.items("messages", MAX_MESSAGES, required=True))
    )
    _check_turns(messages, where, fields.faults)
    return messages


def _message(fields: Fields) -> Message:
    fields.require("role")
    role = fields.choice("role", Role, default=Role.USER)
    if not fields.flag("generated"):
        return Message(role, fields.text("content", MAX_TEXT_CHARACTERS, default=None))
    if fields.has("content"):
        fields.refuse("content", "be absent where generated is true")
    if fields.has("role") and role is not Role.ASSISTANT:
        fields.refuse("role", "be assistant where generated is true")
    return Message(Role.ASSISTANT, None)


def _check_turns(messages: Sequence[Message], where: str, faults: list[Fault]) -> None:
    """Adds faults: a generated answer must follow a message that asks for it, and must be followed by another turn."""
    generated = [index for index, message in enumerate(messages) if message.content is None]
    for index in generated:
        path = f"{where}[{index}].generated"
        if index == 0 or messages[index - 1].role is not Role.USER:
            faults.append(Fault(path, "must directly follow a message of the role user, which asks for it"))
        elif index == len(messages) - 1:
            faults.append(Fault(path, "must not be true in the last message: the last answer is requested in any case"))
    if len(generated) >= MAX_TURNS:
        rule = f"must hold at most {MAX_TURNS - 1} generated answers; got {len(generated)}"
        faults.append(Fault(where, rule))
