"""What the faults of JSON make of an answer, and which of them can break which schema. Pure."""

from typing import Any

from elastometer_standin.answers.instances import instance, json_answer, written
from elastometer_standin.api import Call
from elastometer_standin.tokens import Answer, verbatim_answer
from elastometer_standin.troubles.faults import Fault

REFUSAL = "I am sorry, I cannot do that"
JSON_FAULTS = frozenset({Fault.NOT_JSON, Fault.JSON_IN_TEXT, Fault.CUT_JSON})
FIELD_FAULTS = frozenset({Fault.MISSING_FIELD, Fault.FIELD_CASE, Fault.STRING_FOR_ARRAY, Fault.QUOTED_NUMBER})
"""These break one field at the top level of a schema."""


def faults_of_json(call: Call) -> frozenset[Fault]:
    """The faults of JSON; those of a field only where the schema has such a field at its top level."""
    if call.json_schema is None:
        return JSON_FAULTS
    if not isinstance(instance(call), dict):
        return frozenset()
    return JSON_FAULTS | {fault for fault in FIELD_FAULTS if _breakable(call, fault)}


def broken_json_answer(call: Call, fault: Fault | None) -> Answer:
    """The answer in JSON with this fault; a valid one where it is no fault of JSON."""
    text = written(instance(call))
    match fault:
        case Fault.NOT_JSON:
            return verbatim_answer(REFUSAL, call.max_tokens)
        case Fault.JSON_IN_TEXT:
            return verbatim_answer(f"Here it is:\n```json\n{text}\n```", call.max_tokens)
        case Fault.CUT_JSON:
            return verbatim_answer(text[: len(text) * 2 // 3], call.max_tokens)
        case Fault.MISSING_FIELD | Fault.FIELD_CASE | Fault.STRING_FOR_ARRAY | Fault.QUOTED_NUMBER:
            return verbatim_answer(written(_broken_instance(call, fault)), call.max_tokens)
        case _:
            return json_answer(call)


def _broken_instance(call: Call, fault: Fault) -> dict[str, Any]:
    """A value for the schema with one field wrong; `faults_of_json` has made sure that there is such a field."""
    value: dict[str, Any] = dict(instance(call))
    name = _breakable(call, fault)[0]
    match fault:
        case Fault.STRING_FOR_ARRAY:
            return {**value, name: ", ".join(map(str, value[name]))}
        case Fault.QUOTED_NUMBER:
            return {**value, name: str(value[name])}
    kept = value.pop(name)
    return value if fault is Fault.MISSING_FIELD else {name.swapcase(): kept, **value}


def _breakable(call: Call, fault: Fault) -> list[str]:
    """The fields that this fault can break."""
    match fault:
        case Fault.STRING_FOR_ARRAY:
            return _typed(call, list)
        case Fault.QUOTED_NUMBER:
            return _typed(call, int)
    return _required(call.json_schema or {})


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
    value = instance(call)
    return [name for name, item in value.items() if type(item) is kind] if isinstance(value, dict) else []
