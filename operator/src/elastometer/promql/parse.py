"""A query as promql-parser reads it, in every quoting that Prometheus accepts."""
from __future__ import annotations

import re

import promql_parser as promql

# What may hold a backquote that begins no string comes first.
_QUOTED = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*""")


def parse(text: str) -> promql.Expr:
    """The query; raises ValueError. Between backquotes a backslash stands for itself, but promql-parser takes it for an
    escape."""
    return promql.parse(_QUOTED.sub(_in_double_quotes, text))


def parts(text: str) -> list[promql.Expr]:
    """Every expression within the query, itself included; raises ValueError."""
    found: list[promql.Expr] = []
    promql.walk(parse(text), found.append)
    return found


def _in_double_quotes(found: re.Match[str]) -> str:
    if found[0][0] != "`":
        return found[0]
    escaped = found[0][1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
