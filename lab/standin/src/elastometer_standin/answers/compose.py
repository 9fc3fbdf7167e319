"""Composes the answer to a call: words, a label or JSON, as its prompt asks, or a wrong answer under a fault. Pure."""

import enum
import json
import re
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

from elastometer_standin.api import Call
from elastometer_standin.tokens import (
    CANARY,
    FACT,
    Answer,
    schema_instance,
    verbatim_answer,
    write_answer,
    write_json_answer,
)
from elastometer_standin.troubles.faults import Fault

LABELS = re.compile(r"one of: ([^.\n]+)")
"""How a prompt lists the labels of which its answer must be one."""
REPEATED_TOKENS = 4
"""Length of the loop under `repeat`; short enough that any check for repetition finds it."""
SHORT_TOKENS = 3
"""Length of an answer under `short`, the end-of-text token included."""
REFUSAL = "I am sorry, I cannot do that"

TRANSPORT_FAULTS = frozenset(
    {
        Fault.ERROR, Fault.UNAVAILABLE, Fault.DROP, Fault.RESET_FIRST, Fault.MUTE,
        Fault.TRUNCATE, Fault.RESET, Fault.STALL, Fault.ABORT, Fault.BROKEN_JSON,
    }
)
"""Faults that are possible whatever the answer is; `server` and `reply` inject them, not this module."""
TEXT_FAULTS = frozenset({Fault.REPEAT, Fault.CUT, Fault.SHORT})
LABEL_FAULTS = frozenset({Fault.WRONG_LABEL, Fault.LABEL_CASE})
JSON_FAULTS = frozenset({Fault.NOT_JSON, Fault.JSON_IN_TEXT, Fault.CUT_JSON})


class Kind(enum.Enum):
    """The shape of an answer."""

    TEXT = enum.auto()
    LABEL = enum.auto()
    JSON = enum.auto()


@dataclass(slots=True)
class OtherCalls:
    """The latest earlier requests of each kind, whose answers a fault can give to the wrong request."""

    mark: str | None = None
    label: Call | None = None
    json: Call | None = None

    def note(self, call: Call) -> None:
        """Remember this call as the latest of its kind."""
        found = CANARY.search(call.prompt)
        self.mark = found.group() if found else self.mark
        match kind_of(call):
            case Kind.LABEL:
                self.label = call
            case Kind.JSON:
                self.json = call

    def of_another_kind(self, call: Call) -> Call | None:
        """An earlier call whose answer cannot be mistaken for an answer to this one."""
        match kind_of(call):
            case Kind.TEXT:
                return self.label or self.json
            case Kind.LABEL:
                return self.json
            case Kind.JSON:
                return self.label


def kind_of(call: Call) -> Kind:
    """JSON where the request demands it; otherwise a label where the prompt lists some; otherwise text."""
    if call.json_answer:
        return Kind.JSON
    return Kind.LABEL if _labels(call.prompt) else Kind.TEXT


def possible_faults(call: Call, other_calls: OtherCalls) -> frozenset[Fault]:
    """The faults that can strike this call. One that would change nothing about its answer is left out.

    A fault that struck without effect would be logged as injected, and a check that found nothing would look broken.
    """
    possible = set(TRANSPORT_FAULTS)
    match kind_of(call):
        case Kind.TEXT:
            possible |= TEXT_FAULTS
            possible |= {Fault.FORGET} if FACT.search(call.prompt) else set()
        case Kind.LABEL:
            possible |= LABEL_FAULTS
        case Kind.JSON:
            possible |= _faults_of_json(call)
    if not call.json_answer and CANARY.search(call.prompt):
        possible.add(Fault.CROSSTALK)
    if other_calls.of_another_kind(call) is not None:
        possible.add(Fault.OTHER_TASK)
    return frozenset(possible)


def compose(call: Call, fault: Fault | None, other_calls: OtherCalls, mean: int) -> Answer:
    """The answer; a wrong one where the fault is one that changes answers."""
    if fault is Fault.OTHER_TASK:
        other = other_calls.of_another_kind(call) or call
        call = replace(other, prompt=CANARY.sub("", other.prompt), max_tokens=call.max_tokens)
    elif fault is Fault.CROSSTALK:
        call = replace(call, prompt=CANARY.sub(_foreign_mark(call, other_calls), call.prompt))
    elif fault is Fault.FORGET:
        call = replace(call, prompt=FACT.sub("", call.prompt))
    match kind_of(call):
        case Kind.JSON:
            return _json(call, fault)
        case Kind.LABEL:
            return _label(call, fault)
        case Kind.TEXT:
            return _text(call, fault, mean)


