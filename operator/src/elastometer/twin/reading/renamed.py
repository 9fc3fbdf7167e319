"""Queries that were written for a test of another name, as tests are copied and their queries forgotten.

In a cluster they select nothing. A prediction that says no more would be of little use, so the queries are taken as
ones for this test, and the difference is said.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from elastometer.model.document import Document, documents_at, text_at
from elastometer.model.errors import SpecError
from elastometer.promql.read import matchers_in
from elastometer.promql.series import Matcher, TestSeries, other_test, select


def renamed(spec: Document, series: TestSeries) -> tuple[TestSeries, tuple[str, ...]]:
    """The series under the name that the triggers of a ScaledObject ask for, and what a reader should know about it.
    Raises SpecError if they ask for two tests."""
    found = {name: (path, matcher) for path, matcher, name in _asked_for(spec, series)}
    if len(found) > 1:
        (path, matcher) = list(found.values())[-1]
        raise SpecError(f"{path}: must select the Pods of one test, but the queries select those of "
                        f"{' and '.join(map(repr, found))}; has {matcher}")
    if not found:
        return series, ()
    ((name, (path, matcher)),) = found.items()
    return replace(series, test=name), (
        f"{path}: {matcher} selects the server Pods of a test called {name!r}, and this one is called {series.test!r}. "
        "The prediction reads the queries as if they selected this test; in a cluster they would select nothing until "
        "one of the names is changed",)


def _asked_for(spec: Document, series: TestSeries) -> Iterator[tuple[str, Matcher, str]]:
    """(path, matcher, name) of each matcher of Pods that selects those of another test and none of this one."""
    for index, trigger in enumerate(documents_at(spec, "triggers")):
        path = f"triggers[{index}].metadata.query"
        for matcher in sorted(matchers_in(text_at(trigger, "metadata", "query") or ""), key=str):
            try:
                name = other_test(path, matcher)
                if name is not None and not select(path, [matcher], series).selects:
                    yield path, matcher, name
            except SpecError:
                continue  # the reader of the query refuses it
