"""A team's own queries: what stands for this test in them is filled in, and what Prometheus would refuse is refused
before the run.

`$namespace`, `$pods` (a pattern of the server Pods' names) and `$service` stand within strings. They are escaped for
the kind of string, so that no name can end it.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import promql_parser as promql

from elastometer.model.bundle import SeriesName
from elastometer.model.own_series import PATH, OwnSeries
from elastometer.promql.parse import QUOTED, in_double_quotes, parse

NAMESPACE, PODS, SERVICE = "namespace", "pods", "service"
VARIABLES = (NAMESPACE, PODS, SERVICE)
# `$1` and `${1}` are groups of label_replace; a `$` before anything else ends a pattern.
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<plain>[A-Za-z_]\w*))")
_TOKEN = re.compile(rf"{QUOTED.pattern}|[\w.:]+|[=!]~|[=!<>]=|\S")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SHOWN_CHARACTERS = 20
# Names as valid as those of any test, for a query that is only checked.
_SAMPLE = {NAMESPACE: "default", PODS: "test-server-.+", SERVICE: "test-server"}
# As the triggers of a ScaledObject are recorded where there may be no replica.
_TRIGGER = re.compile(r"trigger_\d+")
_EQUALITY = (promql.MatchOp.Equal, promql.MatchOp.NotEqual)


def filled_in(query: str, values: Mapping[str, str]) -> str:
    """The query with the values of its variables, each escaped for the string that it stands in."""
    return QUOTED.sub(lambda found: _filled_string(found[0], values), query)


def series_flaws(series: Sequence[OwnSeries]) -> Iterator[str]:
    """What is wrong with names and queries, each with its path, what it must be, and what it is."""
    yield from _name_flaws(series)
    for index, one in enumerate(series):
        path = f"{PATH}[{index}].query"
        found = list(_variable_flaws(path, one.query))
        yield from found or _parsed_flaws(path, one.query)


def _name_flaws(series: Sequence[OwnSeries]) -> Iterator[str]:
    """A name that the tool records itself, or that two entries have, would make two series one."""
    seen: set[str] = set()
    for index, one in enumerate(series):
        if one.name in set(SeriesName) or _TRIGGER.fullmatch(one.name):
            yield (f"{PATH}[{index}].name: must not be the name of a series that is always recorded, is {one.name!r}; "
                   "give yours another name")
        if one.name in seen:
            yield f"{PATH}[{index}].name: must differ from those before it, is {one.name!r} again"
        seen.add(one.name)


def _filled_string(text: str, values: Mapping[str, str]) -> str:
    if text[0] == "#" or _VARIABLE.search(text) is None:
        return text
    # A string between backquotes has no escapes: one between double quotes says the same.
    quoted = in_double_quotes(text) if text[0] == "`" else text
    return _VARIABLE.sub(lambda found: _escaped(values[_name(found)], quoted[0]), quoted)


def _escaped(value: str, quote: str) -> str:
    return value.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n")


def _name(found: re.Match[str]) -> str:
    return found["braced"] or found["plain"]


def _variable_flaws(path: str, query: str) -> Iterator[str]:
    quoted = [found.span() for found in QUOTED.finditer(query)]
    for found in _VARIABLE.finditer(query):
        place = next((query[start] for start, end in quoted if start <= found.start() < end), None)
        if place == "#":
            continue
        if _name(found) not in VARIABLES:
            yield (f"{path}: must use no variables but {', '.join(f'${name}' for name in VARIABLES)}, uses {found[0]} "
                   f"{_position(query, found.start())}")
        elif place is None:
            yield (f"{path}: must use ${_name(found)} within a string, as in "
                   f'{{{_EXAMPLES[_name(found)]}}}, has it outside of one {_position(query, found.start())}')


_EXAMPLES = {NAMESPACE: 'namespace="$namespace"', PODS: 'pod=~"$pods"', SERVICE: 'service="$service"'}


def _parsed_flaws(path: str, query: str) -> Iterator[str]:
    try:
        found = parse(filled_in(query, _SAMPLE))
    except ValueError as error:
        yield f"{path}: must be a query in PromQL ({error} {_where(query)}), is {query!r}"
        return
    parts: list[promql.Expr] = []
    promql.walk(found, parts.append)
    if isinstance(_unwrapped(found), promql.MatrixSelector | promql.SubqueryExpr | promql.StringLiteral):
        yield (f"{path}: must return one value for each series at an instant, returns a range or a string; "
               f"put a function such as rate() around it; is {query!r}")
    selectors = (part for part in parts if isinstance(part, promql.VectorSelector))
    for matcher in (one for part in selectors for one in part.matchers.matchers):
        if _SAMPLE[PODS] in matcher.value and any(matcher.op == word for word in _EQUALITY):
            yield (f"{path}: must compare $pods, which is a pattern, by =~ or !~, compares the label "
                   f"{matcher.name} by {'=' if matcher.op == promql.MatchOp.Equal else '!='}; is {query!r}")


def _unwrapped(found: promql.Expr) -> promql.Expr:
    while isinstance(found, promql.ParenExpr):
        found = found.expr
    return found


def _where(query: str) -> str:
    """Where the query ceases to be one. promql-parser states no position: it is behind the longest part from the start
    that is a query as soon as what it opened is closed."""
    tokens = [found for found in _TOKEN.finditer(query) if found[0][0] != "#"]
    best, open_brackets = 0, ""
    for index, token in enumerate(tokens):
        if token[0] in _CLOSING:
            open_brackets = _CLOSING[token[0]] + open_brackets
        elif open_brackets.startswith(token[0]):
            open_brackets = open_brackets[1:]
        if _is_query(query[:token.end()] + open_brackets):
            best = index + 1
    if best < len(tokens):
        return _position(query, tokens[best].start())
    return f"at its end, where {open_brackets[:1]!r} is missing" if open_brackets else "at its end"


def _is_query(text: str) -> bool:
    try:
        parse(filled_in(text, _SAMPLE))
    except ValueError:
        return False
    return True


def _position(query: str, start: int) -> str:
    line, column = query.count("\n", 0, start) + 1, start - query.rfind("\n", 0, start)
    return f"at line {line}, column {column}, near {query[start:start + _SHOWN_CHARACTERS]!r}"
