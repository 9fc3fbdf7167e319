"""The schema of a check of JSON, compiled into validators: one for any row of the data, or one for each row. Pure.

Nothing is ever fetched.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from elastometer_loadgen.base.numbers import with_decimals
from elastometer_loadgen.base.template import fields_of
from elastometer_loadgen.checks.exact import exact_validator
from elastometer_loadgen.checks.schema_template import open_schema, rendered_schema, value_templates

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

MAX_VALIDATORS = 256


class SchemaFault(ValueError):
    """A schema that cannot be used; the message continues "must …"."""


class CompiledSchema:
    """The validators of one schema: that for any row, and that for the values of one row, made when it is needed."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """The schema must have been checked; raises TemplateFault for a template in it."""
        self._schema = schema
        self.fields = tuple(sorted({name for one in value_templates(schema) for name in fields_of(one.text)}))
        self._open = _validator(open_schema(schema) if self.fields else schema)

    def validator(self, values: tuple[str, ...] | None) -> "Validator":
        """For the values of the fields in their order; without them, for any row."""
        return self._open if values is None else _filled_validator(self, values)

    def rendered(self, values: tuple[str, ...]) -> dict[str, Any]:
        """The schema with these values."""
        return rendered_schema(self._schema, dict(zip(self.fields, values, strict=True)))


@lru_cache(maxsize=MAX_VALIDATORS)
def _filled_validator(compiled: CompiledSchema, values: tuple[str, ...]) -> "Validator":
    """Only so many are kept: there may be as many rows as requests, and each takes some kilobytes."""
    return _validator(compiled.rendered(values))


def _validator(schema: Mapping[str, Any]) -> "Validator":
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    exact = with_decimals(schema)
    registry = Registry().with_resource("", DRAFT202012.create_resource(exact))
    return exact_validator()(exact, registry=registry)


def checked_schema(schema: object) -> Mapping[str, Any]:
    """The schema, if it is one that never fetches anything; raises SchemaFault."""
    # Imported here: it takes a tenth of a second, which profiles without a schema need not spend.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    if not isinstance(schema, Mapping):
        raise SchemaFault("be a mapping, a JSON schema")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise SchemaFault(f"be a JSON schema; {dotted(error.absolute_path) or 'it'}: {error.message}") from error
    try:
        registry = Registry().with_resource("", DRAFT202012.create_resource(with_decimals(schema)))
    except ValueError as error:
        raise SchemaFault(str(error)) from error
    for reference in _references(schema):
        try:
            registry.resolver().lookup(reference)
        except Unresolvable as error:
            rule = "refer only to parts of itself, such as #/$defs/name"
            raise SchemaFault(f"{rule}; '{reference}' is not one") from error
    return schema


def _references(schema: object) -> Iterator[str]:
    parts: Iterable[object] = ()
    if isinstance(schema, Mapping):
        yield from (str(schema[key]) for key in ("$ref", "$dynamicRef") if isinstance(schema.get(key), str))
        parts = schema.values()
    elif isinstance(schema, list):
        parts = schema
    for part in parts:
        yield from _references(part)


def dotted(path: Iterable[str | int]) -> str:
    """The path of a field in a document, such as `items[].price`: `[]` stands for any index."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
