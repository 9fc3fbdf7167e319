"""What is said to a call: words, a label or JSON, as its prompt asks; and what is said wrongly under a fault. Pure."""

import enum
import json
import re
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

from elastometer_standin.api import Call
from elastometer_standin.faults import Fault
from elastometer_standin.tokens import (
    CANARY,
    FACT,
    Answer,
    instance_of,
    spell,
    write_answer,
    write_json_answer,
)

LABELS = re.compile(r"one of: ([^.\n]+)")
"""How a prompt names the labels that its answer is to be one of."""
REPEATED_TOKENS = 4
SHORT_TOKENS = 3
REFUSAL = "I am sorry, I cannot do that"

ALWAYS = frozenset(
    {
        Fault.ERROR, Fault.UNAVAILABLE, Fault.DROP, Fault.RESET_FIRST, Fault.MUTE,
        Fault.TRUNCATE, Fault.RESET, Fault.STALL, Fault.ABORT, Fault.BROKEN_JSON,
    }
)  # fmt: skip
OF_TEXT = frozenset({Fault.REPEAT, Fault.CUT, Fault.SHORT})
OF_LABELS = frozenset({Fault.WRONG_LABEL, Fault.LABEL_CASE})
OF_JSON = frozenset({Fault.NOT_JSON, Fault.JSON_IN_TEXT, Fault.CUT_JSON})


class Kind(enum.Enum):
    """What shape an answer has."""

    TEXT = enum.auto()
    LABEL = enum.auto()
    JSON = enum.auto()


@dataclass(slots=True)
class Strangers:
    """What earlier requests asked, for answers that are given to the wrong one."""

    mark: str | None = None
    label: Call | None = None
    json: Call | None = None

    def note(self, call: Call) -> None:
        """Remembers the last of each kind."""
        found = CANARY.search(call.prompt)
        self.mark = found.group() if found else self.mark
        match kind_of(call):
            case Kind.LABEL:
                self.label = call
            case Kind.JSON:
                self.json = call

    def of_another_kind(self, call: Call) -> Call | None:
        """An earlier call whose answers cannot be taken for this one's."""
        match kind_of(call):
            case Kind.TEXT:
                return self.label or self.json
            case Kind.LABEL:
                return self.json
            case Kind.JSON:
                return self.label


def kind_of(call: Call) -> Kind:
    if call.json_answer:
        return Kind.JSON
    return Kind.LABEL if _labels(call.prompt) else Kind.TEXT


def possible_faults(call: Call, strangers: Strangers) -> frozenset[Fault]:
    """What can go wrong with this call's answer; a fault that would change nothing is not among it."""
    possible = set(ALWAYS)
    match kind_of(call):
        case Kind.TEXT:
            possible |= OF_TEXT
            possible |= {Fault.FORGET} if FACT.search(call.prompt) else set()
        case Kind.LABEL:
            possible |= OF_LABELS
        case Kind.JSON:
            possible |= _faults_of_json(call)
    if not call.json_answer and CANARY.search(call.prompt):
        possible.add(Fault.CROSSTALK)
    if strangers.of_another_kind(call) is not None:
        possible.add(Fault.OTHER_TASK)
    return frozenset(possible)


def compose(call: Call, fault: Fault | None, strangers: Strangers, mean: int) -> Answer:
    """The answer, spoilt where the fault is one of answers."""
    if fault is Fault.OTHER_TASK:
        other = strangers.of_another_kind(call) or call
        call = replace(other, prompt=CANARY.sub("", other.prompt), max_tokens=call.max_tokens)
    elif fault is Fault.CROSSTALK:
        call = replace(call, prompt=CANARY.sub(_foreign_mark(call, strangers), call.prompt))
    elif fault is Fault.FORGET:
        call = replace(call, prompt=FACT.sub("", call.prompt))
    match kind_of(call):
        case Kind.JSON:
            return _json(call, fault)
        case Kind.LABEL:
            return _label(call, fault)
        case Kind.TEXT:
            return _text(call, fault, mean)


def _foreign_mark(call: Call, strangers: Strangers) -> str:
    own = CANARY.search(call.prompt)
    if strangers.mark is None or (own and own.group() == strangers.mark):
        return f"[REQ-{call.key % 10**9:09d}]"
    return strangers.mark


