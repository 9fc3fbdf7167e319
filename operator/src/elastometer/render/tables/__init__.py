"""The tables that answer a team's questions, each as rows of cells that HTML and Markdown print alike.

`table` has the types and Markdown's form, `sections` the sections in the order of the page: one module for each, with
one function `(report) -> TableSection | None`. `templates/tables.html.j2` is their form in HTML. Nothing here computes
a number.
"""
