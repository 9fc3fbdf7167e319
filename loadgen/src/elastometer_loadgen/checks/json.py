"""Checks of answers that must be JSON, and what exactly is wrong with a field. Pure.

Which documents fit a schema is left to `jsonschema`; this module translates its findings into the terms of people who
write prompts: a name that is missing or in another case, a string for an array, a number in quotes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from elastometer_loadgen.base.numbers import decode
from elastometer_loadgen.checks.check import CheckedAnswer, CheckType, Failure, is_whole_text
from elastometer_loadgen.checks.schema import CompiledSchema, checked_schema, dotted

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

RANK = {failure: rank for rank, failure in enumerate(Failure)}
MAX_PATH_CHARACTERS = 80
# What follows the position of a parser's error in a document that was cut off: nothing, or half of a literal, number or
# escape.
CUT_TAIL = re.compile(r"(?:t|tr|tru|f|fa|fal|fals|n|nu|nul|-|\.|[eE][+-]?|\\?u?[0-9a-fA-F]{0,4})")


@dataclass(frozen=True, slots=True)
class JSONCheck:
    """The answer is one JSON document and nothing else."""

    type: ClassVar[CheckType] = CheckType.JSON

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete texts only."""
        return is_whole_text(answer)

    def failure(self, answer: CheckedAnswer) -> Failure | None:
        """By RFC 8259: neither NaN nor comments."""
        return None if _is_json(answer.content) else _why_not(answer.content.strip())


@dataclass(frozen=True, slots=True)
class JSONSchemaCheck:
    """The answer is one JSON document that fits a schema (draft 2020-12).

    `schema` is the schema as it was given, templates included. As long as these are not filled in, any value passes in
    their place.
    """

    type: ClassVar[CheckType] = CheckType.JSON_SCHEMA
    schema: Mapping[str, Any]
    compiled: CompiledSchema = field(compare=False, repr=False)
    values: tuple[str, ...] | None = None
    """Of the fields that its templates use; None as long as they are not filled in."""

    def with_row(self, row: Mapping[str, str]) -> "JSONSchemaCheck":
        """The check with the row's values in its templates."""
        fields = self.compiled.fields
        return replace(self, values=tuple(row[field] for field in fields)) if fields else self

    @property
    def filled_schema(self) -> Mapping[str, Any]:
        """The schema for its row, as it is sent to a server."""
        return self.schema if self.values is None else self.compiled.rendered(self.values)

    def judges(self, answer: CheckedAnswer) -> bool:
        """Complete texts only."""
        return is_whole_text(answer)

    def failure(self, answer: CheckedAnswer) -> str | None:
        """The most specific fault and the path of its field; `[]` stands for any index."""
        found = parse_answer(answer.content)
        if isinstance(found, Failure):
            return found
        try:
            validator = self.compiled.validator(self.values)
            faults = [fault for error in validator.iter_errors(found.value) for fault in diagnose(error)]
        except RecursionError:
            return Failure.WRONG_VALUE
        if not faults:
            return None
        failure, path = min(faults, key=lambda fault: (RANK[fault[0]], fault[1]))
        # A name may hold half an emoji, which JSON can escape and UTF-8 cannot hold.
        shown = path[:MAX_PATH_CHARACTERS].encode("utf-8", "replace").decode()
        return f"{failure}:{shown}" if path else failure


@dataclass(frozen=True, slots=True)
class Document:
    """The value of a text that is JSON; wrapped, since `null` is a value too."""

    value: Any


def parse_answer(text: str) -> Document | Failure:
    """The document, or why the text is not one."""
    return _decoded(text) or _why_not(text.strip())


def _why_not(text: str) -> Failure:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        half = error.msg != "Extra data" and CUT_TAIL.fullmatch(text, error.pos)
        if text and (half or error.msg.startswith("Unterminated string")):
            return Failure.UNFINISHED_JSON
    except (ValueError, RecursionError):
        # A number of thousands of digits, or brackets nested deeper than Python's recursion limit.
        return Failure.NOT_JSON
    for opening, closing in ("{}", "[]"):
        inner = text[text.find(opening) : text.rfind(closing) + 1]
        if inner and inner != text and _is_json(inner):
            return Failure.TEXT_AROUND_JSON
    return Failure.NOT_JSON


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        # It refuses a few texts that are JSON: 1e999, and half of a surrogate pair as an escape.
        return isinstance(_decoded(text), Document)
    return True


def _decoded(text: str) -> Document | None:
    try:
        return Document(decode(text))
    except (ValueError, RecursionError):
        return None


def compile_schema(schema: object) -> JSONSchemaCheck:
    """A check that never fetches anything; raises SchemaFault, or TemplateFault for a template in it."""
    checked = checked_schema(schema)
    return JSONSchemaCheck(checked, CompiledSchema(checked))


def diagnose(error: "ValidationError") -> Iterator[tuple[Failure, str]]:
    """Failure and path of one of the validator's findings; of each nested one, where several schemas were tried."""
    if error.context:
        for cause in error.context:
            yield from diagnose(cause)
        return
    path = dotted(error.absolute_path)
    value: Any = error.validator_value
    instance: Any = error.instance
    match error.validator:
        case "required":
            yield from (_missing(instance, name, path) for name in value if name not in instance)
        case "additionalProperties" | "unevaluatedProperties":
            yield _unknown(instance, error.schema, path)
        case "type":
            yield _mistyped(instance, [value] if isinstance(value, str) else value), path
        case _:
            yield Failure.WRONG_VALUE, path


def _missing(instance: Mapping[str, Any], name: str, path: str) -> tuple[Failure, str]:
    is_spelled_differently = any(_letters(key) == _letters(name) for key in instance)
    return (Failure.FIELD_CASE if is_spelled_differently else Failure.MISSING_FIELD), f"{path}.{name}".lstrip(".")


def _unknown(instance: Mapping[str, Any], schema: object, path: str) -> tuple[Failure, str]:
    """The path is the parent's: a model may invent any number of names, and each would be a failure of its own."""
    known = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    letters = {_letters(name): name for name in known if name not in instance}
    for key in instance:
        if key not in known and _letters(key) in letters:
            return Failure.FIELD_CASE, f"{path}.{letters[_letters(key)]}".lstrip(".")
    return Failure.UNKNOWN_FIELD, path


def _mistyped(instance: object, wanted: list[str]) -> Failure:
    if isinstance(instance, str):
        if "array" in wanted:
            return Failure.STRING_FOR_ARRAY
        if ("number" in wanted or "integer" in wanted) and _is_number(instance):
            return Failure.QUOTED_NUMBER
    return Failure.WRONG_TYPE


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _letters(name: str) -> str:
    """A name without letter case and without the characters that join words."""
    return name.replace("_", "").replace("-", "").casefold()
