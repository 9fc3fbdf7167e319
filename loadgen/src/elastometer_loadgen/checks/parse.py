"""The field `checks` of a task, parsed into checks whose templates are not filled in yet. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from elastometer_loadgen.base.fields import Fields, shown
from elastometer_loadgen.base.template import TemplateFault
from elastometer_loadgen.checks.check import Check, CheckType
from elastometer_loadgen.checks.json import JSONCheck, JSONSchemaCheck, compile_schema
from elastometer_loadgen.checks.schema import SchemaFault
from elastometer_loadgen.checks.schema_template import ValueTemplate, value_templates
from elastometer_loadgen.checks.text import (
    ExcludesCheck,
    LabelCheck,
    MinimumCharactersCheck,
    MinimumTokensCheck,
    ReadableCheck,
    RecallCheck,
    RepetitionCheck,
    TruncationCheck,
)

# The fields of each type besides `type`, the required ones first.
FIELDS_OF = {
    CheckType.LABEL: ("labels", "expected"),
    CheckType.JSON: (),
    CheckType.JSON_SCHEMA: ("schema",),
    CheckType.CROSSTALK: (),
    CheckType.REPETITION: ("maximumShare",),
    CheckType.TRUNCATION: (),
    CheckType.MINIMUM_TOKENS: ("minimum",),
    CheckType.RECALL: ("fact",),
    CheckType.EXCLUDES: ("texts",),
    CheckType.READABLE: (),
    CheckType.MINIMUM_CHARACTERS: ("minimum",),
}
CHECK_FIELDS = tuple(dict.fromkeys(("type", *(name for names in FIELDS_OF.values() for name in names))))
MAX_LABELS = 64
MAX_LABEL_CHARACTERS = 128
MAX_FACT_CHARACTERS = 256
MAX_TOKENS = 1_000_000
# No check judges a longer answer.
MAX_CHARACTERS = 262_144


@dataclass(frozen=True, slots=True)
class TaskChecks:
    """The checks of a task; `crosstalk` needs the other tasks, so its check is made once all of them are known."""

    checks: tuple[Check, ...] = ()
    crosstalk: bool = False
    templates: tuple[tuple[str, str], ...] = ()
    """(path, text) of every template in them."""
    plain: frozenset[str] = frozenset()
    """The paths of those templates whose value is read as a number or a boolean."""

    @property
    def has_schema(self) -> bool:
        """Whether answers are checked against a schema."""
        return any(isinstance(check, JSONSchemaCheck) for check in self.checks)

    def schema_for(self, row: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The schema that answers are checked against, with the row's values; None without one."""
        for check in self.checks:
            if isinstance(check, JSONSchemaCheck):
                return check.with_row(row).filled_schema
        return None


def parse_checks(fields: Fields, contents: Sequence[str | None]) -> TaskChecks:
    """The field `checks` of a task with messages of these contents, None for the model's own answers.

    Faults are appended, never raised.
    """
    if not fields.has("checks"):
        return TaskChecks()
    checks: list[Check] = []
    kinds: list[CheckType] = []
    templates: list[ValueTemplate] = []
    for index, item in enumerate(fields.items("checks", len(CheckType), required=False)):
        check = Fields(item, f"{fields.at('checks')}[{index}]", fields.faults, CHECK_FIELDS)
        kind = _kind(check, kinds)
        if kind is None:
            continue
        kinds.append(kind)
        templates += _templates(check, kind)
        made = _check(check, kind, contents)
        checks += () if made is None else (made,)
    plain = frozenset(one.path for one in templates if one.is_plain)
    return TaskChecks(
        tuple(checks), CheckType.CROSSTALK in kinds, tuple((one.path, one.text) for one in templates), plain)


def _kind(check: Fields, before: Sequence[CheckType]) -> CheckType | None:
    check.require("type")
    if not check.has("type"):
        return None
    faults = len(check.faults)
    kind = check.choice("type", CheckType, default=CheckType.JSON)
    if len(check.faults) > faults:
        return None
    if kind in before:
        check.refuse("type", "be unique among the checks of a task")
    for name in CHECK_FIELDS[1:]:
        if check.has(name) and name not in FIELDS_OF[kind]:
            check.refuse(name, f"be absent where type is {kind.value}")
    return kind