def _foreign_mark(call: Call, other_calls: OtherCalls) -> str:
    """The mark of the request before, or an invented one where that would be this request's own."""
    own = CANARY.search(call.prompt)
    if other_calls.mark is None or (own and own.group() == other_calls.mark):
        return f"[REQ-{call.key % 10**9:09d}]"
    return other_calls.mark


def _text(call: Call, fault: Fault | None, mean: int) -> Answer:
    # The end-of-text token is taken off and put back, so that `stop` still follows what a fault makes of the words.
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
            # The first word stays, since it may be the request's mark: only the repetition is to be wrong.
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
    # Searched outside the list of labels, which holds them all; else a fixed one, so that a run can be repeated.
    rest = LABELS.sub("", call.prompt).casefold()
    label = next((name for name in labels if name.casefold() in rest), labels[call.key % len(labels)])
    if fault is Fault.WRONG_LABEL:
        label = REFUSAL
    elif fault is Fault.LABEL_CASE:
        label = label.swapcase()
    mark = CANARY.search(call.prompt)
    return verbatim_answer(label if mark is None else f"{mark.group()} {label}", call.max_tokens)


def _labels(prompt: str) -> list[str]:
    found = LABELS.search(prompt)
    return [name.strip() for name in found.group(1).split(",") if name.strip()] if found else []


def _json(call: Call, fault: Fault | None) -> Answer:
    whole = write_json_answer(call.prompt, call.key, call.json_schema, call.max_tokens)
    text = "".join(whole.pieces)
    match fault:
        case Fault.NOT_JSON:
            return verbatim_answer(REFUSAL, call.max_tokens)
        case Fault.JSON_IN_TEXT:
            return verbatim_answer(f"Here it is:\n```json\n{text}\n```", call.max_tokens)
        case Fault.CUT_JSON:
            return verbatim_answer(text[: len(text) * 2 // 3], call.max_tokens)
        case Fault.MISSING_FIELD | Fault.FIELD_CASE | Fault.STRING_FOR_ARRAY | Fault.QUOTED_NUMBER:
            value = _broken_instance(call, fault)
            return verbatim_answer(json.dumps(value), call.max_tokens)
        case _:
            return whole


def _faults_of_json(call: Call) -> set[Fault]:
    """The faults of JSON; those of a field only where the schema has such a field at its top level."""
    if call.json_schema is None:
        return set(JSON_FAULTS)
    if not isinstance(schema_instance(call.json_schema, call.key), dict):
        return set()
    fields = {
        Fault.MISSING_FIELD: _required(call.json_schema),
        Fault.FIELD_CASE: _required(call.json_schema),
        Fault.STRING_FOR_ARRAY: _typed(call, list),
        Fault.QUOTED_NUMBER: _typed(call, int),
    }
    return set(JSON_FAULTS) | {fault for fault, names in fields.items() if names}


def _broken_instance(call: Call, fault: Fault) -> dict[str, Any]:
    """A value for the schema with one field wrong; `_faults_of_json` has made sure that there is such a field."""
    schema = call.json_schema or {}
    value: dict[str, Any] = dict(schema_instance(schema, call.key))
    if fault in (Fault.MISSING_FIELD, Fault.FIELD_CASE):
        name = _required(schema)[0]
        kept = value.pop(name)
        return value if fault is Fault.MISSING_FIELD else {name.swapcase(): kept, **value}
    name = _typed(call, list if fault is Fault.STRING_FOR_ARRAY else int)[0]
    value[name] = ", ".join(map(str, value[name])) if fault is Fault.STRING_FOR_ARRAY else str(value[name])
    return value


def _required(schema: dict[str, Any]) -> list[str]:
    """Required fields whose names become unknown names when upper and lower case are swapped."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict) or not isinstance(required, list):
        return []
    return [
        name
        for name in required
        if isinstance(name, str) and isinstance(properties.get(name), dict) and name.swapcase() not in properties
    ]


def _typed(call: Call, kind: type) -> list[str]:
    """Fields whose value here has exactly this type; `type(...) is`, because bool is a subclass of int."""
    value = schema_instance(call.json_schema or {}, call.key)
    return [name for name, item in value.items() if type(item) is kind] if isinstance(value, dict) else []