def _text(call: Call, fault: Fault | None, mean: int) -> Answer:
    answer = write_answer(
        call.prompt,
        call.key,
        max_tokens=call.max_tokens,
        mean=mean,
        min_tokens=call.min_tokens,
        ignore_eos=call.ignore_eos,
    )
    words = answer.pieces if answer.cut else answer.pieces[:-1]
    end = () if answer.cut else ("",)
    match fault:
        case Fault.REPEAT:
            loop = islice(cycle(words[1 : 1 + REPEATED_TOKENS] or words), len(words) - 1)
            return Answer((*words[:1], *loop, *end), answer.cut)
        case Fault.CUT:
            return Answer(words[: max(1, len(words) // 2)], cut=True)
        case Fault.SHORT:
            return Answer((*words[: SHORT_TOKENS - 1], ""), cut=False) if len(words) >= SHORT_TOKENS else answer
        case _:
            return answer


def _label(call: Call, fault: Fault | None) -> Answer:
    labels = _labels(call.prompt)
    rest = LABELS.sub("", call.prompt).casefold()
    label = next((name for name in labels if name.casefold() in rest), labels[call.key % len(labels)])
    if fault is Fault.WRONG_LABEL:
        label = REFUSAL
    elif fault is Fault.LABEL_CASE:
        label = label.swapcase()
    mark = CANARY.search(call.prompt)
    return spell(label if mark is None else f"{mark.group()} {label}", call.max_tokens)


def _labels(prompt: str) -> list[str]:
    found = LABELS.search(prompt)
    return [name.strip() for name in found.group(1).split(",") if name.strip()] if found else []


def _json(call: Call, fault: Fault | None) -> Answer:
    whole = write_json_answer(call.prompt, call.key, call.json_schema, call.max_tokens)
    text = "".join(whole.pieces)
    match fault:
        case Fault.NOT_JSON:
            return spell(REFUSAL, call.max_tokens)
        case Fault.JSON_IN_TEXT:
            return spell(f"Here it is:\n```json\n{text}\n```", call.max_tokens)
        case Fault.CUT_JSON:
            return spell(text[: len(text) * 2 // 3], call.max_tokens)
        case Fault.MISSING_FIELD | Fault.FIELD_CASE | Fault.STRING_FOR_ARRAY | Fault.QUOTED_NUMBER:
            value = _spoilt(call, fault)
            return spell(json.dumps(value), call.max_tokens)
        case _:
            return whole


def _faults_of_json(call: Call) -> set[Fault]:
    """Those of a field only where the schema has such a field at its top."""
    if call.json_schema is None:
        return set(OF_JSON)
    if not isinstance(instance_of(call.json_schema, call.key), dict):
        return set()
    fields = {
        Fault.MISSING_FIELD: _required(call.json_schema),
        Fault.FIELD_CASE: _required(call.json_schema),
        Fault.STRING_FOR_ARRAY: _typed(call, list),
        Fault.QUOTED_NUMBER: _typed(call, int),
    }
    return set(OF_JSON) | {fault for fault, names in fields.items() if names}


def _spoilt(call: Call, fault: Fault) -> dict[str, Any]:
    schema = call.json_schema or {}
    value: dict[str, Any] = dict(instance_of(schema, call.key))
    if fault in (Fault.MISSING_FIELD, Fault.FIELD_CASE):
        name = _required(schema)[0]
        kept = value.pop(name)
        return value if fault is Fault.MISSING_FIELD else {name.swapcase(): kept, **value}
    name = _typed(call, list if fault is Fault.STRING_FOR_ARRAY else int)[0]
    value[name] = ", ".join(map(str, value[name])) if fault is Fault.STRING_FOR_ARRAY else str(value[name])
    return value


def _required(schema: dict[str, Any]) -> list[str]:
    """Names that must be there and would be another name in the other letter case."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return []
    return [
        name
        for name in required
        if isinstance(name, str) and isinstance(properties.get(name), dict) and name.swapcase() not in properties
    ]


def _typed(call: Call, kind: type) -> list[str]:
    """Names of the fields whose value here is of this type; true and false are no numbers."""
    value = instance_of(call.json_schema or {}, call.key)
    return [name for name, item in value.items() if type(item) is kind] if isinstance(value, dict) else []
