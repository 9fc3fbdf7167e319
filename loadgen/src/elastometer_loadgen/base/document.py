"""A YAML document, read as the API server reads it: a duplicate key is an error, not an override. Pure.

YAML 1.1 as PyYAML has it differs from what kubectl makes of the same text: there 1e-8 is a number, 4.0 is the integer
4, y is true, 12:30 is a string and not 750, 2026-11-16 is a string and not a date, and other keys become strings.
"""

import re
from collections.abc import Hashable
from typing import Any, ClassVar

import yaml

MERGE = "tag:yaml.org,2002:merge"
INTEGER, FLOAT, TIMESTAMP, BOOLEAN, VALUE = (
    f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp", "bool", "value"))
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]|[0-9])(?:[0-9_]*\.[0-9_]*|[0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
NUMBERS_BEGIN_WITH = "-+.0123456789"
# From here on, Go writes a number into JSON with an exponent.
_LEAST_WITH_EXPONENT = 1e21


def read_document(text: str) -> Any:
    """The one document in a text; raises yaml.YAMLError."""
    return yaml.load(text, _Loader)


def read_documents(text: str) -> list[Any]:
    """All documents in a text; raises yaml.YAMLError."""
    return list(yaml.load_all(text, _Loader))


def write_document(document: object, width: int = 80) -> str:
    """A text that `read_document` and kubectl read as this document."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)


def one_line(error: Exception) -> str:
    """A parser's message on one line, without its excerpts of the text, whose markers need lines of their own."""
    lines = [line for line in str(error).splitlines() if not line.startswith("    ")]
    return " ".join(" ".join(lines).replace('in "<unicode string>", ', "at ").split()).rstrip(":")


class _Loader(yaml.SafeLoader):
    bool_values: ClassVar[dict[str, bool]] = {**yaml.SafeLoader.bool_values, "y": True, "n": False}

    def construct_document(self, node: yaml.Node) -> Any:
        """Completes each value before the next begins, so that an anchor that contains itself is an error."""
        self.deep_construct = True
        return super().construct_document(node)

    def construct_number(self, node: yaml.ScalarNode) -> float | int:
        """The number as in the JSON that kubectl makes of it, which has no `.0`."""
        value: float = self.construct_yaml_float(node)
        return int(value) if value.is_integer() and abs(value) < _LEAST_WITH_EXPONENT else value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping under keys as in JSON. A key that is given twice is an error; one that is only merged (`<<`) may
        be given once more."""
        own: dict[Hashable, Any] = {}
        merged: dict[Hashable, Any] = {}
        for key, value in node.value:
            content = self.construct_object(value, deep=deep)
            if key.tag == MERGE:
                # Not PyYAML's own merge: it takes the wrong value where a merged mapping has overruled one itself.
                for source in content if isinstance(content, list) else [content]:
                    merged = {**_merged(value, source), **merged}
                continue
            name = _name(key, self.construct_object(key, deep=True))
            if name in own:
                raise _error(f"'{name}' is given twice", key)
            own[name] = content
        return {**merged, **own}


def _name(node: yaml.Node, key: object) -> str:
    """The key as the text that it is in JSON."""
    if isinstance(key, bool):
        return str(key).lower()
    if isinstance(key, str | int | float):
        return f"{key:g}" if isinstance(key, float) else str(key)
    raise _error(f"a key must be a string, is {key!r}", node)


def _merged(node: yaml.Node, source: object) -> dict[Hashable, Any]:
    if isinstance(source, dict):
        return source
    raise _error(f"what is merged must be a mapping, is {source!r}", node)


def _error(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


class _Dumper(yaml.SafeDumper):
    """Puts quotes around a text that either reader, this one or PyYAML's own, takes for something else. A value that
    occurs twice is written twice, without an anchor, as people expect."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True


_Loader.add_constructor(FLOAT, _Loader.construct_number)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag not in (INTEGER, FLOAT, TIMESTAMP, VALUE)]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver(INTEGER, _INTEGER, list(NUMBERS_BEGIN_WITH))
    _kind.add_implicit_resolver(FLOAT, _FLOAT, list(NUMBERS_BEGIN_WITH))
    _kind.add_implicit_resolver(BOOLEAN, re.compile(r"[yYnN]\Z"), list("yYnN"))
