"""The comparison as Markdown, short enough for a comment on a pull request: the answer first, details folded.

Foreign text is escaped, never markup; `<details>` and `<summary>` are the only elements.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from elastometer.model.comparison import Comparison, MeasureRow
from elastometer.render.sections.story import in_short_markdown
from elastometer.render.study import spares, tables, words
from elastometer.render.study.reported import reported_tables
from elastometer.render.tables.table import markdown
from elastometer.render.wording import numbers
from elastometer.render.wording.tables import code, printable, prose, section, table

# What the short part states of the findings before the others are folded.
_FIRST = 5
# A comment on GitHub or GitLab has at most 65,536 characters; a program may add its own to these.
_MOST_CHARACTERS = 60_000


def to_markdown(comparison: Comparison) -> bytes:
    """The charts are in the HTML. What would make it longer than a comment may be is left out, and named."""
    lines, left_out = [*_short(comparison)], []
    for title, body in _details(comparison):
        folded = [*_folded(title, body)]
        if _length([*lines, *folded]) <= _MOST_CHARACTERS:
            lines += folded
        else:
            left_out.append(title.lower())
    if left_out:
        lines += ["", f"Left out, so that this fits into a comment: {', '.join(left_out)}; report.html has all."]
    return ("\n".join(lines).rstrip() + "\n").encode()


def _length(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _short(comparison: Comparison) -> Iterator[str]:
    """What everybody reads."""
    yield f"# {prose(tables.headline(comparison))}"
    yield from ("", f"**{prose(words.stopped(comparison.best.sentence))}**")
    yield from ("", prose(f"Study {tables.name(comparison)}: {', '.join(tables.totals(comparison))}; "
                          f"differences are those of the means, to {comparison.baseline}."))
    if (reported := reported_tables(comparison)) is not None and reported.reported.report is not None:
        yield from in_short_markdown(reported.reported.report, reported.sections)
    if comparison.differing:
        yield from ("", "The runs were not asked the same:")
        yield from ("", *_listed(comparison.differing))
    yield from table(["Variant", *(_head(row) for row in tables.main_rows(comparison))], _main(comparison))
    yield from section("Gates", tables.GATES_HEAD, _gates(comparison))
    yield from ("", *_listed(tables.sentences(comparison)[:_FIRST]))


def _details(comparison: Comparison) -> Iterator[tuple[str, Iterable[str]]]:
    """What is folded: (title, lines), what matters most first."""
    if (reported := reported_tables(comparison)) is not None:
        yield f"The run of {reported.reported.variant}, reported and not compared", markdown(reported.sections)
    more = tables.sentences(comparison)[_FIRST:]
    yield "More findings", ("", *_listed(more)) if more else ()
    yield "Patch of the best variant", _patch(comparison)
    yield "Notes", ("", *_listed(comparison.notes)) if comparison.notes else ()
    yield "Predicted beside measured", _predicted(comparison)
    yield "Warm spares, measured", table(spares.head(comparison), (
        [prose(cell) for cell in row] for row in spares.rows(comparison)))
    yield "All measures", _measures(comparison)
    yield "Elastic speedup", table(["Variant", "Against", "ε", ""], _speedups(comparison))
    yield "Wins", _wins(comparison)
    yield "Runs", table(_runs_head(comparison), _runs(comparison))


def _listed(sentences: Iterable[str]) -> Iterator[str]:
    return (f"- {prose(words.stopped(one))}" for one in sentences)


def _head(row: MeasureRow) -> str:
    return f"{row.measure.title}, {words.DIRECTIONS[row.measure.better]}"


def _main(comparison: Comparison) -> Iterator[list[str]]:
    columns = [tables.cells(comparison, row, comparison.baseline) for row in tables.main_rows(comparison)]
    for number, one in enumerate(comparison.variants):
        special = ["baseline"] if one.name == comparison.baseline else []
        special += tables.tags(comparison, one)
        name = f"**{prose(one.name)}**" + (f" ({', '.join(special)})" if special else "")
        yield [name, *(_cell(cells[number]) for cells in columns)]


def _cell(cell: tables.Cell) -> str:
    """`23.1 s; Better, −38 s (−62 %)`."""
    found = cell.difference
    if found is None:
        return prose(cell.value + (f" ({cell.note})" if cell.note and cell.value == numbers.DASH else ""))
    return prose("; ".join([cell.value, ", ".join(part for part in (found.word, found.change) if part)]))


def _gates(comparison: Comparison) -> Iterable[Sequence[str]]:
    return ([words.GATES[one.state], prose(tables.title(comparison, one.measure)), prose(one.variant),
             prose(one.allowed), prose(one.message)] for one in tables.gates(comparison))


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    body = [*lines]
    if any(body):
        yield from ("", f"<details><summary>{title}</summary>", *body, "", "</details>")


def _measures(comparison: Comparison) -> Iterator[str]:
    head = ["Measure", *(prose(one.name) for one in comparison.variants)]
    for group, rows in tables.grouped(comparison):
        yield from ("", f"**{group.value}**")
        yield from table(head, ([prose(row.measure.title), *(_long_cell(cell) for cell in tables.cells(
            comparison, row, comparison.baseline))] for row in rows))
    missing, zeros = tables.unknown(comparison), tables.zeros(comparison)
    if zeros:
        yield from ("", prose(f"0 in every run: {', '.join(zeros)}."))
    if missing:
        yield from ("", *_listed(f"{title} is not known: {reason}" for title, reason in missing))


def _long_cell(cell: tables.Cell) -> str:
    """With the interval of the mean and that of the difference."""
    own = cell.value + (f" [{cell.span}]" if cell.span else "")
    found = cell.difference
    if found is None:
        return prose(own)
    change = found.change + (f" [{found.note}]" if found.note else "")
    return prose(f"{own}; " + " ".join(part for part in (found.word, change) if part))


def _speedups(comparison: Comparison) -> Iterator[list[str]]:
    for one in comparison.speedups:
        value, span = words.speedup(one)
        yield [prose(one.variant), prose(one.against), prose(value + (span and f" [{span}]")),
               prose(f"{words.JUDGEMENTS[one.judgement]}: {one.reason}" if one.reason else
                     words.JUDGEMENTS[one.judgement])]


def _wins(comparison: Comparison) -> Iterator[str]:
    names = [prose(one.name) for one in comparison.variants]
    for measure in tables.wins_measures(comparison):
        yield from ("", f"{prose(tables.title(comparison, measure))}: wins–draws–losses by repetition")
        yield from table(["", *names, "Points"],
                         ([prose(cell) for cell in row] for row in tables.wins_rows(comparison, measure)))


def _predicted(comparison: Comparison) -> Iterator[str]:
    rows = tables.predicted_rows(comparison)
    yield from table(tables.PREDICTED_HEAD, ([prose(cell) for cell in row] for row in rows))
    lines = tables.agreement_lines(comparison)
    if lines:
        yield from ("", *_listed(lines))


def _patch(comparison: Comparison) -> Iterator[str]:
    """Indented, not fenced: foreign text could end a fence."""
    best = None if comparison.best.variant is None else comparison.variant(comparison.best.variant)
    if best is not None and best.patch is not None:
        yield from ("", f"Of {code(best.name)}, on the template:", "")
        yield from (f"    {printable(line)}".rstrip() for line in best.patch.splitlines())


def _runs_head(comparison: Comparison) -> list[str]:
    return ["Run", "Verdict", *(row.measure.title for row in tables.main_rows(comparison)), "Compared"]


def _runs(comparison: Comparison) -> Iterator[list[str]]:
    for one in tables.run_lines(comparison, has_pages=False):
        yield [code(one.run.label.run), one.verdict, *map(prose, one.figures), prose(one.run.excluded or "yes")]
