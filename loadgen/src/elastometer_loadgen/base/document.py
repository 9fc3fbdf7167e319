"""A YAML document, read as the API server reads it: a duplicate key is an error, not an override. Pure.

YAML 1.1 as PyYAML has it differs from what kubectl makes of the same text: there 1e-8 is a number, 12:30 is a text and
not 750, and 2026-11-16 is a text and not a date.
"""

import re
from collections.abc import Hashable
from typing import Any

import yaml

MERGE = "tag:yaml.org,2002:merge"
INTEGER, FLOAT, TIMESTAMP = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp"))
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]|[0-9])(?:[0-9_]*\.[0-9_]*|[0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
NUMBERS_BEGIN_WITH = "-+.0123456789"


def read_document(text: str) -> Any:
    """The one document in a text; raises yaml.YAMLError."""
    return yaml.load(text, _Loader)


def write_document(document: object) -> str:
    """A text that `read_document` reads as this document."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Checks the keys before merges (`<<`) add those that may be overridden."""
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                if (key.tag, key.value) in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' is given twice", key.start_mark)
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    """Puts quotes around a text that either reader, this one or PyYAML's own, takes for something else."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in forms if tag not in (INTEGER, FLOAT, TIMESTAMP)]
    for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver(INTEGER, _INTEGER, list(NUMBERS_BEGIN_WITH))
    _kind.add_implicit_resolver(FLOAT, _FLOAT, list(NUMBERS_BEGIN_WITH))