def _templates(check: Fields, kind: CheckType) -> Iterator[ValueTemplate]:
    for name in {"expected", "fact"} & set(FIELDS_OF[kind]):
        if isinstance(check.raw(name), str):
            yield ValueTemplate(check.at(name), check.raw(name), is_plain=False)
    if kind is CheckType.JSON_SCHEMA:
        yield from value_templates(check.raw("schema"), check.at("schema"))


def _check(check: Fields, kind: CheckType, contents: Sequence[str | None]) -> Check | None:
    match kind:
        case CheckType.LABEL:
            return _label(check)
        case CheckType.JSON:
            return JSONCheck()
        case CheckType.JSON_SCHEMA:
            return _schema(check)
        case CheckType.CROSSTALK:
            return None
        case CheckType.REPETITION:
            check.require("maximumShare")
            return RepetitionCheck(check.decimal("maximumShare", "0", "1") or Fraction(0))
        case CheckType.TRUNCATION:
            return TruncationCheck()
        case CheckType.MINIMUM_TOKENS:
            return MinimumTokensCheck(check.integer("minimum", 1, MAX_TOKENS, default=None))
        case CheckType.RECALL:
            return _recall(check, contents)
        case CheckType.EXCLUDES:
            return ExcludesCheck(_texts(check, "texts"))
        case CheckType.READABLE:
            return ReadableCheck()
        case CheckType.MINIMUM_CHARACTERS:
            return MinimumCharactersCheck(check.integer("minimum", 1, MAX_CHARACTERS, default=None))


def _label(check: Fields) -> LabelCheck:
    check.require("labels", "type is Label")
    labels = _texts(check, "labels", required=False)
    expected = check.text("expected", MAX_LABEL_CHARACTERS, default=None) if check.has("expected") else None
    return LabelCheck(labels, expected)


def _texts(check: Fields, name: str, *, required: bool = True) -> tuple[str, ...]:
    """A list of short texts, each given once."""
    texts = check.items(name, MAX_LABELS, required=required)
    for index, text in enumerate(texts):
        if not isinstance(text, str) or not 1 <= len(text) <= MAX_LABEL_CHARACTERS or text != text.strip():
            rule = f"must be a string of 1 to {MAX_LABEL_CHARACTERS} characters without a space at either end"
            rule = f"{rule}; got {shown(text)}"
            check.fault(f"{name}[{index}]", rule)
        elif text in texts[:index]:
            check.fault(f"{name}[{index}]", f"must be unique; got {shown(text)} again")
    return tuple(str(text) for text in texts)


def _schema(check: Fields) -> JSONSchemaCheck | None:
    check.require("schema", "type is JSONSchema")
    if not check.has("schema"):
        return None
    try:
        return compile_schema(check.raw("schema"))
    except SchemaFault as fault:
        check.refuse("schema", str(fault))
        return None
    except TemplateFault:
        # It is reported with all other templates of the task.
        return None


def _recall(check: Fields, contents: Sequence[str | None]) -> RecallCheck:
    """A fact that the last message repeats, or that no message gave, would test nothing."""
    fact = check.text("fact", MAX_FACT_CHARACTERS, default=None)
    given = [index for index, content in enumerate(contents[:-1]) if content is not None and fact in content]
    if fact and contents:
        if not given:
            check.refuse("fact", "occur, as it is written here, in a message before the last")
        elif fact in (contents[-1] or ""):
            check.refuse("fact", "not occur in the last message, which asks for it")
    return RecallCheck(fact, turns_between(fact, contents))


def turns_between(fact: str, contents: Sequence[str | None]) -> int | None:
    """How many of the model's own answers (None) follow the last message that gives the fact; None without any."""
    given = [index for index, content in enumerate(contents[:-1]) if content is not None and fact in content]
    return (contents[given[-1] :].count(None) or None) if given else None
