"""A query as promql-parser reads it, in every quoting that Prometheus accepts."""
from __future__ import annotations

import re

import promql_parser as promql

# Every string and comment. What may hold a backquote that begins no string comes first.
QUOTED = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*""")


def parse(text: str) -> promql.Expr:
    """The query; raises ValueError. Between backquotes a backslash stands for itself, but promql-parser takes it for an
    escape."""
    return promql.parse(QUOTED.sub(lambda found: in_double_quotes(found[0]), text))


def parts(text: str) -> list[promql.Expr]:
    """Every expression within the query, itself included; raises ValueError."""
    found: list[promql.Expr] = []
    promql.walk(parse(text), found.append)
    return found


def in_double_quotes(text: str) -> str:
    """The string, of any quoting, between double quotes if it was between backquotes."""
    if text[0] != "`":
        return text
    escaped = text[1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
