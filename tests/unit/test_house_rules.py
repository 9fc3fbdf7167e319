"""Rules of the house that no linter knows: how long a module and a function may be, and what may not be called what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(
    path
    for folder in ("operator/src", "loadgen/src", "lab/src", "lab/standin/src")
    for path in (ROOT / folder).rglob("*.py")
)
MODULE_LINES = 250
BODY_LINES = 40
NOT_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_fits_a_head(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    assert path.stem not in NOT_NAMES
    long = {
        node.name: body_lines(node)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > BODY_LINES
    }
    assert not long


def test_the_operator_needs_nothing_that_only_the_load_generator_brings() -> None:
    """Its image has the dependencies of the extra `operator` alone."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = [{re.split(r"[<>=]", one)[0] for one in extras[extra]} for extra in ("loadgen", "operator")]
    absent = sorted(names[0] - names[1] - {"jinja2"})  # jinja2 is of the project itself
    assert absent == ["httptools"]
    code = f"import sys; sys.modules.update(dict.fromkeys({absent})); import elastometer.controller.__main__"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 100
